# SPDX-License-Identifier: Apache-2.0
"""Measures in turn and compares, for scripts/compare-peers."""

import math
import random
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / ".build"
BUILT = BUILD / "peers"


def interleave(measures, rounds, seconds):
    """Calls each measure once per round, in random order, and returns the values by name.

    No round starts after the given seconds. A measure that returns None is left out from then on.
    """
    given = {name: [] for name in measures}
    end = time.monotonic() + seconds
    for _ in range(rounds):
        order = list(given)
        random.shuffle(order)
        for name in order:
            value = measures[name]()
            if value is None:
                del given[name]
            else:
                given[name].append(value)
        if time.monotonic() > end:
            break
    return given


def interval(values):
    """Returns the 95 % interval of the median by the sign test, or None for too few values."""
    ordered, n = sorted(values), len(values)
    best = None
    for outside in range(n // 2):
        if 2 * sum(math.comb(n, i) for i in range(outside + 1)) <= 0.05 * 2**n:
            best = ordered[outside], ordered[n - 1 - outside]
    return best


class Ratio:
    """A ratio of two costs: the median of the ratios of all rounds, and its interval or None."""

    def __init__(self, median, interval):
        self.median = median
        self.interval = interval

    @classmethod
    def of(cls, values, others):
        ratios = [value / other for value, other in zip(values, others)]
        return cls(statistics.median(ratios), interval(ratios))

    @property
    def short(self):
        return f"×{digits(self.median)}"

    @property
    def words(self):
        if self.interval is None or self.interval == (1, 1):
            return self.short
        return f"{self.short} [{digits(self.interval[0])}, {digits(self.interval[1])}]"


def digits(value):
    """Formats a number with about three digits."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def duration(nanoseconds):
    """Formats a time in a suitable unit."""
    for unit, size in ("s", 1e9), ("ms", 1e6), ("µs", 1e3):
        if nanoseconds >= size:
            return f"{digits(nanoseconds / size)} {unit}"
    return f"{digits(nanoseconds)} ns"


def table(head, rows):
    """Formats a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def tell(text):
    print(text, file=sys.stderr, flush=True)
