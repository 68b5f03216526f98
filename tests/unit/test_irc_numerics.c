/* The numbered answers: each format byte by byte, and that no line is too long. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <parley/hub/hub.h>

#include "proto/irc/limits.h"
#include "proto/irc/numerics.h"

Suite *suite(void);

static struct strbuf out;

static void set_up(void)
{
    strbuf_init(&out, 10000);
}

static void tear_down(void)
{
    strbuf_done(&out);
}

/* Behind ":irc.parley <number> bob ": arguments a, b, c ... in their places. */
static const struct {
    enum irc_numeric numeric;
    const char *number;
    const char *text;
} cases[] = {
    {RPL_WELCOME, "001", ":Welcome to the a network, b"},
    {RPL_YOURHOST, "002", ":Your host is a, running version b"},
    {RPL_CREATED, "003", ":This server was created by its nodes; this one is a"},
    {RPL_MYINFO, "004", "a b c d e"},
    {RPL_ISUPPORT, "005", "a :are supported by this server"},
    {RPL_MAP, "015", ":a"},
    {RPL_MAPEND, "017", ":End of /MAP"},
    {RPL_STATSCOMMANDS, "212", "a b 0 0"},
    {RPL_ENDOFSTATS, "219", "a :End of /STATS report"},
    {RPL_UMODEIS, "221", "a"},
    {RPL_STATSUPTIME, "242", ":Server Up a"},
    {RPL_STATSOLINE, "243", "O * * a"},
    {RPL_LUSERCLIENT, "251", ":There are a users and b invisible on 1 servers"},
    {RPL_LUSEROP, "252", "a :operator(s) online"},
    {RPL_LUSERUNKNOWN, "253", "a :unknown connection(s)"},
    {RPL_LUSERCHANNELS, "254", "a :channels formed"},
    {RPL_LUSERME, "255", ":I have a clients and 1 servers"},
    {RPL_TRYAGAIN, "263", "a :Please wait a while and try again"},
    {RPL_AWAY, "301", "a :b"},
    {RPL_USERHOST, "302", ":a"},
    {RPL_ISON, "303", ":a"},
    {RPL_UNAWAY, "305", ":You are no longer marked as being away"},
    {RPL_NOWAWAY, "306", ":You have been marked as being away"},
    {RPL_WHOISUSER, "311", "a b c * :d"},
    {RPL_WHOISSERVER, "312", "a b :c"},
    {RPL_WHOISOPERATOR, "313", "a :is a server operator"},
    {RPL_WHOWASUSER, "314", "a b c * :d"},
    {RPL_ENDOFWHO, "315", "a :End of /WHO list"},
    {RPL_ENDOFWHOIS, "318", "a :End of /WHOIS list"},
    {RPL_WHOISCHANNELS, "319", "a :b"},
    {RPL_LISTSTART, "321", "Channel :Users  Name"},
    {RPL_LIST, "322", "a b :c"},
    {RPL_LISTEND, "323", ":End of /LIST"},
    {RPL_CHANNELMODEIS, "324", "a b"},
    {RPL_CREATIONTIME, "329", "a b"},
    {RPL_WHOISACCOUNT, "330", "a b :is logged in as"},
    {RPL_NOTOPIC, "331", "a :No topic is set"},
    {RPL_TOPIC, "332", "a :b"},
    {RPL_TOPICWHOTIME, "333", "a b c"},
    {RPL_WHOISBOT, "335", "a :is a bot"},
    {RPL_INVITELIST, "336", "a"},
    {RPL_ENDOFINVITELIST, "337", ":End of /INVITE list"},
    {RPL_USERIP, "340", ":a"},
    {RPL_INVITING, "341", "a b"},
    {RPL_INVEXLIST, "346", "a b c d"},
    {RPL_ENDOFINVEXLIST, "347", "a :End of channel invite exception list"},
    {RPL_EXCEPTLIST, "348", "a b c d"},
    {RPL_ENDOFEXCEPTLIST, "349", "a :End of channel exception list"},
    {RPL_VERSION, "351", "a b :c"},
    {RPL_WHOREPLY, "352", "a b c d e f :0 g"},
    {RPL_NAMREPLY, "353", "a b :c"},
    {RPL_LINKS, "364", "a b :0 c"},
    {RPL_ENDOFLINKS, "365", "a :End of /LINKS list"},
    {RPL_ENDOFNAMES, "366", "a :End of /NAMES list"},
    {RPL_BANLIST, "367", "a b c d"},
    {RPL_ENDOFBANLIST, "368", "a :End of channel ban list"},
    {RPL_ENDOFWHOWAS, "369", "a :End of WHOWAS"},
    {RPL_INFO, "371", ":a"},
    {RPL_MOTD, "372", ":- a"},
    {RPL_ENDOFINFO, "374", ":End of /INFO list"},
    {RPL_MOTDSTART, "375", ":- a message of the day -"},
    {RPL_ENDOFMOTD, "376", ":End of /MOTD command"},
    {RPL_YOUREOPER, "381", ":You are now a server operator"},
    {RPL_REHASHING, "382", "a :Rehashing"},
    {RPL_TIME, "391", "a :b"},
    {ERR_NOSUCHNICK, "401", "a :No such nick/channel"},
    {ERR_NOSUCHSERVER, "402", "a :No such server"},
    {ERR_NOSUCHCHANNEL, "403", "a :No such channel"},
    {ERR_CANNOTSENDTOCHAN, "404", "a :Cannot send to channel: b"},
    {ERR_TOOMANYCHANNELS, "405", "a :You have joined too many channels"},
    {ERR_WASNOSUCHNICK, "406", "a :There was no such nickname"},
    {ERR_TOOMANYTARGETS, "407", "a :Too many targets. Nothing was delivered to it"},
    {ERR_NOORIGIN, "409", ":No origin specified"},
    {ERR_INVALIDCAPCMD, "410", "a :Invalid CAP command"},
    {ERR_NORECIPIENT, "411", ":No recipient given (a)"},
    {ERR_NOTEXTTOSEND, "412", ":No text to send"},
    {ERR_TOOMANYMATCHES, "416", "WHO a :Too many matches, the rest is left out"},
    {ERR_INPUTTOOLONG, "417", ":Input line was too long"},
    {ERR_UNKNOWNCOMMAND, "421", "a :Unknown command"},
    {ERR_NOMOTD, "422", ":MOTD File is missing"},
    {ERR_NOADMININFO, "423", "a :No administrative info available"},
    {ERR_NONICKNAMEGIVEN, "431", ":No nickname given"},
    {ERR_ERRONEUSNICKNAME, "432", "a :Erroneous nickname"},
    {ERR_NICKNAMEINUSE, "433", "a :Nickname is already in use"},
    {ERR_UNAVAILRESOURCE, "437", "a :b"},
    {ERR_USERNOTINCHANNEL, "441", "a b :They aren't on that channel"},
    {ERR_NOTONCHANNEL, "442", "a :You're not on that channel"},
    {ERR_USERONCHANNEL, "443", "a b :is already on channel"},
    {ERR_NOTREGISTERED, "451", ":You have not registered"},
    {ERR_NEEDMOREPARAMS, "461", "a :Not enough parameters"},
    {ERR_ALREADYREGISTERED, "462", ":You may not reregister"},
    {ERR_PASSWDMISMATCH, "464", ":Password incorrect"},
    {ERR_CHANNELISFULL, "471", "a :Cannot join channel (+l)"},
    {ERR_UNKNOWNMODE, "472", "a :is unknown mode char to me"},
    {ERR_INVITEONLYCHAN, "473", "a :Cannot join channel (+i)"},
    {ERR_BANNEDFROMCHAN, "474", "a :Cannot join channel (+b)"},
    {ERR_BADCHANNELKEY, "475", "a :Cannot join channel (+k)"},
    {ERR_BADCHANMASK, "476", "a :Bad Channel Mask"},
    {ERR_BANLISTFULL, "478", "a b :Channel list is full"},
    {ERR_NOPRIVILEGES, "481", ":Permission denied: you're not a server operator"},
    {ERR_CHANOPRIVSNEEDED, "482", "a :You're not a channel operator"},
    {ERR_CANTKILLSERVER, "483", ":You can't kill a server!"},
    {ERR_NOOPERHOST, "491", ":There are no server operators here"},
    {ERR_UMODEUNKNOWNFLAG, "501", ":Unknown MODE flag"},
    {ERR_USERSDONTMATCH, "502", ":Can't change mode for other users"},
    {ERR_HELPNOTFOUND, "524", "a :No help available on this topic"},
    {ERR_INVALIDKEY, "525", "a :Key is not well-formed"},
    {ERR_INVALIDMODEPARAM, "696", "a b c :d"},
    {RPL_HELPSTART, "704", "a :b"},
    {RPL_HELPTXT, "705", "a :b"},
    {RPL_ENDOFHELP, "706", "a :End of /HELP"},
    {RPL_MONONLINE, "730", ":a"},
    {RPL_MONOFFLINE, "731", ":a"},
    {RPL_MONLIST, "732", ":a"},
    {RPL_ENDOFMONLIST, "733", ":End of MONITOR list"},
    {ERR_MONLISTFULL, "734", "a b :Monitor list is full."},
};

static const struct str_view letters[] = {SV_INIT("a"), SV_INIT("b"), SV_INIT("c"),
                                          SV_INIT("d"), SV_INIT("e"), SV_INIT("f"),
                                          SV_INIT("g")};

START_TEST(test_every_format)
{
    char want[600];

    (void)snprintf(want, sizeof want, ":irc.parley %s bob %s", cases[_i].number,
                   cases[_i].text);
    irc_numeric_add(&out, cases[_i].numeric, SV("bob"), letters,
                    irc_numeric_arg_count(cases[_i].numeric));
    ck_assert_str_eq(strbuf_cstr(&out), want);
}
END_TEST

START_TEST(test_every_numeric_has_a_case)
{
    ck_assert_uint_eq(PARLEY_COUNT_OF(cases), IRC_NUMERIC_COUNT);
    for (size_t i = 0; i < IRC_NUMERIC_COUNT; i++) {
        ck_assert_uint_eq(cases[i].numeric, i);
    }
}
END_TEST

/* RFC 2812, section 5: no two rows have one number. */
START_TEST(test_numbers_grow)
{
    for (size_t i = 1; i < IRC_NUMERIC_COUNT; i++) {
        ck_assert_uint_gt(irc_numeric_rows[i].number, irc_numeric_rows[i - 1].number);
    }
}
END_TEST

START_TEST(test_no_argument_breaks_a_line)
{
    char evil[900];
    struct str_view args[7];

    for (size_t i = 0; i < sizeof evil; i++) {
        evil[i] = "x\r\n \0:"[i % 6];
    }
    for (size_t i = 0; i < PARLEY_COUNT_OF(args); i++) {
        args[i] = sv(evil, sizeof evil);
    }
    irc_numeric_add(&out, (enum irc_numeric)_i, SV("bob"), args,
                    irc_numeric_arg_count((enum irc_numeric)_i));
    ck_assert_uint_le(out.len, IRC_LINE_BYTES_MAX - 2);
    ck_assert_uint_eq(sv_find_char(strbuf_view(&out), '\r'), out.len);
    ck_assert_uint_eq(sv_find_char(strbuf_view(&out), '\n'), out.len);
    ck_assert_uint_eq(sv_find_char(strbuf_view(&out), '\0'), out.len);
}
END_TEST

static const char *const words[][2] = {
    {"", "*"},      {":x", "0:x"},      {"::1", "0::1"},
    {"a b", "a_b"}, {"a\r\nb", "a__b"}, {"\xc3\xa4", "\xc3\xa4"},
    {"a:b", "a:b"}, {" ", "_"},
};

START_TEST(test_words)
{
    irc_numeric_add_word(&out, sv_of(words[_i][0]));
    ck_assert_str_eq(strbuf_cstr(&out), words[_i][1]);
}
END_TEST

/* Lists of names rely on it. */
START_TEST(test_nick_is_a_word_as_it_is)
{
    for (int c = 0; c < 256; c++) {
        struct str_view nick = sv((const char[]){'a', (char)c}, 2);

        for (; nick.len > 0; nick.ptr++, nick.len--) {
            strbuf_clear(&out);
            irc_numeric_add_word(&out, nick);
            ck_assert(!hub_nick_is_valid(nick) || sv_equal(strbuf_view(&out), nick));
        }
    }
}
END_TEST

START_TEST(test_nick_unknown_is_a_star)
{
    irc_numeric_add(&out, ERR_NOTREGISTERED, SV(""), NULL, 0);
    ck_assert_str_eq(strbuf_cstr(&out), ":irc.parley 451 * :You have not registered");
}
END_TEST

/* Cut on a character, wherever it begins. */
START_TEST(test_cut_on_a_character)
{
    char text[1000];

    memset(text, 'x', sizeof text);
    for (size_t i = (size_t)_i; i + 3 <= sizeof text; i += 3) {
        memcpy(text + i, "\xe2\x82\xac", 3);
    }
    strbuf_add(&out, SV("what stands before stays"));
    size_t start = out.len;
    strbuf_add(&out, sv(text, sizeof text - 3));
    irc_numeric_cut(&out, start);
    ck_assert_uint_eq((out.len - start - (size_t)_i) % 3, 0);
    ck_assert_uint_gt(out.len - start, 507);
    ck_assert_uint_le(out.len - start, 510);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("irc_numerics");
    TCase *tc = tcase_create("numerics");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, test_every_format, 0, (int)PARLEY_COUNT_OF(cases));
    tcase_add_test(tc, test_every_numeric_has_a_case);
    tcase_add_test(tc, test_numbers_grow);
    tcase_add_loop_test(tc, test_no_argument_breaks_a_line, 0, IRC_NUMERIC_COUNT);
    tcase_add_loop_test(tc, test_words, 0, (int)PARLEY_COUNT_OF(words));
    tcase_add_test(tc, test_nick_is_a_word_as_it_is);
    tcase_add_test(tc, test_nick_unknown_is_a_star);
    tcase_add_loop_test(tc, test_cut_on_a_character, 0, 3);
    suite_add_tcase(s, tc);
    return s;
}
