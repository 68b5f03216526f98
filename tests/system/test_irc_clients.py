"""Real clients, as Debian packages them: each registers, joins, speaks, and is heard on the
other node, and hears what is said there.
"""

import fcntl
import glob
import os
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading

import pytest

from harness import wait_until
from harness.limits import TIMEOUT
from harness.node import environment
from harness.ports import Lease
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


def see_join(ben, nick, timeout=TIMEOUT):
    assert nick_of(ben.wait_for("JOIN", "#a", timeout=timeout)) == nick


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
    ben.send("MODE #a +o iris")
    irssi.wait_shown("+o iris")
    irssi.type("/mode +b evil", "/topic Tea", "/kick benny out")
    assert ben.wait_for("MODE", "#a", "+b").params[2] == "evil!*@*"
    assert ben.wait_for("TOPIC").params == ["#a", "Tea"]
    assert ben.wait_for("KICK").params == ["#a", "benny", "out"]
    ben.ask("JOIN #a")
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


LIMNORIA = """\
supybot.nick: lim
supybot.networks: test
supybot.networks.test.servers: 127.0.0.1:{port}
supybot.networks.test.channels: #a
supybot.networks.test.ssl: False
supybot.protocols.ssl.verifyCertificates: False
supybot.plugins: Utilities
supybot.plugins.Utilities: True
supybot.reply.whenAddressedBy.chars: @
supybot.log.stdout: True
supybot.log.stdout.level: DEBUG
supybot.log.level: DEBUG
"""


@pytest.mark.slow(10)
def test_limnoria(run, tmp_path, nodes, ben):
    """It puts a label on every line."""
    needs("supybot", "limnoria")
    (tmp_path / "bot.conf").write_text(LIMNORIA.format(port=nodes[0].port), encoding="utf-8")
    bot = run("supybot", *(["--allow-root"] if os.geteuid() == 0 else []), "bot.conf")
    see_join(ben, "lim")
    bot.wait_shown("End of /WHO list")
    ben.send("PRIVMSG #a :@echo hello from limnoria")
    hear(ben, "lim", "hello from limnoria")
    assert b"@label=" in bot.shown
    ben.send("PRIVMSG lim :@echo just you")
    assert ben.wait_for("NOTICE").params == ["ben", "just you"]


ZNC = """\
Version = 1.8.2
<Listener l>
    Port = {own_port}
    Host = 127.0.0.1
    IPv6 = false
    SSL = false
</Listener>
<User zoe>
    Pass = plain#secret
    Admin = true
    Nick = zoe
    Ident = zoe
    <Network test>
        Server = 127.0.0.1 {port}
        <Chan #a>
        </Chan>
    </Network>
</User>
"""


@pytest.mark.slow(50)
def test_znc(run, tmp_path, nodes, ben):
    """A bouncer: it asks for capabilities one by one, and a client of ours is behind it."""
    needs("znc", "znc")
    lease = Lease()
    own_port = lease.port
    (tmp_path / "configs").mkdir()
    config = ZNC.format(port=nodes[0].port, own_port=own_port)
    (tmp_path / "configs" / "znc.conf").write_text(config, encoding="utf-8")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    run("znc", "--foreground", "--datadir", tmp_path, *root)
    see_join(ben, "zoe", timeout=90)  # to root it gives 30 s to think again
    lines = []
    with socket.create_connection(("127.0.0.1", own_port), 30) as client:
        client.sendall(b"PASS zoe/test:secret\r\nNICK zoe\r\nUSER zoe 0 * :Zoe\r\n")
        client.sendall(b"PRIVMSG #a :hello from znc\r\n")
        hear(ben, "zoe", "hello from znc")
        ben.send("PRIVMSG #a :hello-znc")
        for line in client.makefile(encoding="utf-8"):
            lines.append(line)
            if "hello-znc" in line:
                break
    lease.release()
    assert "hello-znc" in lines[-1], lines


@pytest.mark.slow(20)
def test_weechat_comes_back_by_another_node(run, tmp_path, nodes, ben):
    """It has both addresses, as it would have two from the name of a load balancer."""
    needs("weechat-headless", "weechat-headless")
    addresses = ",".join(f"127.0.0.1/{node.port}" for node in nodes)
    run("weechat-headless", "--dir", tmp_path, "-r",
        f"/server add test {addresses} -nicks=wee,wee2 -autojoin=#a",
        "-r", "/set irc.server.test.ssl off",
        "-r", "/set logger.file.flush_delay 0",
        "-r", "/set irc.server.test.autoreconnect_delay 1", "-r", "/connect test")  # fmt: skip
    see_join(ben, "wee")
    wait_until((tmp_path / "logs" / "irc.test.#a.weechatlog").exists)
    nodes[0].kill()
    came = ben.wait_for("JOIN", "#a", timeout=60)
    assert nick_of(came) in ("wee", "wee2")
    assert nick_of(ben.wait_for("QUIT", timeout=60)) == "wee"


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
