# SPDX-License-Identifier: Apache-2.0
"""The runners and benchmark commands of scripts/compare-peers: their work, and the tables."""

import json
import statistics
import subprocess
import time

from measuring import BUILT, Ratio, duration, interleave, table, tell

OURS, FLOOR = "`forkpool run`", "C loop, nothing captured"


class Row:
    """A row: jobs for each runner, two at once.

    batch is how many items a job gets, or "most" for as many as fit.
    """

    def __init__(self, title, jobs, child, output="", batch=None):
        self.batch = batch
        self.title = title
        self.jobs = jobs
        self.child = child
        self.output = output

    @property
    def name(self):
        return self.title.format(self.jobs)

    def commands(self, missing):
        """Returns the command line of each runner, `forkpool run` first; $(…) needs a shell."""
        items = f"items-{self.jobs}"
        # Only these runners give a job several items. Without a number, xargs would give all of them to one job.
        size = self.jobs // 2 if self.batch == "most" else self.batch
        batches = {
            OURS: (None, f"forkpool run -j2 {'-X' if self.batch == 'most' else f'-n {size}'} -a {items} -- {self.child}"),
            "`xargs -P`": ("xargs", f"xargs -a {items} -P2 -n{size} {self.child}"),
            "GNU `parallel -k`": (
                "parallel", f"parallel -k {'-X' if self.batch == 'most' else f'-N{size}'} -j2 -a {items} {self.child}"),
        }
        runners = batches if self.batch else {
            OURS: (None, f"forkpool run -j2 -a {items} -- {self.child}"),
            "`xargs -P`": ("xargs", f"xargs -a {items} -P2 -n1 {self.child}"),
            "GNU `parallel -k`": ("parallel", f"parallel -k -j2 -a {items} {self.child}"),
            "moreutils `parallel`": ("moreutils", f"parallel.moreutils -j2 {self.child} -- $(seq {self.jobs})"),
            "`make -j -O`": ("make", f"make -s -j2 -O -f jobs.mk JOBS={self.jobs} CHILD='{self.child}'"),
            FLOOR: (None, f"spawn {self.jobs} 2 {self.child}"),
        }
        return {name: line + self.output for name, (needs, line) in runners.items() if needs not in missing}


ROWS = {
    "true": Row("{} times `/bin/true`", 500, "/bin/true"),
    "child": Row("{} times a child without libc", 500, "./child"),
    "small": Row("{} jobs that print 10 kB each, through a pipe", 500, "./child 10240", " | cat >output"),
    "large": Row("{} jobs that print 16 MiB each, through a pipe", 32, "./child 16777216", " | cat >/dev/null"),
    "slow": Row("{} jobs that print 10 kB each, behind one of a second, through a pipe", 500, "./slow-first 10240", " | cat >output"),
    "batch": Row("{} items for `/bin/true`, 20 a job", 500, "/bin/true", batch=20),
    "most": Row("{} items for `/bin/true`, half of them a job", 500, "/bin/true", batch="most"),
    "start": Row("One job: the runner's own start and end", 1, "./child"),
}


class MeasuredRunners:
    """The results of all runners in all rows, from forkpool bench."""

    def __init__(self, rounds, missing, quick, only=None):
        if quick:
            for row in ROWS.values():
                row.jobs = -(-row.jobs // 8)
        self.rows = {name: self.measure(row, rounds, missing) for name, row in ROWS.items() if name in (only or ROWS)}
        self.outputs = {
            name: kept(line, ROWS["small"])
            for name, line in ROWS["small"].commands(missing).items() if name != FLOOR and "small" in self.rows}

    def measure(self, row, rounds, missing):
        """Returns the nanoseconds per job and the ratio with its interval, for each runner and metric."""
        tell(f"runners: {row.name}")
        commands = row.commands(missing)
        numbers = " ".join(str(item + 1) for item in range(row.jobs))
        (BUILT / f"items-{row.jobs}").write_text(numbers.replace(" ", "\n") + "\n")
        subprocess.run(
            ["forkpool", "bench", "-n", str(rounds), "--warmup", "1", "--json", "bench.json"]
            + (["--shell"] if row.output else [])
            + [line.replace(f"$(seq {row.jobs})", numbers) for line in commands.values()],
            cwd=BUILT, stdout=subprocess.DEVNULL, check=True)
        document = json.loads((BUILT / "bench.json").read_text())
        measured = {}
        for i, name in enumerate(commands):
            runs = document["forkpool"]["runs"][i]
            cpu = [user + system for user, system in zip(runs["user_ns"], runs["system_ns"])]
            times = statistics.median(runs["wall_ns"]), statistics.median(cpu)
            measured[name] = [
                (time / row.jobs, ratio(document, runs["name"], metric)) for time, metric in zip(times, ("wall", "cpu"))]
        return measured

    def page(self):
        return "\n\n".join(f"### {ROWS[name].name}\n\n{self.table(name)}" for name in self.rows)

    def table(self, name):
        head = ["runner", "a job", f"beside {OURS}", "processor time", f"beside {OURS}"]
        lines = []
        for runner, figures in sorted(self.rows[name].items(), key=lambda item: item[1][0][0]):
            lines.append([runner] + [words for time, ratio in figures for words in (duration(time), ratio.words)])
            if name == "small":
                lines[-1].append(self.outputs.get(runner, "–"))
        return table(head + (["output"] if name == "small" else []), lines)

    def summary(self):
        """Makes the table of the page Costs, with processor time, which a busy machine changes little."""
        runners = list(self.rows["true"])
        lines = []
        for name, row in ROWS.items():
            line = [row.name + (", each" if row.jobs > 1 else "")]
            for runner in runners:
                if runner not in self.rows[name]:
                    line.append("–")
                    continue
                time, ratio = self.rows[name][runner][1]
                line.append(duration(time) + ("" if runner == OURS else f" {ratio.short}"))
            lines.append(line)
        lines.append(["their output, this time"] + [self.outputs.get(runner, "–") for runner in runners])
        return table([""] + runners, lines)


def ratio(document, head, metric):
    """Returns the comparison of a runner with the first one, from forkpool bench."""
    for found in document["forkpool"]["comparisons"]:
        if found["head"] == head and found["metric"] == metric:
            return Ratio(found["ratio"], None if found["low"] is None else (found["low"], found["high"]))
    return Ratio(1, None)


def kept(line, row):
    """Describes the outputs of the jobs: in order, whole, or torn."""
    subprocess.run(["sh", "-c", line], cwd=BUILT, check=True)
    output = (BUILT / "output").read_bytes()
    size = int(row.child.split()[1])
    jobs = [(b"%d\n" % (job + 1) * size)[:size] for job in range(row.jobs)]
    if output == b"".join(jobs):
        return "in the order of the input"
    lost = len(jobs) * size - len(output)
    torn = sum(job not in output for job in jobs)
    if torn == 0 and lost == 0:
        return "whole, as jobs were done"
    return f"{torn} of {row.jobs} torn" + (f", {lost} bytes lost" if lost else "")


class MeasuredBenches:
    """The results of benchmark commands for a command, their own cost, and the result of a C loop."""

    def __init__(self, rounds, missing, quick):
        self.runs = 50 if quick else 500
        self.rows = {command: self.measure(command, rounds, missing) for command in ("/bin/true", "./child")}

    def measure(self, command, rounds, missing):
        tell(f"benchmarks: {command}")
        runs = str(self.runs)
        measures = {
            "`forkpool bench`": lambda: self.tool(
                ["forkpool", "bench", "-n", runs, "--warmup", "1", "--json", "bench.json", "--", command]),
            "`hyperfine -N`": lambda: self.tool(
                ["hyperfine", "-N", "-r", runs, "-w", "1", "--style", "none", "--export-json", "bench.json", command]),
            # By a shell, whose start both subtract.
            "`forkpool bench --shell`": lambda: self.tool(
                ["forkpool", "bench", "-n", runs, "--warmup", "1", "--json", "bench.json", "--shell", command]),
            "`hyperfine`": lambda: self.tool(
                ["hyperfine", "-r", runs, "-w", "1", "--style", "none", "--export-json", "bench.json", command]),
            "C loop": lambda: self.loop([str(BUILT / "spawn"), runs, "1", command]),
        }
        if "hyperfine" in missing:
            del measures["`hyperfine -N`"]
            del measures["`hyperfine`"]
        return interleave(measures, rounds, 45)

    def tool(self, words):
        """Returns the mean and the median that a tool reports, and the real cost of a run, in nanoseconds."""
        start = time.monotonic_ns()
        subprocess.run(words, cwd=BUILT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        took = time.monotonic_ns() - start
        result = json.loads((BUILT / "bench.json").read_text())["results"][0]
        return result["mean"] * 1e9, result["median"] * 1e9, took / self.runs

    def loop(self, words):
        start = time.monotonic_ns()
        output = subprocess.run(words, cwd=BUILT, stdout=subprocess.PIPE, check=True, text=True).stdout
        took = time.monotonic_ns() - start
        mean, median = output.split()
        return float(mean), float(median), took / self.runs

    def page(self):
        return "\n\n".join(f"### `{command}`, {self.runs} times\n\n{self.table(command)}" for command in self.rows)

    def table(self, command):
        rows = self.rows[command]
        floor = rows["C loop"]
        lines = []
        for name, values in rows.items():
            line = [name]
            for i in range(3):
                line.append(duration(statistics.median(value[i] for value in values)))
                if name != "C loop":
                    line[-1] += " " + Ratio.of([v[i] for v in values], [v[i] for v in floor]).words
            lines.append(line)
        return table(["tool", "reported mean", "reported median", "real cost of a run"], lines)
