// SPDX-License-Identifier: Apache-2.0
import Dispatch
import ForkPool
import ForkPoolTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

@Suite struct ForkStormTests {
    @Test("E7: forks while other threads allocate, make types, format dates and use Dispatch", arguments: Kind.allCases)
    func storm(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ForkStormScenes.storm(kind) }
    }
}

/// Work that takes the locks of the allocator, the runtime and Foundation.
private enum Labour {
    private struct Left<Inner> {}
    private struct Right<Inner> {}

    /// Has the runtime make a new generic type for each number: nests types as the number's bits say.
    private static func nest<T>(_ type: T.Type, _ path: Int, _ depth: Int) -> Int {
        guard depth > 0 else { return String(describing: type).utf8.count }
        return path & 1 == 0
            ? nest(Left<T>.self, path >> 1, depth - 1) : nest(Right<T>.self, path >> 1, depth - 1)
    }

    static func makeTypes(_ number: Int) -> Bool { nest(Int.self, number, 16) > 16 }

    static func allocate(_ number: Int) -> Bool {
        let words = (0..<20).map { String(repeating: "word \($0 + number) ", count: 1 + $0 * 10) }
        return words.reduce(0) { $0 + $1.utf8.count } > 20
    }

    static func formatDate(_ number: Int) -> Bool {
        var seconds = time_t(number % 1000 * 86_400)
        var parts = unsafe tm()
        unsafe localtime_r(&seconds, &parts)
        let date = Date(timeIntervalSince1970: 86_400 * 200).formatted(.iso8601.year())
        return unsafe parts.tm_year >= 69 && date == "1970"
    }

    static func dispatch(_ number: Int) -> Bool {
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) { _ = allocate(number) }
        group.wait()
        return true
    }
}

/// Allocates, makes types and formats dates, as other threads of its parent did when it was forked.
struct Labouring: PlainJob {
    typealias Input = Int
    typealias Output = Int

    func act(_ item: Int) throws -> Int {
        // Numbers above those of the other threads, so the types are new.
        let isDone = Labour.allocate(item) && Labour.makeTypes(0x8000 | item) && Labour.formatDate(item)
        return isDone ? item * 3 : -1
    }
}

private enum ForkStormScenes {
    /// How many forks a map needs; the variable asks for more.
    private static let forks = unsafe getenv("FORKPOOL_STORM_FORKS").flatMap { unsafe Int(String(cString: $0)) } ?? 300

    /// Runs `work` while four other threads labour without a break.
    private static func amid(_ work: @escaping @Sendable () -> Void) {
        let isOver = Atomic(false)
        let labours: [@Sendable (Int) -> Bool] = [
            Labour.allocate, Labour.makeTypes, Labour.formatDate, Labour.dispatch,
        ]
        _ = withExtendedLifetime(isOver) {
            Threads.run(labours.count + 1) { number in
                if number == labours.count {
                    work()
                    isOver.store(true, ordering: .relaxed)
                    return
                }
                var round = 0
                while !isOver.load(ordering: .relaxed) {
                    if !labours[number](round & 0x7fff) { abort() }
                    round += 1
                    // Pause, so that some forks find no thread in the middle of something.
                    if round % 4 == 0 { usleep(500) }
                }
            }
        }
    }

    static func storm(_ kind: Kind) {
        Scene.setDeadline()
        let options = ForkPool.Options(chunk: .fixed(1), retries: 30, itemsPerWorker: 1)
        let count = kind == .exec ? 20 : forks
        let expected = (0..<count).map { $0 * 3 }
        let pristine = Census.now()
        amid {
            // A resident pool forks its template once in the storm; the template forks the workers.
            for _ in 0..<(kind == .oneShot ? 1 : 4) {
                do throws(ForkPool.Failure) {
                    let pool = try kind.start(Labouring(), options: options)
                    #expect(try pool.map(0..<count) == expected)
                    pool.close()
                } catch {
                    Issue.record(error)
                }
            }
        }
        Scene.expectNothingLeft(since: pristine)
    }
}
