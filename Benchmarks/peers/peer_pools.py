# SPDX-License-Identifier: Apache-2.0
"""The process pools of scripts/compare-peers: the pools, their work, and the tables."""

import os
import signal
import statistics
import subprocess
import tempfile

from measuring import BUILD, BUILT, HERE, Ratio, duration, interleave, table, tell

CODED = {"strings": 100_000, "dictionaries": 1000, "structs": 20_000}
ONCE = {"start": 2, "noops": 1_000_000, "results": 200, "sleeps": 10, "compute": 16, "killed": 20} | CODED
WARM = {"warm-call": 100, "warm-noops": 1_000_000, "warm-results": 200}
POOLED = ONCE | WARM
STREAM = {"stream": 1_000_000}
SUBMIT = {"warm-submit": 100_000}
COUNTS = POOLED | STREAM | SUBMIT
# For pools that take microseconds per item, and for all pools with --quick.
FEWER = {"noops": 100_000, "warm-noops": 100_000, "stream": 100_000, "warm-submit": 10_000, "strings": 10_000}
SLOW = ("noops", "warm-noops", "stream", "warm-submit")
# How many units an item has that the tables show: a dictionary has entries.
UNITS = {"dictionaries": 100}


class Pool:
    """A pool: its name, the key of the package that it needs, and the program that runs a row for a count of items."""

    def __init__(self, name, needs, *program, rows=COUNTS, fewer=()):
        self.name = name
        self.needs = needs
        self.program = [str(word) for word in program]
        self.rows = rows
        self.fewer = fewer

    def count(self, row):
        return FEWER[row] if row in self.fewer else COUNTS[row]

    def run(self, row, limit):
        """Runs the program; returns its output and exit code, which is None after the given seconds."""
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                self.program + [row, str(self.count(row))], stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                start_new_session=True)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            try:
                # Kill the processes that it left running.
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            output.seek(0)
            errors.seek(0)
            self.said = errors.read()
            return output.read(), code

    def nanoseconds(self, row):
        """Returns the time of the row per item, and a second one if the row measures that; or None."""
        output, code = self.run(row, 120)
        if code != 0:
            tell(f"{self.name}, {row}: {'not done after 120 s' if code is None else self.said.strip()}")
            return None
        items = self.count(row) * UNITS.get(row, 1) if row in PER_ITEM else 1
        return [float(word) / items for word in output.split()]


PYTHON = BUILT / "python" / "bin" / "python"
OURS = BUILD / "release" / "ForkPoolPeers"
RSCRIPT = "Rscript", "--vanilla", HERE / "pools.R"
POOLS = [
    Pool("ForkPool", None, OURS, "oneshot", rows=ONCE | STREAM),
    Pool("ForkPool, read in place", None, OURS, "inplace", rows=["noops", "results", "warm-noops"]),
    Pool("ForkPool, resident", None, OURS, "resident"),
    Pool("ForkPool, resident by exec", None, OURS, "exec"),
    Pool("ForkPool, in tasks", None, OURS, "async", rows=STREAM | SUBMIT, fewer=SUBMIT),
    Pool("Python `multiprocessing.Pool`", "python", PYTHON, HERE / "pools.py", "Pool", fewer=SUBMIT),
    Pool("Python `ProcessPoolExecutor`", "python", PYTHON, HERE / "pools.py", "ProcessPoolExecutor", fewer=SUBMIT),
    Pool("Python loky", "loky", PYTHON, HERE / "pools.py", "loky", fewer=SUBMIT),
    Pool("Python joblib", "joblib", PYTHON, HERE / "pools.py", "joblib", rows=POOLED | STREAM, fewer=SLOW),
    Pool("Python mpire", "mpire", PYTHON, HERE / "pools.py", "mpire", fewer=SLOW),
    Pool("Python pebble", "pebble", PYTHON, HERE / "pools.py", "pebble", fewer=SLOW),
    Pool("R `mclapply`", "r", *RSCRIPT, "mclapply", rows=ONCE, fewer=("strings",)),
    Pool("R `makeForkCluster`", "r", *RSCRIPT, "cluster", rows=POOLED, fewer=("strings",)),
    Pool("OCaml Parmap", "ocaml", BUILT / "parmap", "values", rows=ONCE),
    Pool("OCaml Parmap, floats", "ocaml", BUILT / "parmap", "floats", rows=["noops"]),
    Pool("Perl MCE::Map", "perl", "perl", HERE / "pools.pl", rows=POOLED),
    Pool("Ruby parallel", "ruby", "ruby", HERE / "pools.rb", rows=ONCE),
]

# The rows whose time is that of an item, or of a unit of it.
PER_ITEM = ("noops", "warm-noops", "stream", "warm-submit", *CODED)

# The title of each table, and what its time means.
TITLES = {
    "start": "Start, 2 no-ops, close",
    "noops": "A million no-ops, with start and close",
    "results": "200 results of 1 MiB, with start and close",
    "strings": "100 000 strings of 105 bytes, with start and close",
    "dictionaries": "1000 dictionaries of 100 entries, with start and close",
    "structs": "20 000 structs of 8 fields, with start and close",
    "stream": "A stream of a million no-ops, with start and close",
    "sleeps": "10 sleeps of 0.1 s on 10 workers, with start and close",
    "warm-call": "One call of a pool that runs",
    "warm-submit": "100 000 calls of a pool that runs, submitted before the first one is awaited",
    "warm-noops": "A million no-ops on a pool that runs",
    "warm-stream": "A stream of a million no-ops on a pool that runs",
    "warm-results": "200 results of 1 MiB on a pool that runs",
    "warm-strings": "100 000 strings of 105 bytes on a pool that runs",
    "warm-dictionaries": "1000 dictionaries of 100 entries on a pool that runs",
    "warm-structs": "20 000 structs of 8 fields on a pool that runs",
    "compute": "16 items of computation on 2 workers",
    "killed": "20 items, of which one kills its worker",
}
# The tables whose times are the second ones of another row.
SECOND = {f"warm-{row}": row for row in ("stream", *CODED)}


class MeasuredPools:
    """The results of all pools in all rows."""

    def __init__(self, rounds, missing, quick):
        self.pools = [pool for pool in POOLS if pool.needs not in missing]
        for pool in self.pools:
            if quick:
                pool.fewer = FEWER
            # The first run loads files from the disk.
            pool.run(next(iter(pool.rows)), 60)
        self.values = {row: self.measure(row, rounds) for row in TITLES if row in COUNTS and row != "killed"}
        self.damage = {pool.name: damage(pool) for pool in self.pools if "killed" in pool.rows}

    def measure(self, row, rounds):
        tell(f"pools: {TITLES[row]}")
        return interleave(
            {pool.name: lambda pool=pool: pool.nanoseconds(row) for pool in self.pools if row in pool.rows}, rounds, 45)

    def times(self, title):
        place = 1 if title in SECOND else 0
        values = self.values[SECOND.get(title, title)]
        return {name: [value[place] for value in runs] for name, runs in values.items() if runs and len(runs[0]) > place}

    def page(self):
        return "\n\n".join(f"### {title}\n\n{self.table(row)}" for row, title in TITLES.items())

    def table(self, row):
        if row == "killed":
            return table(["pool", "results of the other 19", "afterwards"], [
                [name, *words] for name, words in self.damage.items()])
        if row == "compute":
            return table(["pool", "alone", "with 2 workers", "times as fast"], self.speedups())
        measured = SECOND.get(row, row)
        times = self.times(row)
        base = times[reference(row)]
        fewer = {pool.name for pool in self.pools if pool.count(measured) != COUNTS[measured]}
        return table(["pool", unit(row), f"beside {reference(row)}"], [
            [
                name + (f" ({FEWER[measured] // 1000} 000 items)" if name in fewer else ""), duration(statistics.median(values)),
                Ratio.of(values, base).words,
            ]
            for name, values in sorted(times.items(), key=lambda item: statistics.median(item[1]))
        ])

    def speedups(self):
        rows = []
        for name, values in self.values["compute"].items():
            with_pool, alone = (statistics.median(value[i] for value in values) for i in range(2))
            ratio = Ratio.of([value[1] for value in values], [value[0] for value in values])
            rows.append((ratio.median, [name, duration(alone), duration(with_pool), ratio.words[1:]]))
        return [row for _, row in sorted(rows, reverse=True)]


    def summary(self):
        """Makes the table of the page Costs: a line for each row, a column for each of the best known pools."""
        columns = {
            "ForkPool": "ForkPool", "OCaml Parmap": "Parmap", "Perl MCE::Map": "MCE::Map", "Ruby parallel": "Ruby's parallel",
            "R `mclapply`": "R's `mclapply`", "Python `multiprocessing.Pool`": "Python's `Pool`",
            "Python `ProcessPoolExecutor`": "`ProcessPoolExecutor`", "Python joblib": "joblib",
        }
        columns = {name: title for name, title in columns.items() if any(pool.name == name for pool in self.pools)}
        lines = []
        for row in (
                "start", "noops", "results", "strings", "dictionaries", "structs", "stream", "sleeps", "warm-call",
                "warm-submit", "warm-noops", "warm-strings", "warm-dictionaries", "warm-structs"):
            times = self.times(row)
            base = times[reference(row)]
            shown = unit(row)
            line = [TITLES[row].replace(", with start and close", "") + (f", {shown}" if shown != "time" else "")]
            for name in columns:
                if name == "ForkPool":
                    line.append(duration(statistics.median(base)))
                elif name in times:
                    line.append(f"{duration(statistics.median(times[name]))} {Ratio.of(times[name], base).short}")
                else:
                    line.append("–")
            lines.append(line)
        lines.append(["results of 19 items, a 20th kills its worker"] + [
            self.damage[name][0].split(" (")[0] for name in columns])
        return table([""] + list(columns.values()), lines)


def reference(row):
    """Returns the pool of this library that the others are compared with in a row."""
    return "ForkPool, resident" if row.startswith("warm-") else "ForkPool"


def unit(row):
    """Returns what the time of a table is for."""
    measured = SECOND.get(row, row)
    if measured not in PER_ITEM:
        return "time"
    return {"dictionaries": "an entry", "warm-submit": "a call"}.get(measured, "an item")


def damage(pool):
    """Measures how many results a pool gives if an item kills its worker, and whether it works after that."""
    tell(f"pools: {TITLES['killed']}: {pool.name}")
    output, code = pool.run("killed", 10)
    answers = dict(line.split(" ", 1) for line in output.splitlines())
    if code is None:
        end = "waits for ever (ended after 10 s)"
    elif code < 0:
        end = f"the caller dies of {signal.Signals(-code).name}"
    else:
        end = "the caller ends"
    if "got" not in answers:
        return [end, "–"]
    then = answers.get("then", end).strip()
    return [answers["got"].strip(), "works" if then.lower() == "true" else then.lower() == "false" and "fails" or then]
