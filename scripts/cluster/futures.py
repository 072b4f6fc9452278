# SPDX-License-Identifier: Apache-2.0
"""Measures mpi4py.futures for scripts/cluster/figures: mpirun python -m mpi4py.futures futures.py ROW"""

import sys
import time

from mpi4py.futures import MPIPoolExecutor


def nothing(item):
    return item


def wait(item):
    time.sleep(0.005)
    return item


def seconds(pool, body, count, chunk):
    start = time.perf_counter()
    results = list(pool.map(body, range(count), chunksize=chunk))
    took = time.perf_counter() - start
    assert results == list(range(count))
    return took


def main():
    row = sys.argv[1]
    with MPIPoolExecutor() as pool:
        seconds(pool, nothing, 100, 1)
        if row == "chunk":
            print(f"{sorted(seconds(pool, nothing, 2000, 1) for _ in range(5))[2] / 2000 * 1e6:.0f}")
        elif row == "waits":
            workers = int(sys.argv[2])
            print(f"{seconds(pool, wait, 3000, 1) / (3000 * 0.005 / workers):.2f}")
        elif row == "million":
            print(f"{sorted(seconds(pool, nothing, 1_000_000, 4096) for _ in range(3))[1]:.2f}")


if __name__ == "__main__":
    main()
