"""docs/PROTOCOL.md is true: its transcript is replayed, its commands are those of /help."""

import re
from pathlib import Path

import pytest

PROTOCOL = (Path(__file__).resolve().parents[2] / "docs" / "PROTOCOL.md").read_text("utf-8")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
STEP = re.compile(r"(?P<who>\w+)@(?P<node>\d)(?P<what>\+|-|[<>](?: (?P<text>.*))?)$")

TRANSCRIPTS = re.findall(r"^```transcript\n(.*?)^```", PROTOCOL, re.MULTILINE | re.DOTALL)


def matches(line, expected):
    return re.fullmatch(re.escape(expected).replace("<time>", TIME), line)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=range(1, len(TRANSCRIPTS) + 1))
def test_transcript(world, transcript):
    nodes = world.some_nodes(2)
    people = {}
    for number, line in enumerate(transcript.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        step = STEP.match(line)
        assert step, f"line {number} is no step: {line}"
        who, what, text = step["who"], step["what"][0], step["text"] or ""
        if what == "+":
            people[who] = world.connect(nodes[int(step["node"]) - 1], who)
        elif what == ">":
            people[who].send_bytes(text.encode() + b"\r\n")
        elif what == "<":
            got = people[who].next()
            assert matches(got, text), f"line {number}: expected {text!r}, got {got!r}"
        else:
            assert people[who].fresh() == [], f"line {number}: more came before"
            people[who].expect_end()
            assert people[who].cursor == len(people[who].lines)
    for client in people.values():
        assert client.fresh() == [], f"more came to {client.name} than is listed"


def test_there_is_a_transcript():
    assert len(TRANSCRIPTS) >= 1


@pytest.mark.parametrize("number", [0, 1], ids=["first node", "second node"])
def test_help_is_the_table_of_the_document(world, number):
    rows = re.findall(r"^\| `(/.*?)` \| (.*) \|$", PROTOCOL, re.MULTILINE)
    assert len(rows) == 14
    expected = [
        f"* {usage} - {what}".replace("`", "").replace("\\", "") for usage, what in rows
    ]
    expected.append(
        "* Any other line is said in your current room. Begin it with // to say a slash."
    )
    client = world.person(world.some_nodes(2)[number], "ann")
    assert client.ask("/help") == expected
