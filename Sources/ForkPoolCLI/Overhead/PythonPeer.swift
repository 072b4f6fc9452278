import Glibc

/// Python's multiprocessing.Pool, where python3 is there: it makes a pool, maps and closes it, as a one-shot map does.
struct PythonPeer {
    /// Python's version, as it prints it.
    let version: String

    private static let script = """
        import multiprocessing as m, sys, time
        def same(x): return x
        def big(x): return bytes(1 << 20)
        def nap(x): time.sleep(0.1)
        ROWS = {'map2': (2, same, range(2)), 'million': (2, same, range(1000000)), 'results': (2, big, range(200)),
                'sleep5': (5, nap, range(10)), 'sleep10': (10, nap, range(10))}
        if __name__ == '__main__':
            workers, body, items = ROWS[sys.argv[1]]
            start = time.perf_counter()
            with m.get_context('fork').Pool(workers) as pool:
                pool.map(body, items, chunksize=1 if body is nap else None)
            print(time.perf_counter() - start)
        """

    /// Finds python3, or returns nil.
    init?() {
        unsafe setenv("FORKPOOL_PYTHON", Self.script, 1)
        guard let version = Self.output(of: "python3 --version 2>/dev/null"), version.hasPrefix("Python") else {
            return nil
        }
        self.version = String(version.dropFirst("Python ".count))
    }

    /// Runs one row in a fresh interpreter, whose start is not counted, and returns the seconds that it printed.
    func measure(_ row: String) throws -> Double {
        guard let text = Self.output(of: "exec python3 -c \"$FORKPOOL_PYTHON\" \(row)"), let seconds = Double(text)
        else {
            throw OverheadError.python(row)
        }
        return seconds
    }

    /// The first line that a command of the shell prints.
    private static func output(of command: String) -> String? {
        guard let stream = unsafe popen(command, "re") else { return nil }
        var line = [CChar](repeating: 0, count: 256)
        let read = unsafe fgets(&line, Int32(line.count), stream)
        let status = unsafe pclose(stream)
        guard unsafe read != nil, status == 0 else { return nil }
        return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
