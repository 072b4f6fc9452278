# SPDX-License-Identifier: Apache-2.0
"""Python's process pools in the rows of scripts/compare-peers: pools.py POOL ROW COUNT.

Prints the nanoseconds of the row. Checks the results outside of the measured time.
"""

import os
import signal
import sys
import time

WORKERS = 2
MEBIBYTE = 1 << 20
TURNS = 120_000


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


# A class for each pool, made with a number of workers: it maps over range(count), makes a call, and closes.


class Pool:
    def __init__(self, workers):
        import multiprocessing

        self.pool = multiprocessing.get_context("fork").Pool(workers)

    def map(self, body, count, chunk):
        return self.pool.map(body, range(count), chunksize=chunk)

    def call(self, body, x):
        return self.pool.apply(body, (x,))

    def submit(self, body, x):
        return self.pool.apply_async(body, (x,)).get

    def close(self):
        self.pool.close()
        self.pool.join()


class ProcessPoolExecutor:
    def __init__(self, workers):
        import multiprocessing
        from concurrent import futures

        self.pool = futures.ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))

    def map(self, body, count, chunk):
        # The default is 1; the manual advises a large chunk size for long inputs. This is the formula of Pool.
        return list(self.pool.map(body, range(count), chunksize=chunk or -(-count // (4 * WORKERS))))

    def call(self, body, x):
        return self.pool.submit(body, x).result()

    def submit(self, body, x):
        return self.pool.submit(body, x).result

    def close(self):
        self.pool.shutdown()


class loky(ProcessPoolExecutor):
    def __init__(self, workers):
        from loky import ProcessPoolExecutor

        self.pool = ProcessPoolExecutor(workers)


class joblib:
    def __init__(self, workers):
        from joblib import Parallel

        self.pool = Parallel(n_jobs=workers).__enter__()

    def map(self, body, count, chunk):
        from joblib import delayed

        self.pool.batch_size = chunk or "auto"
        return self.pool(delayed(body)(x) for x in range(count))

    def call(self, body, x):
        from joblib import delayed

        return self.pool([delayed(body)(x)])[0]

    submit = None

    def close(self):
        from joblib.externals.loky import get_reusable_executor

        self.pool.__exit__(None, None, None)
        get_reusable_executor().shutdown()


class mpire:
    def __init__(self, workers):
        from mpire import WorkerPool

        self.pool = WorkerPool(workers, start_method="fork", keep_alive=True)

    def map(self, body, count, chunk):
        return self.pool.map(body, range(count), chunk_size=chunk)

    def call(self, body, x):
        return self.pool.apply(body, (x,))

    def submit(self, body, x):
        return self.pool.apply_async(body, (x,)).get

    def close(self):
        self.pool.stop_and_join()


class pebble:
    def __init__(self, workers):
        import multiprocessing
        from pebble import ProcessPool

        self.pool = ProcessPool(workers, context=multiprocessing.get_context("fork"))

    def map(self, body, count, chunk):
        return list(self.pool.map(body, range(count), chunksize=chunk or -(-count // (4 * WORKERS))).result())

    def call(self, body, x):
        return self.pool.schedule(body, (x,)).result()

    def submit(self, body, x):
        return self.pool.schedule(body, (x,)).result

    def close(self):
        self.pool.close()
        self.pool.join()


def timed(work):
    start = time.monotonic_ns()
    result = work()
    return time.monotonic_ns() - start, result


def expect(is_right):
    if not is_right:
        sys.exit("wrong results")


def once(make, body, count, chunk, workers=WORKERS):
    """Makes a pool, maps, and closes it."""

    def work():
        pool = make(workers)
        results = pool.map(body, count, chunk)
        pool.close()
        return results

    return timed(work)


def warm(make, work):
    """Measures the second run of work on a pool."""
    pool = make(WORKERS)
    work(pool)
    nanoseconds, result = timed(lambda: work(pool))
    pool.close()
    return nanoseconds, result


def right_bytes(results, count):
    return len(results) == count and all(len(r) == MEBIBYTE and r[-1] == i for i, r in enumerate(results))


def killed(make):
    """Maps twenty items, one of which kills its worker, and then another item."""
    pool = make(WORKERS)

    def others():
        if pool.submit is None:
            return len(pool.map(same_but_seven, 20, 1))
        results = [pool.submit(same_but_seven, x) for x in range(20)]
        done = 0
        for x, result in enumerate(results):
            try:
                done += result() == x
            except Exception:
                pass
        return done

    try:
        got = others()
    except Exception:
        got = 0
    print(f"got {got}", flush=True)
    try:
        print(f"then {pool.call(same, 0) == 0}", flush=True)
    except Exception as error:
        print(f"then {type(error).__name__}", flush=True)
    os._exit(0)


def main():
    make, row, count = globals()[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    if row == "start" or row == "noops":
        nanoseconds, results = once(make, same, count, None)
        expect(results == list(range(count)))
    elif row == "results":
        nanoseconds, results = once(make, big, count, 1)
        expect(right_bytes(results, count))
    elif row == "sleeps":
        nanoseconds, results = once(make, nap, count, 1, workers=10)
        expect(results == list(range(count)))
    elif row == "compute":
        expect(churn(0, 10_000) == 1043618065)
        sequential, expected = timed(lambda: [churn(x) for x in range(count)])
        nanoseconds, results = warm(make, lambda pool: pool.map(churn, count, 1))
        expect(results == expected)
        nanoseconds = f"{nanoseconds} {sequential}"
    elif row == "warm-call":
        nanoseconds, results = warm(make, lambda pool: [pool.call(same, x) for x in range(count)])
        nanoseconds //= count
        expect(results == list(range(count)))
    elif row == "warm-noops":
        nanoseconds, results = warm(make, lambda pool: pool.map(same, count, None))
        expect(results == list(range(count)))
    elif row == "warm-results":
        nanoseconds, results = warm(make, lambda pool: pool.map(big, count, 1))
        expect(right_bytes(results, count))
    elif row == "killed":
        return killed(make)
    print(nanoseconds)


if __name__ == "__main__":
    main()
