/* SPDX-License-Identifier: MIT */
#include "proto/irc/caps.h"

#include <stddef.h>

static const struct cap_row {
    struct str_view name;
    bool is_offered;
} rows[IRC_CAP_COUNT] = {
#define X(name, text, offered) [IRC_CAP_INDEX_##name] = {SV_INIT(text), offered},
    IRC_CAPS(X)
#undef X
};

uint32_t irc_caps_offered(void)
{
    uint32_t caps = 0;

    for (size_t i = 0; i < IRC_CAP_COUNT; i++) {
        caps |= rows[i].is_offered ? UINT32_C(1) << i : 0;
    }
    return caps;
}

void irc_caps_add_names(struct strbuf *out, uint32_t caps)
{
    struct str_view between = SV("");

    for (size_t i = 0; i < IRC_CAP_COUNT; i++) {
        if (rows[i].is_offered && (caps >> i & 1) != 0) {
            strbuf_add(out, between);
            strbuf_add(out, rows[i].name);
            between = SV(" ");
        }
    }
}

/* The bit of an offered capability, 0 if it is none. */
static uint32_t find(struct str_view name)
{
    for (size_t i = 0; i < IRC_CAP_COUNT; i++) {
        if (rows[i].is_offered && sv_equal(name, rows[i].name)) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

bool irc_caps_request(struct str_view list, bool is_302, uint32_t *caps)
{
    uint32_t wanted = *caps;
    struct str_view name = {0};

    if (list.len > IRC_CAPS_LIST_BYTES_MAX) {
        return false;
    }
    while ((name = sv_next_word(&list)).len > 0) {
        bool is_removed = name.ptr[0] == '-';
        uint32_t bit = find(is_removed ? sv(name.ptr + 1, name.len - 1) : name);

        if (bit == 0 || (is_removed && is_302 && bit == IRC_CAP_CAP_NOTIFY)) {
            return false;
        }
        wanted = is_removed ? wanted & ~bit : wanted | bit;
    }
    *caps = wanted;
    return true;
}
