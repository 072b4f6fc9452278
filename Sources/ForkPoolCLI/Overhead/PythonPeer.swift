// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// Measures `multiprocessing.Pool` of Python: a new pool for each map, or warm, one pool for many maps.
struct PythonPeer {
    /// The version that Python prints.
    let version: String

    private static let script = """
        import multiprocessing as m, sys, time
        def same(x): return x
        def big(x): return bytes(1 << 20)
        def nap(x): time.sleep(0.1)
        def text(x):
            number = str(x)
            return number + 'x' * (105 - len(number))
        def table(x): return {f'key {i}': x + i for i in range(100)}
        class Record:
            __slots__ = ('id', 'name', 'score', 'tags', 'rank', 'is_active', 'note', 'values')
        def record(x):
            r = Record()
            r.id = x; r.name = f'customer number {x}'; r.score = x / 7; r.tags = ['red', 'green', f'tag {x % 10}']
            r.rank = x if x % 3 else None; r.is_active = x % 2 == 0; r.note = 'called twice' if x % 4 else None
            r.values = [1.0, 2.0, float(x)]
            return r
        ROWS = {'map2': (2, same, range(2)), 'million': (2, same, range(1000000)), 'results': (2, big, range(200)),
                'strings': (2, text, range(100000)), 'tables': (2, table, range(1000)), 'records': (2, record, range(20000)),
                'sleep5': (5, nap, range(10)), 'sleep10': (10, nap, range(10)),
                'crowd 64': (64, same, range(64)), 'crowd 256': (256, same, range(256))}
        WARM = {'call': (1, 100, lambda pool: pool.apply(same, (1,))),
                'call among 256': (256, 100, lambda pool: pool.apply(same, (1,))),
                'warm map2': (2, 100, lambda pool: pool.map(same, range(2))),
                'warm million': (2, 1, lambda pool: pool.map(same, range(1000000))),
                'warm results': (2, 1, lambda pool: pool.map(big, range(200))),
                'warm strings': (2, 1, lambda pool: pool.map(text, range(100000))),
                'warm tables': (2, 1, lambda pool: pool.map(table, range(1000))),
                'warm records': (2, 1, lambda pool: pool.map(record, range(20000))),
                'stream': (2, 1, lambda pool: sum(pool.imap(same, range(1000000), chunksize=1000))),
                'submitted': (2, 1, lambda pool: sum(
                    [call.get() for call in [pool.apply_async(same, (i,)) for i in range(100000)]]))}
        if __name__ == '__main__':
            times = 1
            start = time.perf_counter()
            if sys.argv[1] in ROWS:
                workers, body, items = ROWS[sys.argv[1]]
                with m.get_context('fork').Pool(workers) as pool:
                    pool.map(body, items, chunksize=1 if body is nap else None)
            else:
                workers, times, work = WARM[sys.argv[1]]
                with m.get_context('fork').Pool(workers) as pool:
                    work(pool)
                    start = time.perf_counter()
                    for _ in range(times): work(pool)
            print((time.perf_counter() - start) / times)
        """

    /// Finds python3; nil if there is none.
    init?() {
        unsafe setenv("FORKPOOL_PYTHON", Self.script, 1)
        guard let version = Self.output(of: "python3 --version 2>/dev/null"), version.hasPrefix("Python") else {
            return nil
        }
        self.version = String(version.dropFirst("Python ".count))
    }

    /// Measures a row in a new interpreter; returns the seconds that it printed, without its own start.
    func measure(_ row: String) throws -> Double {
        guard let text = Self.output(of: "exec python3 -c \"$FORKPOOL_PYTHON\" '\(row)'"), let seconds = Double(text)
        else {
            throw OverheadError.python(row)
        }
        return seconds
    }

    /// Returns the first line that a shell command prints; the command ends if this process ends.
    static func output(of script: String) -> String? {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        let command = try? CommandProcess(
            path: "/bin/sh", arguments: ["sh", "-c", script], input: null, output: writing, errors: STDERR_FILENO,
            leadsGroup: false)
        close(writing)
        close(null)
        guard let command, let line = readLine(reading), command.reap().status == 0 else { return nil }
        return line
    }

    /// Reads to the end, and returns the first line; nil if it is empty.
    private static func readLine(_ descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        guard let line = bytes.split(separator: 10, omittingEmptySubsequences: false).first, !line.isEmpty else {
            return nil
        }
        return String(decoding: line, as: UTF8.self)
    }
}
#endif
