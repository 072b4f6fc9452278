// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Chapter 6: reads and digests all files below a folder.
struct FilesChapter {
    /// Digests a folder, and prints the results.
    ///
    /// - Parameters:
    ///   - folder: The open folder.
    ///   - name: The name that the user gave.
    ///   - source: The kind of workers.
    ///   - printer: Prints the chapter.
    /// - Returns: The chapter as JSON, and whether everything was read and equal.
    /// - Throws: `ForkPool.Failure` if the whole pool fails.
    static func run(
        _ folder: SharedFolder,
        named name: String,
        _ source: TourWorkers,
        _ printer: TourPrinter
    ) throws(ForkPool.Failure) -> (json: JSON, isWhole: Bool) {
        printer.chapter(6, "A real job")
        let title = name == "." ? "the working folder" : printable(name)
        printer.prose(
            """
            The pool reads and digests (XXH64) every regular file below \(title), then a loop does, then the pool
            again, because the first reading may have to wait for the disk. A file that cannot be read fails
            alone; all others are read.
            """
        )
        printer.code(
            source == .resident
                ? """
                let digester = try ForkPool().resident { (file: File) in try digest(file) }
                let digests = digester.mapResults(files)
                """
                : """
                let digests = ForkPool().mapResults(files) { file in try digest(file) }
                """
        )
        let digest = try FolderDigest(folder, source)
        for failure in digest.failures {
            StandardError.report("\(path(failure.path, in: name)): \(failure.error.sentence)")
        }
        printer.result("\(counted(digest.files, "file")), \(byteSize(digest.bytes))")
        showTimes(digest, printer)
        showRest(digest, printer)
        return (json(digest, name), digest.failures.isEmpty)
    }

    private static func showTimes(_ digest: FolderDigest, _ printer: TourPrinter) {
        guard digest.files > 0 else { return }
        if let start = digest.startSeconds {
            printer.result("\(counted(digest.workers, "worker")) start", seconds: start)
        }
        let workers = counted(digest.workers, "worker")
        let rows = [
            ("\(workers), first reading:", digest.firstSeconds),
            ("a loop:", digest.loopSeconds),
            ("\(workers) again:", digest.poolSeconds),
        ]
        for (label, seconds) in rows {
            let rate = digest.rate(seconds).map { "\(right(fixed($0, 1), 10)) MB/s" } ?? ""
            printer.result(left(label, 28) + rate, seconds: seconds)
        }
    }

    private static func showRest(_ digest: FolderDigest, _ printer: TourPrinter) {
        let walk = digest.walk
        if walk.links > 0 {
            printer.result("left out: \(counted(walk.links, "symbolic link")), not followed")
        }
        if walk.specials > 0 {
            printer.result("left out: \(counted(walk.specials, "special file")) (device, socket, FIFO), not opened")
        }
        if !digest.failures.isEmpty {
            printer.result("\(counted(digest.failures.count, "failure")), named on standard error")
        }
        guard digest.files > 0 else { return printer.result("no file was read, so there is nothing to compare") }
        printer.result(
            digest.matches
                ? "the digests of pool and loop are equal, file by file"
                : "the digests of pool and loop differ: see the failures"
        )
        printer.result("one digest over all of them: \(hexadecimal(digest.hash))")
        if digest.poolSeconds > digest.loopSeconds {
            printer.part("\n")
            printer.prose(
                """
                The loop was faster: with so little to read, workers cost more than they save. Try a larger folder.
                """
            )
        }
    }

    private static func json(_ digest: FolderDigest, _ name: String) -> JSON {
        let failures = digest.failures.map { failure in
            JSON.object([
                ("path", .string(path(failure.path, in: name))),
                ("reason", .string(failure.error.sentence)),
            ])
        }
        let more: [(String, JSON)] = [
            ("folder", .string(name)),
            ("files", .integer(digest.files)),
            ("bytes", .integer(digest.bytes)),
            ("workers", .integer(digest.workers)),
            ("mb_per_s", rate(digest, digest.poolSeconds)),
            ("first_seconds", .seconds(digest.firstSeconds)),
            ("first_mb_per_s", rate(digest, digest.firstSeconds)),
            ("sequential_seconds", .seconds(digest.loopSeconds)),
            ("sequential_mb_per_s", rate(digest, digest.loopSeconds)),
            ("digest", .string(hexadecimal(digest.hash))),
            ("matches", .bool(digest.matches)),
            ("skipped_links", .integer(digest.walk.links)),
            ("skipped_special", .integer(digest.walk.specials)),
            ("failures", .array(failures)),
        ]
        return .chapter(
            6, "files", digest.poolSeconds, [digest.files, digest.bytes], more + JSON.start(digest.startSeconds))
    }

    private static func rate(_ digest: FolderDigest, _ seconds: Double) -> JSON {
        digest.rate(seconds).map { .number(($0 * 10).rounded() / 10) } ?? .null
    }

    /// Puts the folder's name before a path below it; bytes that are not UTF-8 are shown as U+FFFD.
    private static func path(_ path: [UInt8], in folder: String) -> String {
        let below = String(decoding: path, as: UTF8.self)
        if below.isEmpty { return folder }
        return folder.hasSuffix("/") ? folder + below : "\(folder)/\(below)"
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
#endif
