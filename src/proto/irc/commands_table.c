/* SPDX-License-Identifier: MIT */
/* The table of commands; HELP comes from the same rows. */
#include "proto/irc/commands.h"

#define ROW(name, run, min, flags, parameters, help)                                     \
    {SV_INIT(name), irc_command_##run, min, flags, parameters, help}

/* clang-format off */
static const struct irc_command rows[] = {
    /* registration and the connection */
    ROW("CAP", cap, 1, IRC_EARLY | IRC_SERIAL, "LS|LIST|REQ|END [:capabilities]",
        "agree on capabilities (IRCv3)"),
    ROW("AUTHENTICATE", authenticate, 1, IRC_EARLY, "mechanism",
        "not there yet: there are no accounts"),
    ROW("PASS", pass, 1, IRC_EARLY, "password", "ignored: there is no password"),
    ROW("NICK", nick, 0, IRC_EARLY | IRC_SERIAL, "nick", "take a nick"),
    ROW("USER", user, 4, IRC_EARLY | IRC_SERIAL, "user 0 * :real name", "say who you are"),
    ROW("PING", ping, 1, IRC_EARLY | IRC_SERIAL | IRC_URGENT, "token",
        "answered when everything before it has taken effect"),
    ROW("PONG", pong, 0, IRC_EARLY | IRC_URGENT, "token", "the answer to the server's PING"),
    ROW("QUIT", quit, 0, IRC_EARLY | IRC_SERIAL, "[:reason]", "leave"),
    /* rooms */
    ROW("JOIN", join, 1, IRC_SERIAL, "#room{,#room} [key{,key}] | 0",
        "join rooms, or leave all"),
    ROW("PART", part, 1, IRC_SERIAL, "#room{,#room} [:reason]", "leave rooms"),
    ROW("TOPIC", topic, 1, IRC_SERIAL, "#room [:text]", "see, set or remove a topic"),
    ROW("NAMES", names, 0, 0, "#room{,#room}", "who is in a room that you are in"),
    ROW("LIST", list, 0, IRC_SERIAL, "[mask|!mask|<n|>n|#room{,...}]", "list the rooms"),
    ROW("MODE", mode, 1, IRC_SERIAL, "#room|nick [modes [parameters]]",
        "see or change modes"),
    ROW("KICK", kick, 2, IRC_SERIAL, "#room nick{,nick} [:reason]",
        "remove people from a room"),
    ROW("INVITE", invite, 0, IRC_SERIAL, "[nick #room]",
        "invite somebody into a room; alone: where you are invited"),
    /* messages */
    ROW("PRIVMSG", privmsg, 0, 0, "target{,target} :text", "say something"),
    ROW("NOTICE", notice, 0, 0, "target{,target} :text", "say something; never answered"),
    ROW("TAGMSG", tagmsg, 0, 0, "target{,target}", "client-only tags without a text"),
    /* people */
    ROW("WHO", who, 0, IRC_SERIAL, "[#room|nick|mask [%fields[,token]]]", "list people"),
    ROW("WHOIS", whois, 0, IRC_SERIAL, "nick", "who somebody is"),
    ROW("WHOWAS", whowas, 0, 0, "nick [count]", "who had a nick, as far as this node saw"),
    ROW("MONITOR", monitor, 1, IRC_SERIAL, "+|- nick{,nick} | C | L | S",
        "be told when people come and go: add, remove, clear, list, status"),
    ROW("AWAY", away, 0, IRC_SERIAL, "[:text]", "say that you are away; alone: you are back"),
    ROW("SETNAME", setname, 1, IRC_SERIAL, ":real name", "take another real name"),
    ROW("ISON", ison, 1, IRC_SERIAL, "nick{ nick}", "which of these are here"),
    ROW("USERHOST", userhost, 1, IRC_SERIAL, "nick{ nick}", "addresses of up to 5 people"),
    ROW("USERIP", userip, 1, IRC_SERIAL, "nick{ nick}", "the same"),
    /* the server */
    ROW("LUSERS", lusers, 0, 0, "", "how many people and rooms"),
    ROW("MOTD", motd, 0, 0, "", "the message of the day"),
    ROW("VERSION", version, 0, 0, "", "what runs here"),
    ROW("TIME", time, 0, 0, "", "what time it is here"),
    ROW("INFO", info, 0, 0, "", "what this is"),
    ROW("HELP", help, 0, 0, "[command]", "list commands, or explain one"),
    ROW("ADMIN", admin, 0, 0, "", "who runs this"),
    ROW("STATS", stats, 0, 0, "u|m|o",
        "how long this node has been up, how often commands came, who may be an operator"),
    ROW("LINKS", links, 0, 0, "", "all nodes are one server"),
    ROW("MAP", map, 0, 0, "", "the same as a picture"),
    ROW("OPER", oper, 2, IRC_SERIAL, "name password", "become a server operator"),
    ROW("KILL", kill, 2, IRC_SERIAL, "nick :reason",
        "for server operators: throw somebody off, on any node"),
    ROW("WALLOPS", wallops, 1, IRC_SERIAL, ":text",
        "for server operators: tell all who have the mode w"),
    ROW("REHASH", rehash, 0, 0, "",
        "for server operators: read this node's message of the day again"),
};
/* clang-format on */

static uint64_t counts[PARLEY_COUNT_OF(rows)]; /* of this node, since it started */

static const struct irc_command unknown = ROW("", unknown, 0, IRC_EARLY, "", "");

const struct irc_command *irc_command_find(struct str_view name)
{
    for (size_t i = 0; i < PARLEY_COUNT_OF(rows); i++) {
        if (name.len == rows[i].name.len && sv_equal_nocase(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return &unknown;
}

void irc_command_count_up(const struct irc_command *row)
{
    if (row != &unknown) {
        counts[row - rows]++;
    }
}

uint64_t irc_command_count(const struct irc_command *row)
{
    return row != &unknown ? counts[row - rows] : 0;
}

const struct irc_command *irc_command_at(size_t index)
{
    return index < PARLEY_COUNT_OF(rows) ? &rows[index] : NULL;
}
