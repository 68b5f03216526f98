"""Passwords of server operators: hashed by the program, seen nowhere."""

import os
import pty
import re
import subprocess

import pytest

from harness import binary
from harness.node import environment


def run(*args, text=""):
    return subprocess.run(
        [binary(), *args],
        env=environment(),
        input=text.encode(),
        capture_output=True,
        timeout=30,
    )


@pytest.mark.parametrize("text", ["sesame\n", "sesame", "s\u00e9same\r\n", "x" * 200])
def test_a_password_is_hashed(text):
    done = run("--hash-password", text=text)
    assert done.returncode == 0 and done.stderr == b""
    assert re.fullmatch(rb"\$argon2id\$v=19\$m=19456,t=2,p=1\$\S+\n", done.stdout)


@pytest.mark.parametrize("text", ["", "\n", "x" * 201, "x" * 1000])
def test_no_password_is_not_hashed(text):
    done = run("--hash-password", text=text)
    assert done.returncode == 2 and done.stdout == b""
    assert b"1 to 200 bytes" in done.stderr


def test_a_password_is_not_shown_on_a_terminal():
    main, side = pty.openpty()
    child = subprocess.Popen(
        [binary(), "--hash-password"], stdin=side, stdout=subprocess.PIPE, stderr=side,
        env=environment(),
    )  # fmt: skip
    os.close(side)
    seen = b""
    while b"Password: " not in seen:
        seen += os.read(main, 1000)
    os.write(main, b"sesame\n")
    assert child.stdout.read().startswith(b"$argon2id$")
    assert child.wait() == 0
    os.set_blocking(main, False)
    try:
        seen += os.read(main, 1000)
    except OSError:  # nobody has the other end any more
        pass
    os.close(main)
    assert b"sesame" not in seen


def test_the_hash_of_an_operator_is_seen_nowhere(world):
    done = run("--oper", "root:sesame")
    assert done.returncode == 2 and b"--hash-password" in done.stderr
    assert b"sesame" not in done.stderr
    hashed = run("--hash-password", text="sesame").stdout.decode().strip()
    node = world.node(oper=f"root:{hashed}")
    with open(f"/proc/{node.pid}/cmdline", "rb") as file:
        assert b"argon2" not in file.read()
