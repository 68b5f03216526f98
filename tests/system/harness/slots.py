"""Which slot of a cluster a key, a room or a nick lives in (docs/REDIS.md, Partitions)."""

import binascii
import functools

SLOTS = 16384
PARTITIONS = 64


def crc16(text):
    return binascii.crc_hqx(text.encode(), 0)


def slot_of(key):
    """https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags"""
    start = key.find("{")
    end = key.find("}", start + 1)
    if 0 <= start and start + 1 < end:
        key = key[start + 1 : end]
    return crc16(key) % SLOTS


def partition_of(name, partitions=PARTITIONS):
    """Of a room, a nick or an inbox, in lower case."""
    return crc16(name) % partitions


@functools.cache
def partition_tag(partition, partitions=PARTITIONS):
    """What stands between the braces of its keys: the first "<partition>.<n>" in its range."""
    first, end = partition * SLOTS // partitions, (partition + 1) * SLOTS // partitions
    number = 0
    while not first <= crc16(f"{partition}.{number}") % SLOTS < end:
        number += 1
    return f"{partition}.{number}"


def partition_slot(partition, partitions=PARTITIONS):
    return crc16(partition_tag(partition, partitions)) % SLOTS


def room_key(room, kind="l", prefix="parley", partitions=PARTITIONS):
    """A key of the room: its log (l), members (m), state (s)."""
    return f"{prefix}:{{{partition_tag(partition_of(room, partitions), partitions)}}}:{kind}:{room}"
