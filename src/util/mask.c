/* SPDX-License-Identifier: MIT */
#include <parley/util/mask.h>

#include <stddef.h>
#include <stdint.h>

enum { WORD_BITS = 64, WORDS = (MASK_BYTES_MAX + 1) / WORD_BITS, BYTE_VALUES = 256 };

_Static_assert(WORDS *WORD_BITS == MASK_BYTES_MAX + 1, "a state more than bytes");

/* State i: the first i elements of the pattern (stars not counted) have matched. */
struct automaton {
    uint64_t accepts[BYTE_VALUES][WORDS]; /* state i goes on to i + 1 with this byte */
    uint64_t loops[WORDS];                /* state i stays, whatever comes: a star */
    uint64_t wide[WORDS];                 /* state i stays while its character goes on */
    size_t last;
};

static void set_bit(uint64_t *bits, size_t i)
{
    bits[i / WORD_BITS] |= (uint64_t)1 << (i % WORD_BITS);
}

/* Bytes 0x80 to 0xBF continue a character of UTF-8. */
static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

static void add_any(struct automaton *a)
{
    for (unsigned byte = 0; byte < BYTE_VALUES; byte++) {
        if (!is_continuation((unsigned char)byte)) {
            set_bit(a->accepts[byte], a->last);
        }
    }
    set_bit(a->wide, a->last + 1);
}

static void add_byte(struct automaton *a, char c)
{
    unsigned char low = (unsigned char)ascii_lower(c);

    set_bit(a->accepts[low], a->last);
    if (low >= 'a' && low <= 'z') {
        set_bit(a->accepts[low - 'a' + 'A'], a->last);
    }
}

static bool compile(struct automaton *a, struct str_view mask)
{
    *a = (struct automaton){.last = 0};
    for (size_t i = 0; i < mask.len; i++) {
        if (mask.ptr[i] == '*') {
            set_bit(a->loops, a->last);
            continue;
        }
        if (a->last == MASK_BYTES_MAX) {
            return false;
        }
        if (mask.ptr[i] == '?') {
            add_any(a);
        } else {
            add_byte(a, mask.ptr[i]);
        }
        a->last++;
    }
    return true;
}

static void step(const struct automaton *a, uint64_t *states, unsigned char byte)
{
    uint64_t carry = 0;

    for (size_t w = 0; w < WORDS; w++) {
        uint64_t moved = states[w] & a->accepts[byte][w];
        uint64_t stay = a->loops[w] | (is_continuation(byte) ? a->wide[w] : 0);

        states[w] = (states[w] & stay) | (moved << 1) | carry;
        carry = moved >> (WORD_BITS - 1);
    }
}

bool mask_matches(struct str_view mask, struct str_view text)
{
    struct automaton a;
    uint64_t states[WORDS] = {1};

    if (!compile(&a, mask)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        step(&a, states, (unsigned char)text.ptr[i]);
    }
    return (states[a.last / WORD_BITS] >> (a.last % WORD_BITS) & 1) != 0;
}

bool mask_is_wild(struct str_view mask)
{
    return sv_find_char(mask, '*') < mask.len || sv_find_char(mask, '?') < mask.len;
}
