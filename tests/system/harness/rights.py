"""What docs/REDIS.md says that a node must be allowed in Redis."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs" / "REDIS.md"


def set_user(redis, name, password):
    """Make or change a user with just these rights."""
    [text] = re.findall(r"^ACL SETUSER parley on >PASSWORD ((?:.*\\\n)*.*)$", DOCS.read_text("utf-8"), re.MULTILINE)
    rights = text.replace("\\\n", " ").split()
    redis.command("ACL", "SETUSER", name, "reset", "on", f">{password}", *rights)


def refused(redis):
    """What Redis refused to anybody beside passwords: {(what, which)}."""
    entries = [dict(zip(e[::2], e[1::2])) for e in redis.command("ACL", "LOG")]
    return {(e["reason"], e["object"]) for e in entries if e["reason"] != "auth"}
