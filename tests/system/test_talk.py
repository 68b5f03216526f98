"""What people do: arriving, talking, rooms, names; each command on one node and on two."""

import re
import time

import pytest

from harness import members, room_line, wait_until

WELCOME = "* Welcome to Parley. Type your name and press Enter."
ROOM_ERROR = "! You are in no room. Use /join #room."
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def node(world):
    return world.node()


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request):
    return world.some_nodes(request.param)


@pytest.fixture
def pair(world, nodes):
    """alice and bob in #lobby, on the same node or on two."""
    alice = world.person(nodes[0], "alice")
    bob = world.person(nodes[-1], "bob")
    alice.expect("* bob joined #lobby")
    return alice, bob


def arrive(client, name):
    """Give a name; returns the line that tells how it went."""
    client.send(name)
    return client.next()


def taken(name):
    return f'! The name "{name}" is taken. Choose another.'


def invalid(name):
    return (
        f'! The name "{name}" is not valid: use 1 to 32 letters, digits or any of '
        r"-_[]{}\`^| and begin with neither a digit nor -."
    )


# ---- the beginning ----


def test_who_says_nothing_is_greeted_after_300_ms(world, node):
    client = world.connect(node)
    begin = time.monotonic()
    assert client.next() == WELCOME
    assert time.monotonic() - begin > 0.25
    assert arrive(client, "ann") == "* You are ann in #lobby, alone."


def test_who_speaks_first_is_not_greeted(world, node):
    quick = world.person(node, "quick")
    silent = world.connect(node)
    silent.expect(WELCOME)  # by then quick would have been greeted as well
    quick.settle()
    assert not quick.seen("Welcome")


def test_half_a_line_is_not_speaking(world, node):
    client = world.connect(node)
    client.send_bytes(b"an")
    assert client.next() == WELCOME
    client.send_bytes(b"n\n")
    assert client.next() == "* You are ann in #lobby, alone."


def test_message_of_the_day(world, tmp_path):
    motd = tmp_path / "motd"
    motd.write_text("Tea is at four.\nBe kind: ☕\n", encoding="utf-8")
    node = world.node(motd_file=motd)
    client = world.connect(node)
    client.next_are("* Tea is at four.", "* Be kind: ☕", WELCOME)
    quick = world.person(node, "quick")
    assert not quick.seen("Tea")


def test_without_a_name_few_commands_work(world, node):
    client = world.connect(node)
    no_name = "! You have no name yet. Type your name and press Enter."
    for command in ("/who", "/rooms", "/join #tea", "/me waves", "/msg bob hi"):
        assert client.ask(command) == [no_name], command
    assert client.ask("/help")[0] == "* /nick name - take another name"
    client.send("/ping")
    client.next_are("* pong")
    assert arrive(client, "/nick ann") == "* You are ann in #lobby, alone."
    other = world.connect(node)
    other.send("/quit")
    other.expect_end("* Goodbye.")


def test_who_gives_no_name_in_time_is_closed(world):
    node = world.node(register_seconds=1)
    named = world.person(node, "named")
    silent, wrong = world.connect(node), world.connect(node)
    wrong.send("2fast")
    for client in (silent, wrong):
        client.expect_end("! You gave no name in time.")
    named.settle()


def test_an_irc_command_alone_is_a_name(world, node):
    assert arrive(world.connect(node), "NICK") == "* You are NICK in #lobby, alone."


def test_name_and_lines_may_come_at_once(world, nodes):
    watcher = world.person(nodes[-1], "watcher")
    client = world.connect(nodes[0])
    client.send("ann", "one", "/me two", "/join #tea", "three", "/ping x")
    client.next_are(
        "* You are ann in #lobby with watcher.",
        room_line("#lobby", "ann", "one"),
        "[#lobby] * ann two",
        "* You are in #tea, alone.",
        room_line("#tea", "ann", "three"),
        "* pong x",
    )
    for line in ("* ann joined #lobby", "[#lobby] <ann> one", "[#lobby] * ann two"):
        watcher.expect(line)


def test_what_is_piped_in_is_delivered(world, nodes):
    """printf 'ann\\nhello\\n' | nc -N"""
    watcher = world.person(nodes[-1], "watcher")
    client = world.connect(nodes[0])
    client.send("ann", "hello")
    client.finish_sending()
    watcher.expect("[#lobby] <ann> hello")
    client.expect_end()
    watcher.expect_match(r"^\* ann quit")


def test_what_is_piped_in_with_quit_is_answered(world, nodes):
    watcher = world.person(nodes[-1], "watcher")
    client = world.connect(nodes[0])
    client.send("ann", *[f"line {n}" for n in range(50)], "/quit done")
    client.finish_sending()
    client.expect_end("[#lobby] <ann> line 49", "* Goodbye.")
    for n in range(50):
        watcher.expect(f"[#lobby] <ann> line {n}")
    watcher.expect("* ann quit (done)")


# ---- names ----


@pytest.mark.parametrize("name", ["a", "A-1_[]{}\\`^|", "x" * 32, "_", "nick"])
def test_valid_names(world, node, name):
    assert arrive(world.connect(node), name) == f"* You are {name} in #lobby, alone."


@pytest.mark.parametrize(
    "name, shown",
    [
        ("2fast", "2fast"),
        ("-x", "-x"),
        ("a b", "a b"),
        ("é", "é"),
        ("a.b", "a.b"),
        ("#a", "#a"),
        ("x" * 33, "x" * 33),
        ("y" * 60, "y" * 40 + "..."),
    ],
)
def test_invalid_names_may_be_corrected(world, node, name, shown):
    client = world.connect(node)
    assert arrive(client, name) == invalid(shown)
    assert arrive(client, "  fine\t ") == "* You are fine in #lobby, alone."


def test_a_name_is_unique_without_regard_to_case(world, pair, nodes):
    client = world.connect(nodes[-1])
    for name in ("alice", "ALICE", "Bob"):
        assert arrive(client, name) == taken(name)
    assert arrive(client, "carol").startswith("* You are carol in #lobby with ")


@pytest.mark.parametrize("how", ["quit", "close", "nick"])
def test_a_name_is_free_when_its_owner_is_gone(world, pair, nodes, how):
    alice, bob = pair
    if how == "quit":
        alice.send("/quit")
        bob.expect("* alice quit")
    elif how == "close":
        alice.close()
        bob.expect("* alice quit (connection closed)")
    else:
        alice.send("/nick carol")
        bob.expect("* alice is now carol")

    client = world.connect(nodes[-1])

    def is_free():
        answer = arrive(client, "Alice")
        assert answer == taken("Alice") or answer.startswith("* You are Alice in"), answer
        return answer != taken("Alice")

    wait_until(is_free, what="the name is free")


def test_nick(pair):
    alice, bob = pair
    assert alice.ask("/nick carol") == ["* alice is now carol"]
    bob.expect("* alice is now carol")
    assert alice.ask("/nick carol") == ["! You are carol already."]
    assert alice.ask("/nick BOB") == [taken("BOB")]
    assert alice.ask("/nick 9") == [invalid("9")]
    assert alice.ask("hi") == ["[#lobby] <carol> hi"]
    assert members(bob) == ["bob", "carol"]


def test_the_case_of_ones_name_may_change(pair):
    alice, bob = pair
    assert alice.ask("/nick ALICE") == ["* alice is now ALICE"]
    bob.expect("* alice is now ALICE")
    assert members(bob) == ["ALICE", "bob"]
    assert bob.ask("/nick Alice") == [taken("Alice")]


def test_a_change_of_name_is_told_once(pair):
    alice, bob = pair
    for client in pair:
        client.ask("/join #tea", "/join #den")
    bob.settle()
    bob.fresh()
    alice.ask("/nick carol")
    bob.expect("* alice is now carol")
    bob.settle()
    assert len(bob.seen("is now carol")) == len(alice.seen("is now carol")) == 1
    for room in ("#lobby", "#tea", "#den"):
        assert members(bob, room) == ["bob", "carol"]


# ---- saying something ----


def test_lines_come_back_and_reach_the_other(pair):
    alice, bob = pair
    texts = ["hello", "  blanks  kept ", "ümläut ☕ 漢字", "[#lobby] <bob> no", "* x", "a\tb"]
    for text in texts:
        assert alice.ask(text) == [room_line("#lobby", "alice", text)]
        bob.expect(room_line("#lobby", "alice", text))


def test_a_slash_is_said_with_two(pair):
    alice, bob = pair
    assert alice.ask("//help me") == ["[#lobby] <alice> /help me"]
    assert alice.ask("//") == ["[#lobby] <alice> /"]
    bob.expect("[#lobby] <alice> /help me")


def test_blank_lines_are_ignored(pair):
    alice, _ = pair
    assert alice.ask("", " ", "\t \t", "x") == ["[#lobby] <alice> x"]


def test_an_action(pair):
    alice, bob = pair
    assert alice.ask("/me waves at bob") == ["[#lobby] * alice waves at bob"]
    bob.expect("[#lobby] * alice waves at bob")
    assert alice.ask("/me") == ["! Usage: /me text"]


def test_the_longest_text(pair):
    alice, bob = pair
    longest = "é" * (3936 // 2)
    assert alice.ask(longest) == [room_line("#lobby", "alice", longest)]
    bob.expect(room_line("#lobby", "alice", longest))
    assert alice.ask("x" * 3937) == ["! The text is too long: at most 3936 bytes."]
    assert alice.ask("/msg bob " + "x" * 3937) == ["! The text is too long: at most 3936 bytes."]


def test_direct_messages(pair):
    alice, bob = pair
    assert alice.ask("/msg BOB psst  you") == ["[you -> bob] psst  you"]
    bob.expect("[alice -> you] psst  you")
    assert bob.ask("/msg alice yes?") == ["[you -> alice] yes?"]
    alice.expect("[bob -> you] yes?")
    assert alice.ask("/msg dave hello") == ['! There is nobody called "dave".']
    assert alice.ask("/msg bob") == ["! Usage: /msg nick text"]
    assert alice.ask("/msg") == ["! Usage: /msg nick text"]


def test_direct_messages_need_no_common_room(pair):
    alice, bob = pair
    bob.ask("/leave")
    alice.expect("* bob left #lobby")
    assert alice.ask("/msg bob still there?") == ["[you -> bob] still there?"]
    bob.expect("[alice -> you] still there?")


def test_a_direct_message_follows_a_new_name(pair):
    alice, bob = pair
    bob.ask("/nick robert")
    assert alice.ask("/msg robert hi")[-1] == "[you -> robert] hi"
    bob.expect("[alice -> you] hi")
    assert alice.ask("/msg bob hi") == ['! There is nobody called "bob".']


def test_a_hundred_direct_messages_keep_their_order(pair):
    alice, bob = pair
    alice.ask(*[f"/msg bob {n}" for n in range(100)])
    for n in range(100):
        assert bob.next() == f"[alice -> you] {n}"


# ---- rooms ----


def test_join_and_leave(pair):
    alice, bob = pair
    assert alice.ask("/join #tea") == ["* You are in #tea, alone."]
    assert bob.ask("/join #TEA") == ["* You are in #tea with alice."]
    alice.expect("* bob joined #tea")
    assert bob.ask("green") == ["[#tea] <bob> green"]
    alice.expect("[#tea] <bob> green")
    assert bob.ask("/leave #tea too hot") == ["* You left #tea. You are in #lobby."]
    alice.expect("* bob left #tea (too hot)")
    assert bob.ask("hi") == ["[#lobby] <bob> hi"]
    assert alice.ask("/leave")[-1] == "* You left #tea. You are in #lobby."
    assert bob.ask("/leave #tea") == ["! You are not in #tea."]
    assert bob.ask("/leave") == ["* You left #lobby. You are in no room: /join one."]
    alice.expect("* bob left #lobby")
    assert alice.ask("/leave bye all") == ["* You left #lobby. You are in no room: /join one."]


def test_in_no_room(pair):
    alice, _ = pair
    alice.ask("/leave")
    for line in ("hello", "/me x", "/who", "/topic", "/topic x", "/history", "/leave", "/room"):
        assert alice.ask(line) == [ROOM_ERROR], line
    assert alice.ask("/join #tea") == ["* You are in #tea, alone."]


def test_after_leaving_the_room_joined_last_is_current(pair):
    alice, _ = pair
    alice.ask("/join #a", "/join #b", "/join #c", "/room #b")
    assert alice.ask("/leave") == ["* You left #b. You are in #c."]
    assert alice.ask("/leave #a") == ["* You left #a. You are in #c."]
    assert alice.ask("/leave") == ["* You left #c. You are in #lobby."]


def test_room_changes_and_lists(pair):
    alice, bob = pair
    alice.ask("/join #tea", "/join #den")
    assert alice.ask("/room") == ["* Your rooms: #lobby, #tea, #den (current)."]
    assert alice.ask("/room #Tea") == ["* You are in #tea, alone."]
    assert alice.ask("/join #lobby") == ["* You are in #lobby with bob."]
    assert alice.ask("/room") == ["* Your rooms: #lobby (current), #tea, #den."]
    assert alice.ask("/room #nowhere") == ["! You are not in #nowhere."]
    bob.settle()
    assert not bob.seen("alice joined #lobby")


def test_many_rooms_are_counted_behind_twenty(world, node):
    alice = world.person(node, "alice")
    alice.ask(*[f"/join #r{n:02}" for n in range(22)])
    shown = ", ".join(["#lobby", *[f"#r{n:02}" for n in range(19)]])
    assert alice.ask("/room") == [f"* Your rooms: {shown} and 3 others."]


def test_too_many_rooms(world):
    alice = world.person(world.node(max_rooms=3), "alice")
    alice.ask("/join #a", "/join #b")
    assert alice.ask("/join #c") == ["! You are in too many rooms. Leave one first."]
    alice.ask("/leave #a")
    assert alice.ask("/join #c") == ["* You are in #c, alone."]


@pytest.mark.parametrize("room", ["tea", "#", "#a,b", "#" + "x" * 64, "#é" + "é" * 32])
def test_invalid_room_names(pair, room):
    alice, _ = pair
    shown = room if len(room.encode()) <= 40 else room[: 40 if room.isascii() else 20] + "..."
    if not room.isascii():  # cut after at most 40 bytes, between characters
        shown = room.encode()[:40].decode(errors="ignore") + "..."
    assert alice.ask(f"/join {room}") == [
        f'! The room name "{shown}" is not valid: begin with #, use no blanks, commas or '
        "control characters, at most 64 bytes."
    ]


@pytest.mark.parametrize("room", ["#x", "##", "#" + "x" * 63, "#tea-☕", "#lobby/../x", "#{a}*?"])
def test_valid_room_names(pair, room):
    alice, bob = pair
    assert alice.ask(f"/join {room}") == [f"* You are in {room}, alone."]
    assert bob.ask(f"/join {room}") == [f"* You are in {room} with alice."]
    bob.ask("hello")
    alice.expect(f"[{room}] <bob> hello")


def test_members_are_named_up_to_twenty(world, nodes):
    people = world.people(nodes, [f"p{n:02}" for n in range(22)])
    last = world.connect(nodes[0])
    last.send("last")
    line = last.next()
    match = re.fullmatch(r"\* You are last in #lobby with ((p\d\d, ){19}p\d\d) and 2 others\.", line)
    assert match, line
    assert len(set(match.group(1).split(", "))) == 20
    people[0].send("/quit")
    last.expect("* p00 quit")
    assert re.search(r"(p\d\d, ){19}p\d\d and 1 other\.$", last.ask("/room #lobby")[0])


def test_who_is_in_a_room(world, pair, nodes):
    alice, bob = pair
    bob.ask("/away lunch")
    alice.expect("* bob is away: lunch")
    answer = alice.ask("/who")
    assert answer[0] in ("* #lobby: alice, bob (away)", "* #lobby: bob (away), alice")
    assert answer[1:] == ["* 2 people in #lobby."]
    assert alice.ask("/who #nowhere") == ["! You are not in #nowhere."]
    alice.ask("/join #tea")
    assert alice.ask("/who") == ["* #tea: alice", "* 1 person in #tea."]
    for n in range(23):
        world.person(nodes[n % len(nodes)], f"p{n}")
    alice.expect("* p22 joined #lobby")
    answer = alice.ask("/who #lobby")
    assert [len(line.split(", ")) for line in answer[:-1]] == [20, 5]
    assert answer[-1] == "* 25 people in #lobby."
    assert members(alice) == members(bob)


def test_who_somebody_is(pair):
    alice, bob = pair
    assert alice.ask("/who BOB") == ["* bob is bob@127.0.0.1"]
    assert alice.ask("/who alice") == ["* alice is alice@127.0.0.1"]
    assert alice.ask("/who dave") == ['! There is nobody called "dave".']
    bob.ask("/away out to lunch")
    alice.expect("* bob is away: out to lunch")
    assert alice.ask("/who bob") == ["* bob is bob@127.0.0.1, away: out to lunch"]


def test_who_somebody_in_no_common_room_is(pair):
    alice, bob = pair
    bob.ask("/leave", "/away gone fishing")
    alice.expect("* bob left #lobby")
    gone = ["* bob is bob@127.0.0.1, away: gone fishing"]
    wait_until(lambda: alice.ask("/who bob") == gone)


def test_list_of_all_rooms(pair):
    alice, bob = pair
    alice.ask("/join #Tea", "/topic Black or green?")
    bob.ask("/join #den")
    alice.settle()
    for client in pair:
        answer = client.ask("/rooms")
        lines = [line for line in answer if line.startswith("* #")]
        assert sorted(lines) == ["* #Tea (1): Black or green?", "* #den (1)", "* #lobby (2)"]
        assert answer[-1] == "* 3 rooms."
    alice.ask("/leave #Tea")
    bob.ask("/leave #den")
    assert bob.ask("/rooms")[-2:] == ["* #lobby (2)", "* 1 room."]


def test_topic(world, pair, nodes):
    alice, bob = pair
    assert alice.ask("/topic") == ["* #lobby has no topic."]
    told = "* alice changed the topic of #lobby to: Tea  at four ☕"
    assert alice.ask("/topic Tea  at four ☕") == [told]
    bob.expect(told)
    for client in pair:
        assert client.ask("/topic") == ["* Topic of #lobby: Tea  at four ☕ (set by alice)"]
    carol = world.connect(nodes[-1], "carol")
    carol.send("carol")
    assert carol.next().startswith("* You are carol in #lobby with ")
    assert carol.next() == "* Topic of #lobby: Tea  at four ☕ (set by alice)"
    assert bob.ask("/topic -")[-1] == "* bob removed the topic of #lobby"
    alice.expect("* bob removed the topic of #lobby")
    assert alice.ask("/topic") == ["* #lobby has no topic."]


@pytest.mark.parametrize("command", ["/topic ", "/away ", "/leave #lobby ", "/quit ", "/ping "])
def test_short_texts_have_a_bound(pair, command):
    alice, bob = pair
    assert alice.ask(command + "x" * 391) == ["! The text is too long: at most 390 bytes."]
    alice.send(command + "é" * 195)
    (alice if command == "/ping " else bob).expect_match("é{195}")


# ---- history ----


def test_joining_shows_the_last_twenty(world, pair, nodes):
    alice, bob = pair
    alice.ask(*[f"line {n}" for n in range(30)], "/me waves")
    bob.ask("/topic x", "/away", "/join #tea")
    carol = world.connect(nodes[-1], "carol")
    carol.send("carol")
    assert re.match(r"\* You are carol in #lobby with (alice, bob|bob, alice)\.", carol.next())
    assert carol.next() == "* Topic of #lobby: x (set by bob)"
    for n in range(11, 30):
        line = carol.next()
        assert re.fullmatch(rf"\[#lobby {TIME}\] <alice> line {n}", line), line
    assert re.fullmatch(rf"\[#lobby {TIME}\] \* alice waves", carol.next())
    assert carol.settle() == []


def test_history(pair):
    alice, bob = pair
    bob.ask(*[f"line {n}" for n in range(120)])

    def told(*command):
        lines = alice.ask(*command)
        assert lines[-1] == "* End of history."
        pattern = rf"\[#lobby {TIME}\] <bob> line (\d+)"
        return [int(re.fullmatch(pattern, line).group(1)) for line in lines[:-1]]

    alice.expect("[#lobby] <bob> line 119")
    assert told("/history") == list(range(100, 120))
    assert told("/history 3") == [117, 118, 119]
    assert told("/history 100") == list(range(20, 120))
    for wrong in ("0", "101", "x", "-1", "5 5", "1e1", "99999999999999999999"):
        assert alice.ask(f"/history {wrong}") == ["! Usage: /history [count]"], wrong


def test_history_is_short_when_an_option_says_so(world):
    node = world.node(history=5)
    alice = world.person(node, "alice")
    alice.ask(*[f"line {n}" for n in range(300)])
    assert alice.ask("/history 3")[0].endswith("line 297")


def test_history_outlives_the_room(world, nodes):
    alice = world.person(nodes[0], "alice")
    alice.ask("/join #tea", "remember", "/leave")
    bob = world.person(nodes[-1], "bob")
    answer = bob.ask("/join #tea")
    assert answer[0] == "* You are in #tea, alone."
    assert re.fullmatch(rf"\[#tea {TIME}\] <alice> remember", answer[1])


# ---- the rest ----


def test_away(pair):
    alice, bob = pair
    assert alice.ask("/away lunch") == ["* alice is away: lunch"]
    bob.expect("* alice is away: lunch")
    assert alice.ask("/away") == ["* alice is back"]
    bob.expect("* alice is back")


def test_away_is_told_once(pair):
    alice, bob = pair
    for client in pair:
        client.ask("/join #tea")
    alice.ask("/away", "/away lunch")
    bob.expect("* alice is away: lunch")
    bob.settle()
    assert len(bob.seen("is away: lunch")) == len(alice.seen("is away: lunch")) == 1


def test_ping(world, node):
    alice = world.person(node, "alice")
    alice.send("/ping", "/PING  a ", "/ping é")
    alice.next_are("* pong", "* pong a", "* pong é")


def test_a_pong_comes_after_all_that_was_said_before(pair):
    alice, _ = pair
    alice.send(*[f"line {n}" for n in range(500)], "/ping end")
    for n in range(500):
        assert alice.next() == f"[#lobby] <alice> line {n}"
    assert alice.next() == "* pong end"


def test_quit(pair):
    alice, bob = pair
    for client in pair:
        client.ask("/join #tea")
    alice.send("last words", "/quit good night", "never said")
    alice.expect_end("[#tea] <alice> last words", "* Goodbye.")
    bob.expect("[#tea] <alice> last words")
    bob.expect("* alice quit (good night)")
    bob.settle()
    assert len(bob.seen("alice quit")) == 1
    assert not bob.seen("never said")
    for room in ("#lobby", "#tea"):
        assert members(bob, room) == ["bob"]


def test_a_closed_connection_is_a_quit_with_a_reason(pair):
    alice, bob = pair
    alice.close()
    bob.expect("* alice quit (connection closed)")
    assert members(bob) == ["bob"]


def test_wrong_commands(world, node):
    alice = world.person(node, "alice")
    for wrong in ("/dance", "/", "/DANCE wildly", "/nickname x"):
        word = wrong.split(" ")[0]
        assert alice.ask(wrong) == [f"! There is no command {word}. Type /help."]
    answer = alice.ask("/" + "x" * 100)[0]
    assert re.fullmatch(r"! There is no command /x{35,40}\.\.\.\. Type /help\.", answer), answer
    for wrong, usage in {
        "/nick": "/nick name",
        "/nick a b": "/nick name",
        "/join": "/join #room",
        "/join #a #b": "/join #room",
        "/room #a #b": "/room [#room]",
        "/who a b": "/who [#room|nick]",
        "/rooms x": "/rooms",
        "/help x": "/help",
        "/msg": "/msg nick text",
    }.items():
        assert alice.ask(wrong) == [f"! Usage: {usage}"], wrong
    assert members(alice) == ["alice"]
