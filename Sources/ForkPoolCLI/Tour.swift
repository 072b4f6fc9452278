import ArgumentParser
import ForkPool
import Glibc

/// The verb `forkpool tour`: what the pool does, told in six chapters that run while they are told.
struct Tour: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tour", _superCommandName: "forkpool",
        abstract: "See in six short chapters what a pool of processes does.",
        discussion: """
            Runs real code and shows what it gave and how long it took: slow sums in a loop, in a lazy map and \
            in a pool; pure computation; the memory that workers do not share; and a real job, which reads and \
            digests every regular file below the folder in parallel and checks the answer against a loop's. It \
            reads the files three times and writes nothing. Symbolic links below the folder are not followed, \
            and devices, sockets and FIFOs not opened.

            With --resident the pools of chapters 3 to 6 are resident ones, whose workers are started once and \
            stay. The results are the same, the times those of workers that are there already; what their start \
            took is shown apart.

            Results go to standard output and everything else to standard error. Colours appear on a terminal \
            only, and not with NO_COLOR set or TERM=dumb.

            Exit codes:
              0   everything was read, and the answers agree
              1   a file or folder below the folder could not be read, or changed meanwhile
              64  the command line is wrong
              66  the folder does not exist, is no folder or cannot be opened
              70  the system refused the pool its processes or memory
              74  the results cannot be written
            """
    )

    @Argument(
        help: ArgumentHelp("The folder whose files the last chapter reads.", valueName: "folder"),
        completion: .directory
    )
    var folder = "."

    @Flag(help: "Map by workers that are started once and stay, instead of anew for each map.")
    var resident = false

    @Flag(help: "Write one JSON document, and no story.")
    var json = false

    func run() throws {
        // Before the first chapter: a misspelt name should not take three seconds to be found.
        let opened = OpenFolder(try open(folder))
        do {
            let isWhole = try tell(opened)
            if !isWhole { throw ExitCode(Exit.partial) }
        } catch let failure as ForkPool.Failure {
            StandardError.complain("\(failure)")
            throw ExitCode(Exit.internalError)
        }
    }

    private func open(_ folder: String) throws -> Folder {
        do {
            return try Folder(folder)
        } catch {
            StandardError.complain("\(folder.isEmpty ? "\"\"" : folder): \(Self.reason(error))")
            throw ExitCode(Exit.noInput)
        }
    }

    private static func reason(_ problem: FileProblem) -> String {
        switch problem {
        case .refused(_, ENOENT): "no such folder"
        case .refused(_, ENOTDIR): "not a folder"
        case .refused(_, ELOOP): "a loop of symbolic links, which leads to no folder"
        case .refused(_, let code): "cannot be opened: \(systemMessage(code))"
        default: problem.sentence
        }
    }

    /// Tells all chapters, and returns whether the last one read everything.
    private func tell(_ opened: OpenFolder) throws(ForkPool.Failure) -> Bool {
        let narrator = Narrator(isSilent: json)
        let workers: TourWorkers = resident ? .resident : .forEachMap
        let start = ContinuousClock.now
        narrator.prose("A tour of ForkPool: map in worker processes, in six chapters.")
        if resident { narrator.prose("Its workers are started once in each chapter, and stay.") }
        var chapters = [SlowSums.loop(narrator), SlowSums.lazily(narrator)]
        chapters.append(try SlowSums.pooled(workers, narrator))
        chapters.append(try Computation.run(workers, narrator))
        chapters.append(try Trap.run(workers, narrator))
        let files = try Files.run(opened, named: folder, workers, narrator)
        chapters.append(files.json)
        let seconds = start.secondsSince
        narrator.part("\n")
        narrator.prose("That was the tour, in \(fixed(seconds, 1)) s. What a call costs: forkpool overhead.")
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
