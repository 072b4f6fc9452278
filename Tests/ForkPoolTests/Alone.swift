// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

/// Runs forking code in a process of its own (an exit test), where no other test's thread can hold a lock.
enum Alone {
    /// The seconds after which a scene counts as hanging, on a busy machine and under sanitizers too.
    static let deadline: UInt32 = 600

    /// Runs synchronous code, which selects the blocking overloads; ends the process if it hangs.
    static func run(_ scene: () throws -> Void) {
        alarm(deadline)
        do { try scene() } catch { Issue.record("threw \(error)") }
    }

    /// Runs asynchronous code, which selects the suspending overloads; ends the process if it hangs.
    static func runAsync(_ scene: nonisolated(nonsending) () async throws -> Void) async {
        alarm(deadline)
        do { try await scene() } catch { Issue.record("threw \(error)") }
    }

    /// Whether this process has no child, not even one to reap.
    ///
    /// The thread sanitizer starts a child of its own to name functions, at any time: in its builds this is true.
    /// Other builds check it.
    static var hasNoChild: Bool {
        var info = unsafe siginfo_t()
        return unsafe waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 || isBesideThreadSanitizer
    }

    private static var isBesideThreadSanitizer: Bool { unsafe dlsym(nil, "__tsan_init") != nil }

    /// Waits, in a worker, for a signal that ends it.
    static func waitForEver() -> Never {
        alarm(deadline)
        while true { pause() }
    }
}

/// The shared mappings without a name that this process has: as many lines of /proc/self/smaps as there are.
struct SharedMappings {
    /// Where each begins, and how many bytes of it are in memory and mapped here.
    private(set) var resident: [Substring: Int] = [:]

    /// Looks at this process as it is now.
    static func now() throws -> SharedMappings {
        var mappings = SharedMappings()
        var start: Substring?
        let lines = Files.lines("/proc/self/smaps")
        try #require(!lines.isEmpty)
        for line in lines {
            let words = line.split(separator: " ")
            if words.count >= 5, words[0].contains("-") {
                start = line.contains("/dev/zero") ? words[0].split(separator: "-")[0] : nil
            } else if let start, words.first == "Rss:", let size = Int(words[1]) {
                mappings.resident[start] = size << 10
            }
        }
        return mappings
    }

    /// Those that are not among others.
    func subtracting(_ others: SharedMappings) -> SharedMappings {
        SharedMappings(resident: resident.filter { others.resident[$0.key] == nil })
    }

    /// Bytes in memory, of all of them.
    var residentBytes: Int { resident.values.reduce(0, +) }
}

/// Expects that a process that ended wrote its reason to standard error.
///
/// A release build has no message.
func expectMessage(_ message: String, in result: ExitTest.Result, sourceLocation: SourceLocation = #_sourceLocation) {
    #if DEBUG
    let errors = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(errors.contains(message), sourceLocation: sourceLocation)
    #endif
}
