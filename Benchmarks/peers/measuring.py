"""Measures things in turn and compares them, for scripts/compare-peers."""

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
    """Calls each measure once in each round, in an order of its own, and returns what it gave, by name.

    After so many seconds it begins no other round. Whatever gives None once is left out from then on.
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
    """The sign test's interval of the median, the narrowest with 95 % or more, or None where there are too few."""
    ordered, n = sorted(values), len(values)
    best = None
    for outside in range(n // 2):
        if 2 * sum(math.comb(n, i) for i in range(outside + 1)) <= 0.05 * 2**n:
            best = ordered[outside], ordered[n - 1 - outside]
    return best


class Ratio:
    """What one costs beside another: the median of the rounds' ratios, and its interval if there is one."""

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
    """A number with some three digits."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.3g}" if value >= 1 else f"{value:.2f}"


def duration(nanoseconds):
    """A time in the unit that suits it."""
    for unit, size in ("s", 1e9), ("ms", 1e6), ("µs", 1e3):
        if nanoseconds >= size:
            return f"{digits(nanoseconds / size)} {unit}"
    return f"{digits(nanoseconds)} ns"


def table(head, rows):
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def tell(text):
    print(text, file=sys.stderr, flush=True)
