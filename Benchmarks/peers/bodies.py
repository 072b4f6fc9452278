# SPDX-License-Identifier: Apache-2.0
"""What the workers of Python's pools run in scripts/compare-peers; the values are the same in every language."""

import dataclasses
import os
import signal
import time

MEBIBYTE = 1 << 20
TURNS = 120_000

TAIL = " is the number of this line, which says nothing else and goes on until it has all of its bytes."
NAMES = [f"entry {number}" for number in range(100)]


def same(x):
    return x


def big(x):
    return bytes([x]) * MEBIBYTE


def nap(x):
    time.sleep(0.1)
    return x


def churn(seed, turns=TURNS):
    x = seed + 1
    for _ in range(turns):
        x = x * 16807 % 2147483647
    return x


def same_but_seven(x):
    if x == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.001)
    return x


def text(x):
    return str(1_000_000_000 + x) + TAIL


def entries(x):
    return {name: x + number for number, name in enumerate(NAMES)}


@dataclasses.dataclass
class Record:
    id: int
    name: str
    score: float
    tags: list
    parent: int | None
    is_active: bool
    note: str | None
    samples: list


def record(x):
    return Record(
        x, f"record {x}", x / 4, ["red", "green", "blue"], None if x % 3 == 0 else x - 1, x % 2 == 0,
        "called twice" if x % 4 == 0 else None, [float(x), x + 0.5, x * 2.0])


VALUES = {"strings": text, "dictionaries": entries, "structs": record}
