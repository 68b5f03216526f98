"""docs/REDIS.md lists the bounds and deadlines towards Redis as the sources have them."""

import pathlib
import re

from harness.slots import SLOTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "REDIS.md"
SOURCES = [
    *(ROOT / "src" / "backplane").iterdir(),
    *(ROOT / "src" / "hub").iterdir(),
    ROOT / "include" / "parley" / "core" / "item.h",
]
CONSTANT = re.compile(r"\b([A-Z][A-Z0-9_]+) =\s+(\w+(?: (?:<<|\*) \w+)*)\s*(?:[,};]|--|$)", re.MULTILINE)
BOUND = re.compile(r"_(MS|S|MAX|MIN)$")

# Of src/backplane, but no bounds of what comes, waits or lasts: sizes of names, formats.
NO_BOUNDS = {
    "HOST_BYTES_MAX", "NODE_ID_MAX", "PARTITIONS_MAX", "REDIRECT_HOST_MAX", "TEXTS_MAX",
    "COMMAND_CAPACITY_MIN", "ITEM_FIELDS_MAX", "U64_DIGITS_MAX", "TICK_MS", "SETTLING_TICK_MS",
}  # fmt: skip


def numbers(path):
    """Of a file: name -> value of what is a number, or several with `*` or `<<` between them."""
    found = {"REDIS_SLOTS": SLOTS}
    for name, text in CONSTANT.findall(path.read_text("utf-8")):
        words = [str(found.get(word, word)) for word in text.split()]
        if all(word.isdigit() for word in words[::2]):
            value = int(words[0])
            for operator, word in zip(words[1::2], words[2::2]):
                value = value << int(word) if operator == "<<" else value * int(word)
            found[name] = value
    return found


def constants():
    """(name, file) -> value."""
    files = [path for path in SOURCES if path.suffix in (".h", ".c", ".lua")]
    return {(name, path.name): value for path in files for name, value in numbers(path).items()}


def shown(name, value):
    """As the table writes it."""
    if re.search("_MS(_|$)", name):
        return f"{value} ms" if value < 1000 else f"{value / 1000:g} s"
    if name.endswith("_S"):
        return f"{value} s"
    if "_BYTES" in name:
        return f"{value >> 20} MiB" if value >= 1 << 20 else f"{value >> 10} KiB"
    return str(value)


def rows():
    """(name, file) -> value as shown."""
    section = DOCS.read_text("utf-8").partition("\n## Bounds and deadlines\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]+) \| `([a-z_.]+)` \| [^|]+ \|$", section, re.MULTILINE)
    return {(name, file): value for name, value, file in found}


def test_the_table_says_what_the_sources_say():
    true = {place: shown(place[0], value) for place, value in constants().items()}
    assert rows() == {place: true.get(place) for place in rows()}


def test_the_table_is_complete():
    ours = {path.name for path in (ROOT / "src" / "backplane").iterdir()}
    bounds = {(n, f) for n, f in constants() if f in ours and BOUND.search(n) and n not in NO_BOUNDS}
    assert bounds - set(rows()) == set()
    assert len(bounds) > 50
