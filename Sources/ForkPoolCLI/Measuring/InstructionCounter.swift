// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// What counts the instructions of a command.
enum InstructionCounter: Sendable, Equatable {
    /// The processor.
    case processor
    /// callgrind, which simulates the processor: the path of valgrind.
    case callgrind([UInt8])

    /// The reason why nothing can count instructions here.
    struct Missing: Error {
        /// Why the processor does not.
        let refusal: SystemError

        var sentence: String {
            let reason =
                switch refusal.code {
                case EACCES, EPERM:
                    "this process may not use the processor's counter (/proc/sys/kernel/perf_event_paranoid is "
                        + "\(TextFile.line("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"), 2 is enough)"
                default: "this machine has no counter for them (\(systemMessage(refusal.code)))"
                }
            return
                "instructions cannot be counted: \(reason), and there is no valgrind in PATH, whose callgrind counts "
                + "them anywhere; install it (Debian's package valgrind), or use --metric cpu"
        }
    }

    /// Finds a counter: that of the processor, or else callgrind.
    static func find() throws(Missing) -> InstructionCounter {
        do throws(SystemError) {
            _ = try EventCounter(.instructions)
            return .processor
        } catch {
            var search = ProgramSearch()
            guard let path = try? search.find(Array("valgrind".utf8)) else { throw Missing(refusal: error) }
            return .callgrind(path)
        }
    }

    /// The program that counts the instructions of another; nil if none does.
    var path: [UInt8]? {
        if case .callgrind(let path) = self { path } else { nil }
    }

    /// The name in documents.
    var name: String { self == .processor ? "processor" : "callgrind" }

    /// A sentence for the report.
    var sentence: String {
        "Instructions are counted by \(self == .processor ? "the processor" : "callgrind"), in the command and its "
            + "children, outside of the kernel. They are not time: a miss of a cache and a wait cost none."
    }
}

/// The log of valgrind for one run: its processes write it into a pipe, and it has the count of each.
struct CallgrindLog {
    let pipe: OutputPipe

    /// Makes the pipe.
    ///
    /// - Throws: What the system refused.
    init() throws(SystemError) {
        pipe = try OutputPipe(keeping: .max)
    }

    /// The words that run a program under callgrind.
    ///
    /// valgrind opens the pipe by its name in /proc, also in each child that the program starts.
    func words(_ program: Program) -> [[UInt8]] {
        [
            "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=yes",
            "--log-file=/proc/\(getpid())/fd/\(pipe.target)",
        ].map { Array($0.utf8) } + [program.path] + program.arguments.dropFirst()
    }

    /// The instructions of all processes; nil if none was counted.
    var count: Int? {
        pipe.drain()
        return Self.count(in: String(decoding: pipe.bytes, as: UTF8.self))
    }

    /// Adds the counts in a log: lines such as `==42== Collected : 130757`.
    static func count(in log: String) -> Int? {
        let counts = log.split(separator: "\n").compactMap { line -> Int? in
            let words = line.split(separator: " ")
            guard words.count == 4, words[1] == "Collected", words[2] == ":" else { return nil }
            return Int(words[3])
        }
        return counts.isEmpty ? nil : counts.reduce(0, +)
    }

    /// Makes runs repeatable whose order of hashing is random, unless the environment says otherwise (`setenv`).
    static func fixHashing() {
        for (name, value) in [("PYTHONHASHSEED", "0"), ("PERL_HASH_SEED", "0"), ("PERL_PERTURB_KEYS", "0")] {
            unsafe setenv(name, value, 0)
        }
    }
}
#endif
