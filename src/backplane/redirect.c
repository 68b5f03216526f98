/* SPDX-License-Identifier: MIT */
#include "backplane/redirect.h"

#include "backplane/partition.h"

bool redirect_host_is_usable(struct str_view host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = ascii_lower(host.ptr[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
              c == '_' || c == ':')) {
            return false;
        }
    }
    return host.len > 0 && host.len <= REDIRECT_HOST_MAX;
}

/* "host:port"; the host of an IPv6 address has colons itself and no brackets. */
static bool parse_address(struct str_view text, struct redirect *ret)
{
    size_t colon = text.len;
    uint64_t port;

    while (colon > 0 && text.ptr[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 ||
        !sv_to_u64(sv(text.ptr + colon, text.len - colon), UINT16_MAX, &port) ||
        port == 0) {
        return false;
    }
    ret->host = sv(text.ptr, colon - 1);
    ret->port = (uint16_t)port;
    return ret->host.len == 0 || redirect_host_is_usable(ret->host);
}

bool redirect_parse(struct str_view error, struct redirect *ret)
{
    struct str_view kind = sv_next_word(&error);
    uint64_t slot;

    if (sv_equal(kind, SV("MOVED"))) {
        ret->kind = REDIRECT_MOVED;
    } else if (sv_equal(kind, SV("ASK"))) {
        ret->kind = REDIRECT_ASK;
    } else {
        return false;
    }
    if (!sv_to_u64(sv_next_word(&error), REDIS_SLOTS - 1, &slot)) {
        return false;
    }
    ret->slot = (uint16_t)slot;
    return parse_address(sv_next_word(&error), ret);
}
