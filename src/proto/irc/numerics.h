/* SPDX-License-Identifier: MIT */
/*
 * numerics.h - the numbered answers, one row each.
 *
 * A row is a name, its number and what stands behind the client's nick. Each '%' is one
 * argument, in order. What stands before " :" are parameters without blanks (an argument is
 * made one; a '$' is one that holds several), what stands behind is text.
 * Sources: RFC 1459 section 6, RFC 2812 section 5, Modern IRC "Numerics", IRCv3 WHOX.
 */
#ifndef PARLEY_PROTO_IRC_NUMERICS_H
#define PARLEY_PROTO_IRC_NUMERICS_H

#include <stddef.h>

#include <parley/util/str.h>
#include <parley/util/strbuf.h>

/* clang-format off */
#define IRC_NUMERICS(X) \
    X(RPL_WELCOME, 1, ":Welcome to the % network, %") \
    X(RPL_YOURHOST, 2, ":Your host is %, running version %") \
    X(RPL_CREATED, 3, ":This server was created by its nodes; this one is %") \
    X(RPL_MYINFO, 4, "% % % % %") \
    X(RPL_ISUPPORT, 5, "$ :are supported by this server") \
    X(RPL_MAP, 15, ":%") \
    X(RPL_MAPEND, 17, ":End of /MAP") \
    X(RPL_STATSCOMMANDS, 212, "% % 0 0") \
    X(RPL_ENDOFSTATS, 219, "% :End of /STATS report") \
    X(RPL_UMODEIS, 221, "%") \
    X(RPL_STATSUPTIME, 242, ":Server Up %") \
    X(RPL_STATSOLINE, 243, "O * * %") \
    X(RPL_LUSERCLIENT, 251, ":There are % users and % invisible on 1 servers") \
    X(RPL_LUSEROP, 252, "% :operator(s) online") \
    X(RPL_LUSERUNKNOWN, 253, "% :unknown connection(s)") \
    X(RPL_LUSERCHANNELS, 254, "% :channels formed") \
    X(RPL_LUSERME, 255, ":I have % clients and 1 servers") \
    X(RPL_TRYAGAIN, 263, "% :Please wait a while and try again") \
    X(RPL_AWAY, 301, "% :%") \
    X(RPL_USERHOST, 302, ":%") \
    X(RPL_ISON, 303, ":%") \
    X(RPL_UNAWAY, 305, ":You are no longer marked as being away") \
    X(RPL_NOWAWAY, 306, ":You have been marked as being away") \
    X(RPL_WHOISUSER, 311, "% % % * :%") \
    X(RPL_WHOISSERVER, 312, "% % :%") \
    X(RPL_WHOISOPERATOR, 313, "% :is a server operator") \
    X(RPL_WHOWASUSER, 314, "% % % * :%") \
    X(RPL_ENDOFWHO, 315, "% :End of /WHO list") \
    X(RPL_ENDOFWHOIS, 318, "% :End of /WHOIS list") \
    X(RPL_WHOISCHANNELS, 319, "% :%") \
    X(RPL_LISTSTART, 321, "Channel :Users  Name") \
    X(RPL_LIST, 322, "% % :%") \
    X(RPL_LISTEND, 323, ":End of /LIST") \
    X(RPL_CHANNELMODEIS, 324, "% $") \
    X(RPL_CREATIONTIME, 329, "% %") \
    X(RPL_WHOISACCOUNT, 330, "% % :is logged in as") \
    X(RPL_NOTOPIC, 331, "% :No topic is set") \
    X(RPL_TOPIC, 332, "% :%") \
    X(RPL_TOPICWHOTIME, 333, "% % %") \
    X(RPL_WHOISBOT, 335, "% :is a bot") \
    X(RPL_INVITELIST, 336, "%") \
    X(RPL_ENDOFINVITELIST, 337, ":End of /INVITE list") \
    X(RPL_USERIP, 340, ":%") \
    X(RPL_INVITING, 341, "% %") \
    X(RPL_INVEXLIST, 346, "% % % %") \
    X(RPL_ENDOFINVEXLIST, 347, "% :End of channel invite exception list") \
    X(RPL_EXCEPTLIST, 348, "% % % %") \
    X(RPL_ENDOFEXCEPTLIST, 349, "% :End of channel exception list") \
    X(RPL_VERSION, 351, "% % :%") \
    X(RPL_WHOREPLY, 352, "% % % % % % :0 %") \
    X(RPL_NAMREPLY, 353, "% % :%") \
    X(RPL_LINKS, 364, "% % :0 %") \
    X(RPL_ENDOFLINKS, 365, "% :End of /LINKS list") \
    X(RPL_ENDOFNAMES, 366, "% :End of /NAMES list") \
    X(RPL_BANLIST, 367, "% % % %") \
    X(RPL_ENDOFBANLIST, 368, "% :End of channel ban list") \
    X(RPL_ENDOFWHOWAS, 369, "% :End of WHOWAS") \
    X(RPL_INFO, 371, ":%") \
    X(RPL_MOTD, 372, ":- %") \
    X(RPL_ENDOFINFO, 374, ":End of /INFO list") \
    X(RPL_MOTDSTART, 375, ":- % message of the day -") \
    X(RPL_ENDOFMOTD, 376, ":End of /MOTD command") \
    X(RPL_YOUREOPER, 381, ":You are now a server operator") \
    X(RPL_REHASHING, 382, "% :Rehashing") \
    X(RPL_TIME, 391, "% :%") \
    X(ERR_NOSUCHNICK, 401, "% :No such nick/channel") \
    X(ERR_NOSUCHSERVER, 402, "% :No such server") \
    X(ERR_NOSUCHCHANNEL, 403, "% :No such channel") \
    X(ERR_CANNOTSENDTOCHAN, 404, "% :Cannot send to channel: %") \
    X(ERR_TOOMANYCHANNELS, 405, "% :You have joined too many channels") \
    X(ERR_WASNOSUCHNICK, 406, "% :There was no such nickname") \
    X(ERR_TOOMANYTARGETS, 407, "% :Too many targets. Nothing was delivered to it") \
    X(ERR_NOORIGIN, 409, ":No origin specified") \
    X(ERR_INVALIDCAPCMD, 410, "% :Invalid CAP command") \
    X(ERR_NORECIPIENT, 411, ":No recipient given (%)") \
    X(ERR_NOTEXTTOSEND, 412, ":No text to send") \
    X(ERR_TOOMANYMATCHES, 416, "WHO % :Too many matches, the rest is left out") \
    X(ERR_INPUTTOOLONG, 417, ":Input line was too long") \
    X(ERR_UNKNOWNCOMMAND, 421, "% :Unknown command") \
    X(ERR_NOMOTD, 422, ":MOTD File is missing") \
    X(ERR_NOADMININFO, 423, "% :No administrative info available") \
    X(ERR_NONICKNAMEGIVEN, 431, ":No nickname given") \
    X(ERR_ERRONEUSNICKNAME, 432, "% :Erroneous nickname") \
    X(ERR_NICKNAMEINUSE, 433, "% :Nickname is already in use") \
    X(ERR_UNAVAILRESOURCE, 437, "% :%") \
    X(ERR_USERNOTINCHANNEL, 441, "% % :They aren't on that channel") \
    X(ERR_NOTONCHANNEL, 442, "% :You're not on that channel") \
    X(ERR_USERONCHANNEL, 443, "% % :is already on channel") \
    X(ERR_NOTREGISTERED, 451, ":You have not registered") \
    X(ERR_NEEDMOREPARAMS, 461, "% :Not enough parameters") \
    X(ERR_ALREADYREGISTERED, 462, ":You may not reregister") \
    X(ERR_PASSWDMISMATCH, 464, ":Password incorrect") \
    X(ERR_CHANNELISFULL, 471, "% :Cannot join channel (+l)") \
    X(ERR_UNKNOWNMODE, 472, "% :is unknown mode char to me") \
    X(ERR_INVITEONLYCHAN, 473, "% :Cannot join channel (+i)") \
    X(ERR_BANNEDFROMCHAN, 474, "% :Cannot join channel (+b)") \
    X(ERR_BADCHANNELKEY, 475, "% :Cannot join channel (+k)") \
    X(ERR_BADCHANMASK, 476, "% :Bad Channel Mask") \
    X(ERR_BANLISTFULL, 478, "% % :Channel list is full") \
    X(ERR_NOPRIVILEGES, 481, ":Permission denied: you're not a server operator") \
    X(ERR_CHANOPRIVSNEEDED, 482, "% :You're not a channel operator") \
    X(ERR_CANTKILLSERVER, 483, ":You can't kill a server!") \
    X(ERR_NOOPERHOST, 491, ":There are no server operators here") \
    X(ERR_UMODEUNKNOWNFLAG, 501, ":Unknown MODE flag") \
    X(ERR_USERSDONTMATCH, 502, ":Can't change mode for other users") \
    X(ERR_HELPNOTFOUND, 524, "% :No help available on this topic") \
    X(ERR_INVALIDKEY, 525, "% :Key is not well-formed") \
    X(ERR_INVALIDMODEPARAM, 696, "% % % :%") \
    X(RPL_HELPSTART, 704, "% :%") \
    X(RPL_HELPTXT, 705, "% :%") \
    X(RPL_ENDOFHELP, 706, "% :End of /HELP") \
    X(RPL_MONONLINE, 730, ":%") \
    X(RPL_MONOFFLINE, 731, ":%") \
    X(RPL_MONLIST, 732, ":%") \
    X(RPL_ENDOFMONLIST, 733, ":End of MONITOR list") \
    X(ERR_MONLISTFULL, 734, "% % :Monitor list is full.")
/* clang-format on */

enum irc_numeric {
#define X(name, number, format) name,
    IRC_NUMERICS(X)
#undef X
        IRC_NUMERIC_COUNT
};

struct irc_numeric_row {
    unsigned number;
    struct str_view format;
};

extern const struct irc_numeric_row irc_numeric_rows[IRC_NUMERIC_COUNT];

/* How many arguments the row takes. */
size_t irc_numeric_arg_count(enum irc_numeric numeric);
/*
 * Append ":server 001 nick ..." without the line's end, cut on a character so that it fits a
 * line. `count` must be right. An empty `nick` is "*".
 */
void irc_numeric_add(struct strbuf *out, enum irc_numeric numeric, struct str_view nick,
                     const struct str_view *args, size_t count);
/* Append text as one parameter that is not the last: not empty, without blanks, no ":" first
 * ("::1" becomes "0::1"). */
void irc_numeric_add_word(struct strbuf *out, struct str_view text);
/* Append text as the end of a line: CR, LF and NUL become blanks. */
void irc_numeric_add_text(struct strbuf *out, struct str_view text);
/* Cut what begins at `start` so that a line's end still fits within IRC_LINE_BYTES_MAX. */
void irc_numeric_cut(struct strbuf *out, size_t start);

#endif
