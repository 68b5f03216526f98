/* SPDX-License-Identifier: MIT */
#include "backplane/tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <parley/util/alloc.h>
#include <parley/util/base.h>

struct tls {
    SSL_CTX *context; /* owned */
    char *host;       /* owned */
};

struct tls *tls_new(const char *host)
{
    struct tls *tls = xcalloc(1, sizeof *tls);

    tls->host = xstrdup(host);
    tls->context = SSL_CTX_new(TLS_client_method());
    PARLEY_ASSERT(tls->context != NULL);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
    /* A server that just closes is gone, no attacker: replies carry their lengths. */
    (void)SSL_CTX_set_options(tls->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
    /* Without a store nothing verifies: that shows when connecting. */
    (void)SSL_CTX_set_default_verify_paths(tls->context);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls->host);
        free(tls);
    }
}

/* The certificate must be for the host; a name is sent along (SNI). */
static bool expect_host(SSL *ssl, char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1) {
        return true;
    }
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1;
}

struct bufferevent *tls_open(struct tls *tls, struct event_base *base)
{
    SSL *ssl = SSL_new(tls->context);

    if (ssl == NULL) {
        return NULL;
    }
    if (!expect_host(ssl, tls->host)) {
        SSL_free(ssl);
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);

    if (bev != NULL) {
        /* The same where OpenSSL is older than 3. */
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    }
    return bev;
}

bool tls_explain(struct bufferevent *bev, char *ret_text, size_t size)
{
    SSL *ssl = bufferevent_openssl_get_ssl(bev);
    unsigned long error = bufferevent_get_openssl_error(bev);
    long verified = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);

    ret_text[0] = '\0';
    if (verified != X509_V_OK) {
        (void)snprintf(ret_text, size, "the server's TLS certificate is not accepted: %s",
                       X509_verify_cert_error_string(verified));
        return true;
    }
    if (error != 0) {
        const char *reason = ERR_reason_error_string(error);

        (void)snprintf(ret_text, size, "TLS: %s",
                       reason == NULL ? "unknown error" : reason);
    }
    return false;
}
