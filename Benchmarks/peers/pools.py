# SPDX-License-Identifier: Apache-2.0
"""Python's process pools in the rows of scripts/compare-peers: pools.py POOL ROW COUNT.

Prints the nanoseconds of the row. Checks the results outside of the measured time.
"""

import os
import sys
import time

from bodies import MEBIBYTE, VALUES, big, churn, nap, same, same_but_seven

WORKERS = 2
STREAM_CHUNK = 1000


# A class for each pool, made with a number of workers: it maps over range(count), makes a call, and closes.


class Pool:
    def __init__(self, workers):
        import multiprocessing

        self.pool = multiprocessing.get_context("fork").Pool(workers)

    def map(self, body, count, chunk):
        return self.pool.map(body, range(count), chunksize=chunk)

    def stream(self, body, count):
        return self.pool.imap(body, range(count), chunksize=STREAM_CHUNK)

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

    def stream(self, body, count):
        return self.pool.map(body, range(count), chunksize=STREAM_CHUNK)

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

    def stream(self, body, count):
        from joblib import delayed

        self.pool.return_generator = True
        self.pool.return_ordered = True
        self.pool.batch_size = STREAM_CHUNK
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

    def stream(self, body, count):
        return self.pool.imap(body, range(count), chunk_size=STREAM_CHUNK)

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

    def stream(self, body, count):
        return self.pool.map(body, range(count), chunksize=STREAM_CHUNK).result()

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
    return cold(make, lambda pool: pool.map(body, count, chunk), workers)


def cold(make, work, workers=WORKERS):
    """Measures work with the start and the close of its pool."""

    def all_of_it():
        pool = make(workers)
        results = work(pool)
        pool.close()
        return results

    return timed(all_of_it)


def cold_and_warm(make, work, is_right):
    """Measures work with the start and the close of its pool, and the second time on a pool that runs."""
    both = []
    for measure in cold, warm:
        nanoseconds, result = measure(make, work)
        expect(is_right(result))
        both.append(str(nanoseconds))
    return " ".join(both)


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
    elif row in VALUES:
        nanoseconds = cold_and_warm(
            make, lambda pool: pool.map(VALUES[row], count, None),
            lambda results: results == [VALUES[row](x) for x in range(count)])
    elif row == "stream":
        nanoseconds = cold_and_warm(
            make, lambda pool: sum(pool.stream(same, count)), lambda result: result == count * (count - 1) // 2)
    elif row == "warm-submit":
        nanoseconds, results = warm(
            make, lambda pool: [get() for get in [pool.submit(same, x) for x in range(count)]])
        expect(results == list(range(count)))
    elif row == "killed":
        return killed(make)
    print(nanoseconds)


if __name__ == "__main__":
    main()
