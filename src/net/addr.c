/* SPDX-License-Identifier: MIT */
#include <parley/net/addr.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <parley/util/str.h>

_Static_assert(ADDR_HOST_SIZE == INET6_ADDRSTRLEN, "room for any address");

struct addr addr_from_sockaddr(const struct sockaddr *from)
{
    struct addr a = {.family = ADDR_NONE};

    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        a.family = ADDR_IPV4;
        a.port = ntohs(v4.sin_port);
        memcpy(a.bytes, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        a.family = is_mapped ? ADDR_IPV4 : ADDR_IPV6;
        a.port = ntohs(v6.sin6_port);
        memcpy(a.bytes, v6.sin6_addr.s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
    }
    return a;
}

void addr_format_host(const struct addr *a, char ret_text[ADDR_HOST_SIZE])
{
    int family = a->family == ADDR_IPV6 ? AF_INET6 : AF_INET;

    if (a->family == ADDR_NONE ||
        inet_ntop(family, a->bytes, ret_text, ADDR_HOST_SIZE) == NULL) {
        memcpy(ret_text, "-", sizeof "-");
    }
}

void addr_format_peer(const struct addr *a, char ret_text[ADDR_PEER_SIZE])
{
    bool is_v6 = a->family == ADDR_IPV6;
    char host[ADDR_HOST_SIZE];

    addr_format_host(a, host);
    (void)snprintf(ret_text, ADDR_PEER_SIZE, "%s%s%s:%u", is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", (unsigned)a->port);
}

bool addr_split(struct str_view text, struct str_view *ret_host, uint16_t *ret_port)
{
    size_t colon = text.len;
    uint64_t port;

    while (colon > 0 && text.ptr[colon - 1] != ':') {
        colon--;
    }
    if (colon == 0 ||
        !sv_to_u64(sv(text.ptr + colon, text.len - colon), UINT16_MAX, &port)) {
        return false;
    }
    struct str_view host = sv(text.ptr, colon - 1);
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        host = sv(host.ptr + 1, host.len - 2);
        if (host.len == 0) {
            return false;
        }
    } else if (sv_find_char(host, ':') < host.len) {
        return false;
    } else if (sv_equal(host, SV("*"))) {
        host = sv(NULL, 0);
    }
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}
