"""Server operators over IRC, and the modes of people: what they may, on which node ever."""

import functools
import subprocess

import pytest

from harness import binary, wait_until
from harness.node import environment
from irc_client import commands_of, irc_person, nick_of, params_of


@functools.lru_cache(None)
def hash_of(password):
    done = subprocess.run(
        [binary(), "--hash-password"], env=environment(), input=password.encode(),
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    return done.stdout.decode().strip()


@pytest.fixture(params=[1, 2], ids=["one node", "two nodes"])
def nodes(world, request, tmp_path):
    motd = tmp_path / "motd"
    motd.write_text("one\n")
    oper = f"root:{hash_of('sesame')} boss:{hash_of('other')}"
    return world.some_nodes(request.param, oper=oper, motd_file=motd)


def operator(world, node, name, **options):
    client = irc_person(world, node, name, **options)
    lines = client.ask("OPER root sesame")
    assert commands_of(lines) == ["MODE", "381"], lines
    return client


@pytest.fixture
def root(world, nodes):
    return operator(world, nodes[0], "root", rooms="#a")


@pytest.fixture
def ben(world, nodes, root):
    """Somebody on another node, who shares no room with root."""
    return irc_person(world, nodes[-1], "ben", rooms="#b")


# ---- OPER ----


def test_without_operators_there_is_none(world):
    ann = irc_person(world, world.node(), "ann")
    assert ann.ask("OPER root sesame") == [":irc.parley 491 ann :There are no server operators here"]


def test_oper(nodes, root):
    assert root.ask("MODE root") == [":irc.parley 221 root +o"]
    assert root.ask("OPER root wrong") == [":irc.parley 381 root :You are now a server operator"]
    assert root.ask("MODE root -o") == [":root MODE root :-o"]
    assert commands_of(root.ask("MODE root +o", "STATS o", "KILL root :x", "REHASH")) == [
        "481", "219", "481", "481",
    ]  # fmt: skip
    nodes[0].wait_log(r"\boper\b.*nick=root .*name=\"root\"")
    assert "sesame" not in nodes[0].log()


@pytest.mark.parametrize("attempt", ["root wrong", "nobody sesame", "root", "boss sesame"])
def test_who_does_not_know_the_password(world, nodes, attempt):
    ann = irc_person(world, nodes[0], "ann")
    # A guesser has to wait, and even the right password is not looked at meanwhile.
    expected = ["464", "263"] if " " in attempt else ["461"]
    lines = [f"OPER {attempt}", "OPER root sesame"][: len(expected)]
    assert commands_of(ann.ask(*lines)) == expected
    assert ann.ask("MODE ann") == [":irc.parley 221 ann +"]
    if " " in attempt:
        nodes[0].wait_log("oper_refused .*nick=ann")
        assert attempt.split()[1] not in nodes[0].log()


# ---- KILL ----


def test_kill(world, nodes, root, ben):
    cid = irc_person(world, nodes[-1], "cid", rooms="#b")
    ben.wait_for("JOIN", "#b")
    lines = root.ask("KILL BEN :enough of you")
    assert params_of(lines, "NOTICE") == [["root", "ben is thrown off"]]
    ben.expect(":root!~root@127.0.0.1 KILL ben :enough of you")
    ben.expect_end("ERROR :Closing link: Killed (root (enough of you))")
    assert cid.wait_for("QUIT").params == ["Killed (root (enough of you))"]
    assert nodes[-1].admin.metric('closed_total{reason="killed"}') == 1


def test_kill_of_the_line_protocol(world, nodes, root):
    bob = world.person(nodes[-1], "bob")
    root.ask("KILL bob :x")
    bob.expect_end("! You were disconnected by root (x).")


def test_labels(root, ben):
    root.ask("CAP REQ :labeled-response batch", "MODE root +w")
    for line, expected in [
        ("KILL nobody :x", "401"),
        ("KILL ben :x", "NOTICE"),
        ("REHASH", "382"),
        ("OPER root sesame", "381"),
        ("WALLOPS", "461"),
    ]:
        lines = root.ask(f"@label=1 {line}")
        assert commands_of(lines) == [expected] and lines[0].startswith("@label=1 "), lines
    # What comes back to all who have +w is no answer.
    lines = root.ask("@label=1 WALLOPS :x", "@label=2 STATS u")
    assert "@label=1 :irc.parley ACK" in lines
    seen = wait_until(lambda: [line for line in root.lines if line.endswith(" WALLOPS :x")])
    assert seen == [":root!~root@127.0.0.1 WALLOPS :x"]


def test_errors_of_kill(root, ben):
    assert params_of(root.ask("KILL nobody :x"), "401") == [["root", "nobody", "No such nick/channel"]]
    assert commands_of(root.ask("KILL 2fast :x")) == ["401"]
    assert commands_of(root.ask("KILL irc.parley :x")) == ["483"]
    assert commands_of(root.ask("KILL ben")) == ["461"]
    assert commands_of(ben.ask("KILL root :x", "KILL nobody :x")) == ["481", "481"]


# ---- WALLOPS, REHASH, STATS ----


def test_wallops(world, nodes, root, ben):
    cid = irc_person(world, nodes[-1], "cid")
    assert ben.ask("MODE ben +w") == [":ben MODE ben :+w"]
    root.ask("MODE root +w")
    root.send("WALLOPS :we go down at noon")
    for client in (root, ben):
        message = client.wait_for("WALLOPS")
        assert (nick_of(message), message.params) == ("root", ["we go down at noon"])
    assert ben.ask("MODE ben -w") == [":ben MODE ben :-w"]
    root.send("WALLOPS :again")
    assert root.wait_for("WALLOPS").params == ["again"]
    assert ben.ask() == [] and cid.ask() == []
    assert commands_of(ben.ask("WALLOPS :x")) == ["481"]
    assert commands_of(root.ask("WALLOPS", "WALLOPS :")) == ["461", "461"]


def test_rehash(root, nodes, tmp_path):
    (tmp_path / "motd").write_text("two\n")
    assert commands_of(root.ask("REHASH")) == ["382"]
    assert params_of(root.ask("MOTD"), "372") == [["root", "- two"]]
    (tmp_path / "motd").write_text("x" * 1000)
    lines = root.ask("REHASH")
    assert commands_of(lines) == ["382", "NOTICE"] and "longer than" in lines[1]
    assert params_of(root.ask("MOTD"), "372") == [["root", "- two"]]


def test_stats(root, ben):
    up = ben.ask("STATS u")
    assert commands_of(up) == ["242", "219"] and up[0].split(":")[2].startswith("Server Up 0 days")
    counts = dict(params[1:3] for params in params_of(ben.ask("STATS m"), "212"))
    assert int(counts["NICK"]) >= 1 and int(counts["STATS"]) >= 2
    assert "KNOCK" not in counts
    assert commands_of(ben.ask("STATS o")) == ["481", "219"]
    assert [params[-1] for params in params_of(root.ask("STATS o"), "243")] == ["root", "boss"]
    assert commands_of(ben.ask("STATS", "STATS x", "STATS u nosuch.server")) == ["219", "219", "402"]


# ---- modes of people ----


def test_modes_of_people(root, ben):
    assert ben.ask("MODE ben") == [":irc.parley 221 ben +"]
    assert ben.ask("MODE BEN +iB-w") == [":ben MODE ben :+iB"]
    assert ben.ask("MODE ben") == [":irc.parley 221 ben +iB"]
    assert ben.ask("MODE ben +i") == []
    assert commands_of(ben.ask("MODE ben +xyz")) == ["501"]
    assert commands_of(ben.ask("MODE ben +x-i")) == ["501", "MODE"]
    assert ben.ask("MODE ben +o") == []
    assert commands_of(ben.ask("MODE root")) == ["502"]
    assert commands_of(ben.ask("MODE root +i", "MODE nobody", "MODE 2fast")) == ["502", "401", "401"]


def test_modes_stay_with_a_new_nick(root, ben):
    ben.ask("MODE ben +B", "NICK benny")
    assert ben.ask("MODE benny") == [":irc.parley 221 benny +B"]
    assert "335" in commands_of(root.ask("WHOIS benny"))


def test_what_others_see_of_them(root, ben):
    ben.ask("MODE ben +B", "AWAY :x")
    lines = ben.ask("WHOIS root")
    assert commands_of(lines) == ["311", "312", "313", "318"]
    assert params_of(lines, "313") == [["ben", "root", "is a server operator"]]
    lines = root.ask("WHOIS ben")
    assert commands_of(lines) == ["311", "312", "335", "301", "318"]
    assert params_of(lines, "335") == [["root", "ben", "is a bot"]]
    assert params_of(root.ask("WHO ben"), "352")[0][6] == "GB"
    assert params_of(ben.ask("WHO root"), "352")[0][6] == "H*"
    assert ben.ask("WHO root %nf")[0] == ":irc.parley 354 ben root H*"
    ben.ask("JOIN #a")
    assert [params[5] for params in params_of(ben.ask("WHO #a o"), "352")] == ["root"]
    assert ben.ask("USERHOST root ben") == [
        ":irc.parley 302 ben :root*=+~root@127.0.0.1 ben=-~ben@127.0.0.1"
    ]


def test_lusers_counts(world, nodes, root, ben):
    ben.ask("MODE ben +i")
    lines = root.ask("LUSERS")
    assert commands_of(lines) == ["251", "252", "253", "254", "255"]
    same = len(nodes) == 1
    users, invisible = (1, 1) if same else (1, 0)
    assert params_of(lines, "251") == [
        ["root", f"There are {users} users and {invisible} invisible on 1 servers"]
    ]
    assert params_of(lines, "252") == [["root", "1", "operator(s) online"]]
    assert params_of(lines, "253") == [["root", "0", "unknown connection(s)"]]
    assert params_of(root.ask("MODE root -o", "LUSERS"), "252")[0][1] == "0"
    ben.send("QUIT")
    ben.expect_end("ERROR :Closing link: Quit: ")
    assert params_of(root.ask("LUSERS"), "251") == [
        ["root", "There are 1 users and 0 invisible on 1 servers"]
    ]
