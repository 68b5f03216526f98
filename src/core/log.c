/* SPDX-License-Identifier: MIT */
#include <parley/core/log.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <parley/core/metrics.h>
#include <parley/util/base.h>
#include <parley/util/clock.h>
#include <parley/util/str.h>
#include <parley/util/utf8.h>

/*
 * A line is at most PIPE_BUF bytes (4096 on Linux), so that a pipe takes it whole or not at
 * all. The last few are kept for what closes a line that was cut.
 */
enum { LINE_SIZE = 4096, LINE_RESERVE = 8, MESSAGE_SIZE = 2048, NODE_SIZE = 65 };

/* Names of events that are counted one by one; what is past them shares one counter. */
enum { RATE_SLOTS = 128 };

struct line {
    char bytes[LINE_SIZE];
    size_t len;
    bool full; /* something did not fit: nothing more is added */
};

/* What one event name used up of this second. */
struct rate {
    const char *event; /* borrowed: a literal; NULL: unused */
    enum log_level level;
    uint32_t count;
    uint32_t suppressed;
};

static struct {
    enum log_level level;
    enum log_format format;
    int fd;
    char node[NODE_SIZE];
    uint64_t second;                   /* that the rates are of */
    struct rate rates[RATE_SLOTS + 1]; /* the last one is shared */
    uint64_t dropped;                  /* lines that the descriptor did not take */
    bool torn;                         /* the last line was written in part */
} state = {.level = LOG_INFO, .fd = STDOUT_FILENO, .node = "-"};

static const char *const level_names[LOG_LEVEL_COUNT] = {"error", "warn", "info",
                                                         "debug"};

/* ---- building a line ---- */

static void line_add(struct line *l, struct str_view text)
{
    if (l->full || text.len > LINE_SIZE - LINE_RESERVE - l->len) {
        l->full = true;
        return;
    }
    memcpy(l->bytes + l->len, text.ptr, text.len);
    l->len += text.len;
}

/* Close what was opened, from the reserve. */
static void line_close(struct line *l, struct str_view text)
{
    memcpy(l->bytes + l->len, text.ptr, text.len);
    l->len += text.len;
}

/* How many bytes at the start of `text` (not empty) are one harmless character; 0 if none. */
static size_t harmless_length(struct str_view text)
{
    unsigned char first = (unsigned char)text.ptr[0];

    if (first < 0x80) {
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    }
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (length > text.len || !utf8_is_valid(sv(text.ptr, length))) {
        return 0;
    }
    /* U+0080..U+009F are controls too: some terminals obey them. */
    return first == 0xc2 && (unsigned char)text.ptr[1] < 0xa0 ? 0 : length;
}

/* What stands for the byte that `text` (not empty) begins with, when it is not to be shown. */
static struct str_view escape_byte(char c, char buffer[8])
{
    static const char hex[] = "0123456789abcdef";
    bool json = state.format == LOG_JSON;
    size_t n = 0;

    if (json) {
        buffer[n++] = '\\';
    }
    if (c == '"' || c == '\\') {
        buffer[n++] = c;
        return sv(buffer, n);
    }
    buffer[n++] = '\\';
    buffer[n++] = 'x';
    buffer[n++] = hex[(unsigned char)c >> 4];
    buffer[n++] = hex[(unsigned char)c & 15];
    return sv(buffer, n);
}

/* Add `text` so that it stays on one line and within JSON's quotes. */
static void line_add_escaped(struct line *l, struct str_view text)
{
    bool json = state.format == LOG_JSON;
    char buffer[8];

    while (text.len > 0) {
        size_t n = harmless_length(text);

        if (n == 0 || (json && (text.ptr[0] == '"' || text.ptr[0] == '\\'))) {
            n = 1;
            line_add(l, escape_byte(text.ptr[0], buffer));
        } else {
            line_add(l, sv(text.ptr, n));
        }
        text = sv(text.ptr + n, text.len - n);
    }
}

/* ---- JSON: the message's key=value words become fields ---- */

static bool is_key(struct str_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';

        if (!letter && c != '_' && (c < '0' || c > '9')) {
            return false;
        }
    }
    return text.len > 0;
}

/* Cut "key=" off `rest`; false, and nothing changed, if it does not begin so. */
static bool cut_key(struct str_view *rest, struct str_view *ret_key)
{
    struct str_view text = *rest;
    struct str_view key = sv_next_until(&text, '=');

    if (key.len == rest->len || !is_key(key)) {
        return false;
    }
    *ret_key = key;
    *rest = text;
    return true;
}

/* Cut a value off `rest`: up to a blank, or between quotes. The closing quote is one before
 * the next key or the end, so that one inside a stranger's text does not end it. */
static struct str_view cut_value(struct str_view *rest)
{
    if (!sv_starts_with(*rest, SV("\""))) {
        struct str_view value = sv_next_until(rest, ' ');

        *rest = sv_trim(*rest);
        return value;
    }
    struct str_view text = sv(rest->ptr + 1, rest->len - 1);

    for (size_t i = 0; i < text.len; i++) {
        struct str_view after = sv(text.ptr + i + 1, text.len - i - 1);
        struct str_view next = sv_trim(after);
        struct str_view key;

        if (text.ptr[i] == '"' &&
            (next.len == 0 || (after.ptr[0] == ' ' && cut_key(&next, &key)))) {
            *rest = sv_trim(after);
            return sv(text.ptr, i);
        }
    }
    *rest = sv(text.ptr + text.len, 0);
    return text;
}

/* Add a field; one whose key does not fit is left out whole. */
static void line_add_json(struct line *l, struct str_view key, struct str_view value)
{
    size_t start = l->len;

    line_add(l, SV(",\""));
    line_add(l, key);
    line_add(l, SV("\":\""));
    if (l->full) {
        l->len = start;
        return;
    }
    line_add_escaped(l, value);
    line_close(l, SV("\""));
}

/* A message's own key must not hide a field that every line has. */
static struct str_view own_key(struct str_view key)
{
    static const char *const standing[][2] = {{"time", "field_time"},
                                              {"level", "field_level"},
                                              {"event", "field_event"},
                                              {"node", "field_node"}};

    for (size_t i = 0; i < PARLEY_COUNT_OF(standing); i++) {
        if (sv_equal(key, sv_of(standing[i][0]))) {
            return sv_of(standing[i][1]);
        }
    }
    return key;
}

/* From the first word that is no key=value on, it is one field. */
static void line_add_json_fields(struct line *l, struct str_view message)
{
    struct str_view rest = sv_trim(message);

    while (rest.len > 0 && !l->full) {
        struct str_view key;

        if (!cut_key(&rest, &key)) {
            line_add_json(l, SV("message"), rest);
            return;
        }
        line_add_json(l, own_key(key), cut_value(&rest));
    }
}

/* ---- the two formats ---- */

static void format_text(struct line *l, enum log_level level, const char *event,
                        struct str_view message)
{
    char time[CLOCK_ISO_SIZE];

    clock_format_iso_ms(clock_wall_ms(), time);
    line_add(l, sv_of(time));
    line_add(l, SV(" "));
    line_add(l, sv_of(level_names[level]));
    line_add(l, SV(" "));
    line_add(l, sv_of(event));
    line_add(l, SV(" node="));
    line_add_escaped(l, sv_of(state.node));
    if (message.len > 0) {
        line_add(l, SV(" "));
        line_add_escaped(l, message);
    }
    line_close(l, l->full ? SV("...\n") : SV("\n"));
}

static void format_json(struct line *l, enum log_level level, const char *event,
                        struct str_view message)
{
    char time[CLOCK_ISO_SIZE];

    clock_format_iso_ms(clock_wall_ms(), time);
    line_add(l, SV("{\"time\":\""));
    line_add(l, sv_of(time));
    line_add(l, SV("\""));
    line_add_json(l, SV("level"), sv_of(level_names[level]));
    line_add_json(l, SV("event"), sv_of(event));
    line_add_json(l, SV("node"), sv_of(state.node));
    line_add_json_fields(l, message);
    line_close(l, SV("}\n"));
}

/* ---- writing ---- */

/* One write; a descriptor that would make us wait gets nothing. */
static bool write_bytes(struct str_view bytes)
{
    struct pollfd out = {.fd = state.fd, .events = POLLOUT};
    ssize_t n = -1;

    if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT) {
        return false;
    }
    do {
        n = write(state.fd, bytes.ptr, bytes.len);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return false;
    }
    state.torn = (size_t)n < bytes.len;
    return !state.torn;
}

static bool write_line(enum log_level level, const char *event, struct str_view message)
{
    struct line l;

    l.len = 0;
    l.full = false;
    if (state.format == LOG_JSON) {
        format_json(&l, level, event, message);
    } else {
        format_text(&l, level, event, message);
    }
    metric_add(METRIC_LOG_LINES, 1);
    return write_bytes(sv(l.bytes, l.len));
}

static void count_dropped(void)
{
    state.dropped++;
    metric_add(METRIC_LOG_DROPPED, 1);
}

/* Write a line, and before it how many were lost because the descriptor did not take them. */
static void emit(enum log_level level, const char *event, struct str_view message)
{
    if (state.torn && !write_bytes(SV("\n"))) {
        count_dropped();
        return;
    }
    if (state.dropped > 0) {
        char text[32];

        (void)snprintf(text, sizeof text, "count=%" PRIu64, state.dropped);
        if (!write_line(LOG_WARN, "log_dropped", sv_of(text))) {
            count_dropped();
            return;
        }
        state.dropped = 0;
    }
    if (!write_line(level, event, message)) {
        count_dropped();
    }
}

/* ---- limits ---- */

static struct rate *find_rate(const char *event)
{
    uint32_t hash = 2166136261U; /* FNV-1a: the names are our own */

    for (const char *c = event; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    }
    for (uint32_t i = 0; i < RATE_SLOTS; i++) {
        struct rate *r = &state.rates[(hash + i) % RATE_SLOTS];

        if (r->event == NULL) {
            r->event = event;
        }
        if (strcmp(r->event, event) == 0) {
            return r;
        }
    }
    state.rates[RATE_SLOTS].event = "other";
    return &state.rates[RATE_SLOTS];
}

/* When a new second has begun, tell what the last one left out and count anew. */
static void turn_second(void)
{
    uint64_t second = clock_monotonic_ms() / 1000;

    if (second == state.second) {
        return;
    }
    state.second = second;
    for (size_t i = 0; i <= RATE_SLOTS; i++) {
        struct rate *r = &state.rates[i];
        uint32_t suppressed = r->suppressed;

        r->count = 0;
        r->suppressed = 0;
        if (suppressed > 0) {
            char text[128];

            (void)snprintf(text, sizeof text, "name=%.80s count=%" PRIu32, r->event,
                           suppressed);
            emit(r->level, "suppressed", sv_of(text));
        }
    }
}

/* May one more line of this event be written in this second? */
static bool spend(enum log_level level, const char *event)
{
    struct rate *r = find_rate(event);

    r->level = level;
    if (r->count >= LOG_BURST) {
        r->suppressed++;
        metric_add(METRIC_LOG_SUPPRESSED, 1);
        return false;
    }
    r->count++;
    return true;
}

/* ---- the interface ---- */

void log_setup(enum log_level level, enum log_format format, int fd)
{
    state.level = level;
    state.format = format;
    state.fd = fd;
}

void log_set_node(const char *node)
{
    (void)snprintf(state.node, sizeof state.node, "%s", node);
}

bool log_is_on(enum log_level level)
{
    return level <= state.level;
}

void log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;

    if (!log_is_on(level)) {
        return;
    }
    turn_second();
    if (!spend(level, event)) {
        return;
    }
    va_start(args, fmt);
    int n = vsnprintf(message, sizeof message, fmt, args);
    va_end(args);

    if (n < 0) {
        n = 0;
    } else if ((size_t)n >= sizeof message) {
        n = sizeof message - 1;
        memcpy(message + n - 3, "...", sizeof "...");
    }
    emit(level, event, sv(message, (size_t)n));
}

void log_raw(struct str_view line)
{
    bool is_clean = !state.torn || write_bytes(SV("\n"));

    metric_add(METRIC_LOG_LINES, 1);
    if (!is_clean || !write_bytes(line)) {
        count_dropped();
    }
}
