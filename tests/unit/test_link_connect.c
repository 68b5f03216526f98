/* How a link connects: the handshake, names and addresses, TLS. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/dns.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <parley/core/metrics.h>
#include <parley/util/alloc.h>

#include "backplane/link.h"
#include "support/link_rig.h"

Suite *suite(void);

/* ---- handshake ---- */

START_TEST(test_command_link_loads_the_missing_library)
{
    rig_start_ready(LINK_COMMANDS);
    ck_assert_str_eq(
        strbuf_cstr(&rig.server.heard),
        "|CLIENT SETNAME test|INFO server|ROLE|INFO replication|FUNCTION LIST WITHCODE "
        "LIBRARYNAME lib|FUNCTION LOAD REPLACE #!lua name=lib\n");
    ck_assert_int_eq(metric_values[METRIC_LINK_UP], 1);
    ck_assert_int_eq(metric_values[METRIC_RECONNECTS], 0);
}
END_TEST

START_TEST(test_subscription_link_asks_for_no_library)
{
    rig_start_ready(LINK_SUBSCRIPTIONS);
    ck_assert_str_eq(strbuf_cstr(&rig.server.heard),
                     "|CLIENT SETNAME test|INFO server|ROLE");
}
END_TEST

START_TEST(test_library_that_is_there_is_not_loaded)
{
    rig.server.library = "*1\r\n*4\r\n$12\r\nlibrary_name\r\n$3\r\nlib\r\n"
                         "$12\r\nlibrary_code\r\n$15\r\n#!lua name=lib\n\r\n";
    rig_start_ready(LINK_COMMANDS);
    ck_assert_ptr_null(strstr(strbuf_cstr(&rig.server.heard), "LOAD"));
}
END_TEST

START_TEST(test_library_of_other_text_is_replaced)
{
    rig.server.library = "*1\r\n*4\r\n$12\r\nlibrary_name\r\n$3\r\nlib\r\n"
                         "$12\r\nlibrary_code\r\n$15\r\n#!lua name=lib \r\n";
    rig_start_ready(LINK_COMMANDS);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&rig.server.heard), "LOAD REPLACE"));
}
END_TEST

START_TEST(test_credentials_go_first)
{
    rig.url.user = xstrdup("bob");
    rig.url.password = xstrdup("s3cret");
    rig_start_ready(LINK_COMMANDS);
    ck_assert(
        sv_starts_with(strbuf_view(&rig.server.heard), SV("|AUTH bob s3cret|CLIENT")));
}
END_TEST

START_TEST(test_password_alone_is_sent_without_user)
{
    rig.url.password = xstrdup("s3cret");
    rig_start_ready(LINK_SUBSCRIPTIONS);
    ck_assert(sv_starts_with(strbuf_view(&rig.server.heard), SV("|AUTH s3cret|CLIENT")));
}
END_TEST

START_TEST(test_wrong_password_is_told_once_and_not_the_password)
{
    rig.url.password = xstrdup("s3cret");
    rig.server.auth =
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 2);
    ck_assert_uint_eq(rig.counts[RIG_UNUSABLE], 1);
    ck_assert_ptr_nonnull(strstr(rig.unusable, "WRONGPASS"));
    ck_assert_ptr_null(strstr(rig.unusable, "s3cret"));
}
END_TEST

START_TEST(test_password_that_was_changed_meanwhile_is_tried)
{
    rig.url.password = xstrdup("old");
    rig.next_password = "new";
    rig.server.auth = "-WRONGPASS invalid username-password pair\r\n";
    rig_start_ready(LINK_COMMANDS);
    ck_assert_uint_eq(rig.counts[RIG_DENIED], 1);
    ck_assert_uint_eq(rig.counts[RIG_UNUSABLE], 0);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&rig.server.heard), "|AUTH old"));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&rig.server.heard), "|AUTH new"));
}
END_TEST

START_TEST(test_password_is_asked_for_again_at_each_refusal)
{
    rig.url.password = xstrdup("old");
    rig.server.auth = "-WRONGPASS invalid username-password pair\r\n";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DENIED, 2);
    ck_assert_uint_eq(rig.counts[RIG_UNUSABLE], 1);
}
END_TEST

static const struct info_case {
    const char *info;
    const char *error; /* NULL: it will do */
} info_cases[] = {
    {"redis_version:7.0.0\r\n", NULL},
    {"# Server\r\nredis_version:8.0.2\r\nredis_mode:standalone\r\n", NULL},
    {"redis_version:10.1.1", NULL},
    {"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n", NULL},
    {"redis_version:7.2.4\r\nvalkey_version:7.2.5\r\n", NULL},
    {"redis_version:6.2.14\r\n", "Redis 6.2.14 is too old"},
    {"redis_version:7.2.4\r\nvalkey_version:7.1.0\r\n", "Valkey 7.1.0 is too old"},
    {"redis_version:\r\n", "version"},
    {"redis_version:x.y\r\n", "too old"},
    {"", "version"},
};

START_TEST(test_server_version)
{
    const struct info_case *c = &info_cases[_i];

    rig.server.info = c->info;
    rig_start(LINK_COMMANDS);
    rig_wait(c->error == NULL ? RIG_READY : RIG_UNUSABLE, 1);
    if (c->error != NULL) {
        ck_assert_msg(strstr(rig.unusable, c->error) != NULL, "%s", rig.unusable);
        ck_assert_ptr_nonnull(strstr(rig.unusable, "Redis 7.0 or Valkey 7.2"));
    }
}
END_TEST

START_TEST(test_replica_is_waited_for)
{
    rig.server.role = "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$9\r\nconnected\r\n:0\r\n";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 2);
    ck_assert_ptr_nonnull(strstr(rig.down, "not a primary"));
    ck_assert_uint_eq(rig.counts[RIG_UNUSABLE], 0);
    rig.server.role = NULL;
    rig_wait(RIG_READY, 1);
}
END_TEST

START_TEST(test_loading_server_is_waited_for)
{
    rig.server.library = "-LOADING Redis is loading the dataset in memory\r\n";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 2);
    ck_assert_ptr_nonnull(strstr(rig.down, "LOADING"));
    ck_assert_uint_eq(rig.counts[RIG_UNUSABLE], 0);
    rig.server.library = NULL;
    rig_wait(RIG_READY, 1);
}
END_TEST

START_TEST(test_library_that_does_not_load_is_told)
{
    rig.server.load = "-ERR Error compiling function\r\n";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_UNUSABLE, 1);
    ck_assert_str_eq(rig.unusable, "FUNCTION LOAD: ERR Error compiling function");
}
END_TEST

/* ---- connecting ---- */

START_TEST(test_refused_connection_is_tried_again)
{
    uint16_t port = rig.server.port;

    fake_redis_stop(&rig.server);
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 3);
    ck_assert_str_eq(rig.down, "Connection refused");
    ck_assert(!rig_send_raw("+OK\r\n"));
    fake_redis_start(&rig.server, loop_base(rig.loop), port);
    rig_wait(RIG_READY, 1);
}
END_TEST

START_TEST(test_name_without_resolver_is_told)
{
    rig.host = "localhost";
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 1);
    ck_assert_ptr_nonnull(strstr(rig.down, "host localhost"));
}
END_TEST

/* localhost has an IPv6 address as well, where nobody listens: the addresses take turns. */
START_TEST(test_every_address_of_a_name_is_tried)
{
    rig.dns = evdns_base_new(loop_base(rig.loop), 0);
    ck_assert_int_eq(evdns_base_load_hosts(rig.dns, NULL), 0);
    rig.host = "localhost";
    rig_start_ready(LINK_COMMANDS);
}
END_TEST

START_TEST(test_close_while_the_name_is_looked_up)
{
    rig.dns = evdns_base_new(loop_base(rig.loop), 0);
    ck_assert_int_eq(evdns_base_nameserver_ip_add(rig.dns, "127.0.0.1:9"), 0);
    rig.host = "nowhere.example";
    rig_start(LINK_COMMANDS);
    loop_turn(rig.loop);
    link_close(rig.link);
    rig.link = NULL;
    rig_turn_for_ms(50);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 0);
}
END_TEST

/* ---- TLS ---- */

static EVP_PKEY *make_key(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    EVP_PKEY *key = NULL;

    ck_assert_int_eq(EVP_PKEY_keygen_init(context), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048), 1);
    ck_assert_int_eq(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Signed by itself, for `names`, e.g. "IP:127.0.0.1". */
static X509 *make_certificate(EVP_PKEY *key, const char *names)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
                                                    names);
    const unsigned char *common = (const unsigned char *)"fake";

    ck_assert_int_eq(X509_set_version(cert, 2), 1);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
    ck_assert_int_eq(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0), 1);
    ck_assert_int_eq(X509_set_issuer_name(cert, name), 1);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    X509_EXTENSION_free(extension);
    return cert;
}

/* Let links trust the certificate: the way of an operator with an authority of their own. */
static void trust(X509 *cert)
{
    char path[] = "/tmp/parley-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, cert), 1);
    (void)fclose(file);
    ck_assert_int_eq(setenv("SSL_CERT_FILE", path, 1), 0);
}

static void stop_trusting(void)
{
    (void)unlink(getenv("SSL_CERT_FILE"));
}

/* The server speaks TLS with a certificate for `names`; the link shall too. */
static SSL_CTX *serve_tls(const char *names, bool trusted)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = make_key();
    X509 *cert = make_certificate(key, names);

    if (trusted) {
        trust(cert);
    }
    ck_assert_int_eq(SSL_CTX_use_certificate(context, cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    rig.server.tls = context;
    rig.url.tls = true;
    return context;
}

START_TEST(test_tls_link_works_like_any)
{
    SSL_CTX *context = serve_tls("IP:127.0.0.1", true);

    rig.server.byte_by_byte = true;
    rig_start_ready(LINK_COMMANDS);
    ck_assert(rig_send_raw("$5\r\nhello\r\n"));
    rig_wait(RIG_REPLY, 1);
    ck_assert_str_eq(rig.reply, "hello");
    ck_assert(rig_send("CUT", SV(""), 0, 1));
    rig_wait(RIG_READY, 2);
    ck_assert_uint_eq(rig.counts[RIG_DOWN], 1);
    ck_assert_str_eq(rig.down, "the server closed the connection");
    stop_trusting();
    SSL_CTX_free(context);
}
END_TEST

START_TEST(test_tls_certificate_for_a_name_is_checked_against_it)
{
    SSL_CTX *context = serve_tls("DNS:localhost", true);

    rig.dns = evdns_base_new(loop_base(rig.loop), 0);
    ck_assert_int_eq(evdns_base_load_hosts(rig.dns, NULL), 0);
    rig.host = "localhost";
    rig_start_ready(LINK_COMMANDS);
    stop_trusting();
    SSL_CTX_free(context);
}
END_TEST

START_TEST(test_tls_certificate_for_another_host_is_refused)
{
    SSL_CTX *context = serve_tls("IP:127.0.0.2,DNS:localhost", true);

    rig_start(LINK_COMMANDS);
    rig_wait(RIG_UNUSABLE, 1);
    ck_assert_msg(strstr(rig.unusable, "certificate") != NULL, "%s", rig.unusable);
    ck_assert_uint_eq(strbuf_view(&rig.server.heard).len, 0);
    stop_trusting();
    SSL_CTX_free(context);
}
END_TEST

START_TEST(test_tls_certificate_of_a_stranger_is_refused)
{
    SSL_CTX *context = serve_tls("IP:127.0.0.1", false);

    rig_start(LINK_COMMANDS);
    rig_wait(RIG_UNUSABLE, 1);
    ck_assert_msg(strstr(rig.unusable, "certificate") != NULL, "%s", rig.unusable);
    ck_assert_uint_eq(strbuf_view(&rig.server.heard).len, 0);
    SSL_CTX_free(context);
}
END_TEST

START_TEST(test_tls_to_a_plain_server_is_told)
{
    rig.url.tls = true;
    rig_start(LINK_COMMANDS);
    rig_wait(RIG_DOWN, 1);
    ck_assert_uint_eq(rig.counts[RIG_READY], 0);
}
END_TEST

START_TEST(test_tls_connection_closed_in_callbacks)
{
    SSL_CTX *context = serve_tls("IP:127.0.0.1", true);

    rig.acts[_i] = RIG_DO_CLOSE;
    rig_start(LINK_COMMANDS);
    if (_i != RIG_READY) {
        rig_wait(RIG_READY, 1);
        ck_assert(rig_send(_i == RIG_REPLY ? "RAW" : "CUT", SV("+1\r\n+2\r\n"), 0, 0));
    }
    rig_wait((enum rig_event)_i, 1);
    rig.link = NULL;
    rig_turn_for_ms(50);
    stop_trusting();
    SSL_CTX_free(context);
}
END_TEST

static TCase *add_case(Suite *s, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
    suite_add_tcase(s, tc);
    return tc;
}

Suite *suite(void)
{
    Suite *s = suite_create("link_connect");
    TCase *tc = add_case(s, "handshake");

    tcase_add_test(tc, test_command_link_loads_the_missing_library);
    tcase_add_test(tc, test_subscription_link_asks_for_no_library);
    tcase_add_test(tc, test_library_that_is_there_is_not_loaded);
    tcase_add_test(tc, test_library_of_other_text_is_replaced);
    tcase_add_test(tc, test_credentials_go_first);
    tcase_add_test(tc, test_password_alone_is_sent_without_user);
    tcase_add_test(tc, test_wrong_password_is_told_once_and_not_the_password);
    tcase_add_test(tc, test_password_that_was_changed_meanwhile_is_tried);
    tcase_add_test(tc, test_password_is_asked_for_again_at_each_refusal);
    tcase_add_loop_test(tc, test_server_version, 0, (int)PARLEY_COUNT_OF(info_cases));
    tcase_add_test(tc, test_replica_is_waited_for);
    tcase_add_test(tc, test_loading_server_is_waited_for);
    tcase_add_test(tc, test_library_that_does_not_load_is_told);

    tc = add_case(s, "connecting");
    tcase_add_test(tc, test_refused_connection_is_tried_again);
    tcase_add_test(tc, test_name_without_resolver_is_told);
    tcase_add_test(tc, test_every_address_of_a_name_is_tried);
    tcase_add_test(tc, test_close_while_the_name_is_looked_up);

    tc = add_case(s, "tls");
    tcase_add_test(tc, test_tls_link_works_like_any);
    tcase_add_test(tc, test_tls_certificate_for_a_name_is_checked_against_it);
    tcase_add_test(tc, test_tls_certificate_for_another_host_is_refused);
    tcase_add_test(tc, test_tls_certificate_of_a_stranger_is_refused);
    tcase_add_test(tc, test_tls_to_a_plain_server_is_told);
    tcase_add_loop_test(tc, test_tls_connection_closed_in_callbacks, RIG_READY,
                        RIG_READY + 1);
    tcase_add_loop_test(tc, test_tls_connection_closed_in_callbacks, RIG_REPLY,
                        RIG_LOST + 1);
    return s;
}
