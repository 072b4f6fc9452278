// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The work of chapter 6: digests every file below a folder in a pool, in a loop, and in the pool again.
///
/// The first reading loads the files from the disk into the page cache, so only the second time of the pool can be
/// compared with that of the loop.
struct FolderDigest {
    /// The files that the walk found.
    let walk: FolderWalk
    /// The files that could not be read or compared, and the failures of the walk.
    private(set) var failures: [FileFailure]
    /// How many files all readings could read, and their size in bytes.
    private(set) var files = 0
    private(set) var bytes = 0
    /// A digest of all paths and all digests.
    var hash: UInt64 { all.digest }
    private var all = XXH64()
    let workers: Int
    /// The seconds to start resident workers; nil if each map forks its own.
    let startSeconds: Double?
    /// The seconds of the first reading, by the pool.
    let firstSeconds: Double
    /// The seconds of the second reading, by the loop.
    let loopSeconds: Double
    /// The seconds of the third reading, by the pool.
    let poolSeconds: Double

    /// Whether all digests of each file are equal.
    var matches: Bool { !failures.contains { $0.error == .differs } }

    /// Walks the folder, digests its files three times, and compares the digests.
    ///
    /// - Throws: `ForkPool.Failure` if the whole pool fails; a file that fails is in `failures`.
    init(_ opened: SharedFolder, _ source: TourWorkers, pool: ForkPool = ForkPool()) throws(ForkPool.Failure) {
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
                first.value[index].mapError(\.fileError), looped.value[index],
                second.value[index].mapError(\.fileError),
            ]
            compare(file, readings)
        }
        failures.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// Computes the megabytes per second of a reading; nil if no byte was read.
    func rate(_ seconds: Double) -> Double? {
        bytes > 0 && seconds > 0 ? Double(bytes) / 1e6 / seconds : nil
    }

    /// Makes the function that digests files in the pool.
    private static func reader(
        below opened: SharedFolder, _ source: TourWorkers, _ pool: ForkPool, _ progress: Progress
    ) throws(ForkPool.Failure) -> ([FoundFile]) -> [Result<FileDigest, ForkPool.Failure>] {
        // Made before the fork, so that each worker has its own buffer.
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
    ) -> (value: [Result<FileDigest, FileError>], seconds: Double) {
        let progress = Progress("reading one after another", of: files.count)
        defer { progress.end() }
        var reader = FileReader()
        return timed {
            files.map { file in
                defer { progress.step() }
                return Result { () throws(FileError) in try reader.digest(file, below: folder) }
            }
        }
    }

    private mutating func compare(_ file: FoundFile, _ readings: [Result<FileDigest, FileError>]) {
        do throws(FileError) {
            var digest = try readings[0].get()
            for reading in readings.dropFirst() { digest = try digest.agreed(with: reading.get()) }
            files += 1
            bytes += digest.bytes
            all.update(file.path.span)
            all.update(([0] + Self.littleEndian(digest.hash)).span)
        } catch {
            failures.append(FileFailure(path: file.path, error: error))
        }
    }

    private static func littleEndian(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
}

extension ForkPool.Failure {
    /// The error that the reading threw in its worker, or how the worker ended.
    fileprivate var fileError: FileError {
        thrown?.decode(as: FileError.self) ?? .worker(message)
    }
}
#endif
