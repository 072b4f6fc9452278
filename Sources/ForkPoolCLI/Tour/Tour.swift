// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import Glibc

/// The verb `forkpool tour`: shows in six chapters, by running code, what a pool does.
struct Tour: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tour", _superCommandName: "forkpool",
        abstract: "See what a pool of processes does, in six short chapters.",
        discussion: """
            Runs real code, and shows its results and times: slow sums in a loop, in a lazy map and in a pool; pure \
            computation; the memory that workers do not share; and a real job, which reads and digests every \
            regular file below the folder in parallel and compares the result with that of a loop. It reads the \
            files three times and writes nothing. It does not follow symbolic links below the folder, nor open \
            devices, sockets and FIFOs.

            With --resident, chapters 3 to 6 use resident pools, whose workers start once and stay. The results \
            are the same; the times do not include the start of the workers, which is shown separately.

            Results go to standard output, everything else to standard error. Colours appear only on a terminal, \
            and not if NO_COLOR is set or TERM is dumb.

            Exit codes:
              0   everything was read, and the answers agree
              1   a file or folder could not be read, or changed meanwhile
              64  the command line is wrong
              66  the folder does not exist, is no folder or cannot be opened
              70  the system refused processes or memory
              74  the results cannot be written
            """
    )

    @Argument(
        help: ArgumentHelp("The folder whose files the last chapter reads.", valueName: "folder"),
        completion: .directory
    )
    var folder = "."

    @Flag(help: "Use resident workers, which start once and stay, instead of new ones for each map.")
    var resident = false

    @Flag(help: "Write one JSON document instead of the chapters.")
    var json = false

    func run() throws {
        // Open it before the first chapter: a misspelt name must not fail only after three seconds.
        let opened = SharedFolder(try open(folder))
        do {
            let isWhole = try runChapters(opened)
            if !isWhole { throw ExitCode(Exit.partial) }
        } catch let failure as ForkPool.Failure {
            // A worker of chapter 5 could not print. This process cannot either, and ends as it does elsewhere.
            if failure.signal == SIGPIPE || failure.exitStatus == Exit.closedPipe { StandardOutput.write("\n") }
            if failure.exitStatus == Exit.output { throw ExitCode(Exit.output) }
            StandardError.report("\(failure)")
            throw ExitCode(Exit.internalError)
        }
    }

    private func open(_ folder: String) throws -> Folder {
        do {
            return try Folder(folder)
        } catch {
            StandardError.report("\(folder.isEmpty ? "\"\"" : folder): \(Self.reason(error))")
            throw ExitCode(Exit.noInput)
        }
    }

    private static func reason(_ problem: FileError) -> String {
        switch problem {
        case .refused(_, ENOENT): "no such folder"
        case .refused(_, ENOTDIR): "not a folder"
        case .refused(_, ELOOP): "a loop of symbolic links, which leads to no folder"
        case .refused(_, let code): "cannot be opened: \(systemMessage(code))"
        default: problem.sentence
        }
    }

    /// Runs all chapters, and returns whether the last one read everything.
    private func runChapters(_ opened: SharedFolder) throws(ForkPool.Failure) -> Bool {
        let printer = TourPrinter(isSilent: json)
        let workers: TourWorkers = resident ? .resident : .forEachMap
        let start = ContinuousClock.now
        printer.prose("A tour of ForkPool: map in worker processes, in six chapters.")
        if resident { printer.prose("Its workers start once in each chapter, and stay.") }
        var chapters = [SlowSumsChapters.loop(printer), SlowSumsChapters.lazily(printer)]
        chapters.append(try SlowSumsChapters.pooled(workers, printer))
        chapters.append(try ComputationChapter.run(workers, printer))
        chapters.append(try MemoryChapter.run(workers, printer))
        let files = try FilesChapter.run(opened, named: folder, workers, printer)
        chapters.append(files.json)
        let seconds = start.secondsSince
        printer.part("\n")
        printer.prose("That was the tour, in \(fixed(seconds, 1)) s. To see what a call costs, run forkpool overhead.")
        if json {
            let document = JSON.object([
                ("version", .string(ForkPoolCommand.version)),
                ("verb", .string("tour")),
                ("resident", .bool(resident)),
                ("seconds", .seconds(seconds)),
                ("processors", .integer(ForkPool.availableProcessors)),
                ("complete", .bool(files.isWhole)),
                ("chapters", .array(chapters)),
            ])
            StandardOutput.write(document.text + "\n")
        }
        return files.isWhole
    }
}
#endif
