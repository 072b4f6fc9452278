import ForkPool

/// Does chapter 6, a real job: every file below a folder is digested in the pool, and again in a loop.
///
/// The pool reads twice. The first reading also fetches from the disk what memory does not hold yet, for itself and
/// for the loop after it; only the second one can be compared with the loop's.
struct FolderDigest {
    /// What the walk found.
    let walk: FolderWalk
    /// What could not be read or compared, the walk's own failures included.
    private(set) var failures: [FileFailure]
    /// How many files every reading could read, with their bytes.
    private(set) var files = 0
    private(set) var bytes = 0
    /// One digest of all paths and all files' digests.
    var hash: UInt64 { all.digest }
    private var all = XXH64()
    let workers: Int
    /// How long it took to start workers that stay; nil where each map forks its own.
    let startSeconds: Double?
    /// How long the pool took for the first reading.
    let firstSeconds: Double
    /// How long the loop took for the second reading.
    let loopSeconds: Double
    /// How long the pool took for the third reading.
    let poolSeconds: Double

    /// Whether no file had two digests.
    var matches: Bool { !failures.contains { $0.problem == .differs } }

    /// Walks, digests in a pool, in a loop and in the pool again, and compares.
    ///
    /// - Throws: The failure of the pool as a whole. That of a file is in `failures`.
    init(_ opened: OpenFolder, _ source: TourWorkers, pool: ForkPool = ForkPool()) throws(ForkPool.Failure) {
        let walk = FolderWalk(opened.folder)
        self.walk = walk
        workers = pool.workers
        failures = walk.failures
        let progress = Progress("reading in \(counted(pool.workers, "worker"))", of: walk.files.count)
        let (read, start) = try timed { () throws(ForkPool.Failure) in
            try Self.reader(below: opened, source, pool, progress)
        }
        startSeconds = source == .resident ? start : nil
        let first = timed { read(walk.files) }
        progress.end()
        firstSeconds = first.seconds
        if case .failure(let failure)? = first.value.first, [.forkRefused, .noMemory].contains(failure.code) {
            throw failure
        }
        let looped = Self.looped(walk.files, below: opened.folder)
        loopSeconds = looped.seconds
        let second = timed { read(walk.files) }
        progress.end()
        poolSeconds = second.seconds
        for (index, file) in walk.files.enumerated() {
            let readings = [
                first.value[index].mapError(\.fileProblem), looped.value[index],
                second.value[index].mapError(\.fileProblem),
            ]
            compare(file, readings)
        }
        failures.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// Megabytes a second of a reading; nil where no byte was read.
    func rate(_ seconds: Double) -> Double? {
        bytes > 0 && seconds > 0 ? Double(bytes) / 1e6 / seconds : nil
    }

    /// What digests files in the pool.
    private static func reader(
        below opened: OpenFolder, _ source: TourWorkers, _ pool: ForkPool, _ progress: Progress
    ) throws(ForkPool.Failure) -> ([FoundFile]) -> [Result<FileDigest, ForkPool.Failure>] {
        // Made before the fork: each worker then has a buffer of its own.
        var reader = FileReader()
        let digest = { (file: FoundFile) in
            defer { progress.step() }
            return try reader.digest(file, below: opened.folder)
        }
        switch source {
        case .forEachMap:
            return { pool.mapResults($0, digest) }
        case .resident:
            let resident = try pool.resident(digest)
            return { resident.mapResults($0) }
        }
    }

    private static func looped(
        _ files: [FoundFile],
        below folder: borrowing Folder
    ) -> (value: [Result<FileDigest, FileProblem>], seconds: Double) {
        let progress = Progress("reading one after another", of: files.count)
        defer { progress.end() }
        var reader = FileReader()
        return timed {
            files.map { file in
                defer { progress.step() }
                return Result { () throws(FileProblem) in try reader.digest(file, below: folder) }
            }
        }
    }

    private mutating func compare(_ file: FoundFile, _ readings: [Result<FileDigest, FileProblem>]) {
        do throws(FileProblem) {
            var digest = try readings[0].get()
            for reading in readings.dropFirst() { digest = try digest.agreed(with: reading.get()) }
            files += 1
            bytes += digest.bytes
            all.update(file.path.span)
            all.update(([0] + Self.littleEndian(digest.hash)).span)
        } catch {
            failures.append(FileFailure(path: file.path, problem: error))
        }
    }

    private static func littleEndian(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
}

extension ForkPool.Failure {
    /// What a file's reading threw in its worker, or how the worker ended.
    fileprivate var fileProblem: FileProblem {
        thrown?.decode(as: FileProblem.self) ?? .worker(message)
    }
}
