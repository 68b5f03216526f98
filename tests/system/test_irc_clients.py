"""Real clients, as Debian packages them: each registers, joins, speaks, and is heard on the
other node, and hears what is said there.
"""

import fcntl
import glob
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest

from harness import wait_until
from harness.node import environment
from irc_client import irc_person, nick_of


def needs(program, package):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed: apt-get install {package}")


class Program:
    """A client in a terminal of its own; what it shows is kept."""

    def __init__(self, command, folder, **env):
        self.shown = b""
        main, self.side = pty.openpty()
        fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.terminal = main
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=self.side, stdout=self.side, stderr=self.side, cwd=folder, start_new_session=True,
            env=environment({"HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8", **env}),
        )  # fmt: skip
        os.close(self.side)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while data := os.read(self.terminal, 65536):
                self.shown += data
        except OSError:
            pass

    def type(self, *lines):
        for line in lines:
            os.write(self.terminal, f"{line}\r".encode())

    def wait_shown(self, text):
        wait_until(lambda: text.encode() in self.shown, what=f"{text!r} in {self.shown[-2000:]!r}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture
def nodes(world):
    return world.some_nodes(2)


@pytest.fixture
def ben(world, nodes):
    """Somebody in #a, on the second node."""
    return irc_person(world, nodes[1], "ben", rooms="#a")


@pytest.fixture
def run(tmp_path):
    programs = []

    def start(*command, **env):
        programs.append(Program([str(word) for word in command], tmp_path, **env))
        return programs[-1]

    yield start
    for program in programs:
        program.end()


def hear(ben, nick, text):
    message = ben.wait_for("PRIVMSG", "#a")
    assert (nick_of(message), message.params[1]) == (nick, text)


def see_join(ben, nick):
    assert nick_of(ben.wait_for("JOIN", "#a")) == nick


def test_irssi(run, tmp_path, nodes, ben):
    needs("irssi", "irssi")
    irssi = run("irssi", f"--home={tmp_path}", "-c", "127.0.0.1", "-p", nodes[0].port, "-n", "iris")
    irssi.wait_shown("MOTD File is missing")
    irssi.type("/join #a")
    see_join(ben, "iris")
    irssi.wait_shown("was synced in")
    irssi.type("hello from irssi")
    hear(ben, "iris", "hello from irssi")
    ben.send("PRIVMSG #a :hello-irssi", "NOTICE iris :just-you", "NICK benny")
    irssi.wait_shown("hello-irssi")
    irssi.wait_shown("benny")
    irssi.type("/window goto 1")
    irssi.wait_shown("just-you")
    irssi.type("/quit ciao")
    assert ben.wait_for("QUIT").params == ["ciao"]


def test_weechat(run, tmp_path, nodes, ben):
    needs("weechat-headless", "weechat-headless")
    if not glob.glob("/usr/lib/*/weechat/plugins/fifo.so"):
        pytest.skip("WeeChat's plugin fifo is not installed: apt-get install weechat-plugins")
    server = f"/server add test 127.0.0.1/{nodes[0].port} -nicks=wee -autojoin=#a"
    run("weechat-headless", "--dir", tmp_path, "-r", server, "-r", "/set irc.server.test.ssl off",
        "-r", "/set logger.file.flush_delay 0", "-r", "/connect test")  # fmt: skip
    see_join(ben, "wee")
    log = tmp_path / "logs" / "irc.test.#a.weechatlog"
    wait_until(log.exists)
    fifo = wait_until(lambda: list(tmp_path.glob("weechat_fifo_*")), what="weechat's FIFO")[0]
    fifo.write_text("irc.test.#a *hello from weechat\n", encoding="utf-8")
    hear(ben, "wee", "hello from weechat")
    ben.send("PRIVMSG #a :hello-weechat")
    wait_until(lambda: "hello-weechat" in read(log))
    fifo.write_text("irc.test.#a */quit ciao\n", encoding="utf-8")
    assert ben.wait_for("QUIT").params == ["ciao"]


def test_ii(run, tmp_path, nodes, ben):
    needs("ii", "ii")
    run("ii", "-s", "127.0.0.1", "-p", nodes[0].port, "-n", "ivy", "-i", tmp_path)
    server = tmp_path / "127.0.0.1"
    wait_until(lambda: "001" in read(server / "out") or "Welcome" in read(server / "out"))
    (server / "in").write_text("/j #a\n", encoding="utf-8")
    see_join(ben, "ivy")
    wait_until((server / "#a" / "in").exists)
    (server / "#a" / "in").write_text("hello from ii\n", encoding="utf-8")
    hear(ben, "ivy", "hello from ii")
    ben.send("PRIVMSG #a :hello-ii")
    wait_until(lambda: "<ben> hello-ii" in read(server / "#a" / "out"))


def read(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


PYTHON_IRC = """
import sys
import irc.client
reactor = getattr(irc.client, "Reactor", None) or irc.client.IRC
reactor = reactor()
connection = reactor.server().connect("127.0.0.1", int(sys.argv[1]), "pia")
def on_pubmsg(connection, event):
    print("heard", event.source.nick, event.arguments[0], flush=True)
    connection.quit("ciao")
connection.add_global_handler("welcome", lambda c, e: c.join("#a"))
connection.add_global_handler("endofnames", lambda c, e: c.privmsg("#a", "hello from python"))
connection.add_global_handler("pubmsg", on_pubmsg)
connection.add_global_handler("disconnect", lambda c, e: sys.exit(0))
reactor.process_forever()
"""


def test_python_irc(run, nodes, ben):
    found = subprocess.run([sys.executable, "-c", "import irc.client"], capture_output=True)
    if found.returncode != 0:
        pytest.skip("python3-irc is not installed: apt-get install python3-irc")
    bot = run(sys.executable, "-c", PYTHON_IRC, nodes[0].port)
    see_join(ben, "pia")
    hear(ben, "pia", "hello from python")
    ben.send("PRIVMSG #a :hello-python")
    bot.wait_shown("heard ben hello-python")
    assert ben.wait_for("QUIT").params == ["ciao"]


@pytest.mark.slow(30)
def test_irssi_comes_back_after_its_node_died(run, tmp_path, world, nodes, ben):
    needs("irssi", "irssi")
    address = f"127.0.0.1:{nodes[0].port}"
    irssi = run("irssi", f"--home={tmp_path}", "-c", "127.0.0.1", "-p", nodes[0].port, "-n", "iris")
    irssi.wait_shown("MOTD File is missing")
    irssi.type("/set server_reconnect_time 1s", "/join #a")
    see_join(ben, "iris")
    irssi.wait_shown("was synced in")
    nodes[0].kill()
    ben.wait_for("QUIT", timeout=60)
    world.node(listen=address)
    see_join(ben, "iris")
    irssi.type("hello again")
    hear(ben, "iris", "hello again")
