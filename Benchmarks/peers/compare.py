# SPDX-License-Identifier: Apache-2.0
"""Measures the peers and writes their tables; scripts/compare-peers calls it after building and installing them."""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

from measuring import BUILT, HERE, tell
from peer_pools import MeasuredPools
from peer_runners import ROWS, MeasuredBenches, MeasuredRunners

PROJECT = HERE.parent.parent
ARTICLES = PROJECT / "Sources/ForkPool/ForkPool.docc"

# The programs, the keys under which scripts/compare-peers reports missing ones, and the commands that print their versions.
VERSIONS = [
    ("Swift", None, "swift --version"),
    ("findutils' xargs", "xargs", "xargs --version"),
    ("GNU parallel", "parallel", "parallel --version"),
    ("moreutils", "moreutils", "dpkg-query -W -f ${Version} moreutils"),
    ("make", "make", "make --version"),
    ("hyperfine", "hyperfine", "hyperfine --version"),
    ("Python", "python", "python/bin/python --version"),
    *((name, name, f"python/bin/python -c 'import importlib.metadata as m; print(m.version(\"{name}\"))'")
      for name in ("loky", "joblib", "mpire", "pebble")),
    ("R", "r", "Rscript --version"),
    ("OCaml", "ocaml", "ocamlfind ocamlopt -version"),
    ("Parmap", "ocaml", "dpkg-query -W -f ${Version} libparmap-ocaml-dev"),
    ("Perl", "perl", "perl -e 'print $^V'"),
    ("MCE", "perl", "perl -MMCE -e 'print $MCE::VERSION'"),
    ("Ruby", "ruby", "ruby --version"),
    ("parallel for Ruby", "ruby", "ruby -r parallel -e 'puts Parallel::VERSION'"),
]


def version(line):
    told = subprocess.run(["sh", "-c", line.replace("${", "\\${")], cwd=BUILT, capture_output=True, text=True)
    number = re.search(r"\d[\w.+~:-]*\d|\d", told.stdout + told.stderr)
    return number.group() if number else "unknown"


def replace(path, name, text):
    """Replaces the text between the two markers of a name."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    whole = path.read_text()
    if whole.count(begin) != 1 or whole.count(end) != 1:
        sys.exit(f"{path}: there is no place for the tables: {begin} … {end}")
    before, rest = whole.split(begin)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}")
    tell(f"written: {path.relative_to(PROJECT)}")


def machine():
    """Describes the machine of the measurements."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return (f"{os.cpu_count()} processors ({cpu[1].strip() if cpu else platform.machine()}), Linux {platform.release()}, "
            f"{system}")


def load():
    return "{:.1f}, {:.1f}, {:.1f}".format(*os.getloadavg())


class Comparison:
    """The results of the requested groups."""

    def __init__(self, groups, quick, missing, rows=None):
        self.missing = missing
        self.begin = load()
        start = time.monotonic()
        self.runners = MeasuredRunners(1 if quick else 6, missing, quick, rows) if "runners" in groups else None
        self.benches = MeasuredBenches(1 if quick else 6, missing, quick) if "benches" in groups else None
        self.pools = MeasuredPools(1 if quick else 6, missing, quick) if "pools" in groups else None
        self.minutes = (time.monotonic() - start) / 60
        self.end = load()

    def how(self):
        there = [(name, version(line)) for name, needs, line in VERSIONS if needs not in self.missing]
        absent = [f"{name}: not installed, {self.missing[needs]}" for name, needs, _ in VERSIONS if needs in self.missing]
        return "\n".join([
            f"- Machine: {machine()}. Load averages over 1, 5 and 15 minutes: {self.begin} at the beginning, "
            f"{self.end} after {self.minutes:.0f} minutes at the end.",
            "- Versions: " + ", ".join(f"{name} {number}" for name, number in there) + ".",
        ] + [f"- {line}." for line in absent])

    def page(self):
        parts = ["## Setup\n\n" + self.how()]
        if self.pools:
            parts.append("## Pools\n\n" + self.pools.page())
        if self.runners:
            parts.append("## Runners\n\n" + self.runners.page())
        if self.benches:
            parts.append("## Benchmark tools\n\n" + self.benches.page())
        return "\n\n".join(parts)

    def summary(self):
        """Makes the tables of the page Costs."""
        load = f"Load averages were {self.begin} at the beginning and {self.end} at the end."
        return "\n\n".join([load, self.pools.summary(), self.runners.summary()])


def main():
    parser = argparse.ArgumentParser(prog="scripts/compare-peers")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=["pools", "runners", "benches"])
    parser.add_argument("--row", action="append", choices=list(ROWS))
    arguments = parser.parse_args()
    if arguments.row:
        arguments.only = ["runners"]
    lines = (BUILT / "missing").read_text().splitlines()
    missing = dict(line.split("\t", 1) for line in lines)
    comparison = Comparison(arguments.only or ["pools", "runners", "benches"], arguments.quick, missing, arguments.row)
    if arguments.quick or arguments.only:
        print(comparison.page())
    else:
        replace(ARTICLES / "Peers.md", "peers", comparison.page())
        replace(ARTICLES / "Costs.md", "peers", comparison.summary())


main()
