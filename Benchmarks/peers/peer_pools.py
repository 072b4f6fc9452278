# SPDX-License-Identifier: Apache-2.0
"""The process pools of scripts/compare-peers: the pools, their work, and the tables."""

import os
import signal
import statistics
import subprocess
import tempfile

from measuring import BUILD, BUILT, HERE, Ratio, duration, interleave, table, tell

ONCE = {"start": 2, "noops": 1_000_000, "results": 200, "sleeps": 10, "compute": 16, "killed": 20}
WARM = {"warm-call": 100, "warm-noops": 1_000_000, "warm-results": 200}
COUNTS = ONCE | WARM
# For pools that take microseconds per item, and for all pools with --quick.
FEWER = 100_000


class Pool:
    """A pool: its name, the key of the package that it needs, and the program that runs a row for a count of items."""

    def __init__(self, name, needs, *program, rows=COUNTS, fewer=False):
        self.name = name
        self.needs = needs
        self.program = [str(word) for word in program]
        self.rows = rows
        self.fewer = fewer

    def count(self, row):
        return FEWER if self.fewer and row.endswith("noops") else COUNTS[row]

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
        """Returns the time of the row per item, and without a pool if the row measures that; or None."""
        output, code = self.run(row, 120)
        if code != 0:
            tell(f"{self.name}, {row}: {'not done after 120 s' if code is None else self.said.strip()}")
            return None
        items = self.count(row) if row.endswith("noops") else 1
        return [float(word) / items for word in output.split()]


PYTHON = BUILT / "python" / "bin" / "python"
OURS = BUILD / "release" / "ForkPoolPeers"
RSCRIPT = "Rscript", "--vanilla", HERE / "pools.R"
POOLS = [
    Pool("ForkPool", None, OURS, "oneshot", rows=ONCE),
    Pool("ForkPool, read in place", None, OURS, "inplace", rows=["noops", "results", "warm-noops"]),
    Pool("ForkPool, resident", None, OURS, "resident"),
    Pool("ForkPool, resident by exec", None, OURS, "exec"),
    Pool("Python `multiprocessing.Pool`", "python", PYTHON, HERE / "pools.py", "Pool"),
    Pool("Python `ProcessPoolExecutor`", "python", PYTHON, HERE / "pools.py", "ProcessPoolExecutor"),
    Pool("Python loky", "loky", PYTHON, HERE / "pools.py", "loky"),
    Pool("Python joblib", "joblib", PYTHON, HERE / "pools.py", "joblib", fewer=True),
    Pool("Python mpire", "mpire", PYTHON, HERE / "pools.py", "mpire", fewer=True),
    Pool("Python pebble", "pebble", PYTHON, HERE / "pools.py", "pebble", fewer=True),
    Pool("R `mclapply`", "r", *RSCRIPT, "mclapply", rows=ONCE),
    Pool("R `makeForkCluster`", "r", *RSCRIPT, "cluster"),
    Pool("OCaml Parmap", "ocaml", BUILT / "parmap", "values", rows=ONCE),
    Pool("OCaml Parmap, floats", "ocaml", BUILT / "parmap", "floats", rows=["noops"]),
    Pool("Perl MCE::Map", "perl", "perl", HERE / "pools.pl"),
    Pool("Ruby parallel", "ruby", "ruby", HERE / "pools.rb", rows=ONCE),
]

# The title of each row, and what its time means.
TITLES = {
    "start": "Start, 2 no-ops, close",
    "noops": "A million no-ops, with start and close",
    "results": "200 results of 1 MiB, with start and close",
    "sleeps": "10 sleeps of 0.1 s on 10 workers, with start and close",
    "warm-call": "One call of a pool that runs",
    "warm-noops": "A million no-ops on a pool that runs",
    "warm-results": "200 results of 1 MiB on a pool that runs",
    "compute": "16 items of computation on 2 workers",
    "killed": "20 items, of which one kills its worker",
}


class MeasuredPools:
    """The results of all pools in all rows."""

    def __init__(self, rounds, missing, quick):
        self.pools = [pool for pool in POOLS if pool.needs not in missing]
        for pool in self.pools:
            pool.fewer = pool.fewer or quick
            # The first run loads files from the disk.
            pool.run(next(iter(pool.rows)), 60)
        self.values = {row: self.measure(row, rounds) for row in TITLES if row != "killed"}
        self.damage = {pool.name: damage(pool) for pool in self.pools if "killed" in pool.rows}

    def measure(self, row, rounds):
        tell(f"pools: {TITLES[row]}")
        return interleave(
            {pool.name: lambda pool=pool: pool.nanoseconds(row) for pool in self.pools if row in pool.rows}, rounds, 75)

    def times(self, row):
        return {name: [value[0] for value in values] for name, values in self.values[row].items()}

    def page(self):
        return "\n\n".join(f"### {title}\n\n{self.table(row)}" for row, title in TITLES.items())

    def table(self, row):
        if row == "killed":
            return table(["pool", "results of the other 19", "afterwards"], [
                [name, *words] for name, words in self.damage.items()])
        if row == "compute":
            return table(["pool", "alone", "with 2 workers", "times as fast"], self.speedups())
        times = self.times(row)
        base = times[reference(row)]
        unit = "an item" if row.endswith("noops") else "time"
        fewer = {pool.name for pool in self.pools if pool.count(row) != COUNTS[row]}
        return table(["pool", unit, f"beside {reference(row)}"], [
            [
                name + (" (100 000 items)" if name in fewer else ""), duration(statistics.median(values)),
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
        for row in "start", "noops", "results", "sleeps", "warm-call", "warm-noops":
            times = self.times(row)
            base = times[reference(row)]
            line = [TITLES[row].replace(", with start and close", "") + (", an item" if row.endswith("noops") else "")]
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
    return "ForkPool, resident" if row in WARM else "ForkPool"


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
