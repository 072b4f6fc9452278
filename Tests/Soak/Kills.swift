// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization

/// Kills a random worker each millisecond: every result is right and comes once.
enum Kills {
    private static let workers = 4
    /// An unlucky item of a million needs about 13 attempts.
    ///
    /// That is when every third attempt is hit, on a machine so busy that a good part of a millisecond passes with each
    /// attempt. With 40 attempts no soak meets an item that runs out.
    private static let options = ForkPool.Options(retries: 40)

    static func run(_ setting: Setting) -> String {
        let most = setting.pick(short: 30_000, long: 1_000_000)
        let board = Board(items: most)
        Board.current = board
        var tally = Tally()
        for (number, kind) in Kind.allCases.enumerated() {
            // A worker by exec lives hardly longer than it takes to start.
            let count = kind == .exec ? most / 5 : most
            tally.add(kind, "map", count, board, setting.dice(2 * number)) { () throws(ForkPool.Failure) in
                try kind.map(count, workers: workers, options)
            }
            tally.add(kind, "stream", count, board, setting.dice(2 * number + 1)) { () throws(ForkPool.Failure) in
                try kind.stream(count, workers: workers, options)
            }
        }
        tally.add(.oneShot, "map to strings", most, board, setting.dice(99)) { () throws(ForkPool.Failure) in
            let texts = try ForkPool(workers: workers, options: options).map(0..<most, Work.text)
            for item in 0..<most where texts[item] != "item \(Work.expected(item))" {
                violation("item \(item) became \(texts[item])")
            }
        }
        return tally.description
    }

    private struct Tally: CustomStringConvertible {
        var items = 0
        var kills = 0
        var again = 0
        var most = 0

        /// Runs `work` while workers are killed, and counts how often each item was begun.
        mutating func add(
            _ kind: Kind, _ how: String, _ count: Int, _ board: Board, _ dice: Dice,
            _ work: () throws(ForkPool.Failure) -> Void
        ) {
            board.clear()
            // Only these pools have workers as children; the others' are children of a template.
            let hasChildren = kind == .exec || kind == .oneShot && how != "stream"
            let killer = Killer(board, workers, hasChildren: hasChildren, dice)
            do throws(ForkPool.Failure) { try work() } catch { violation("\(kind) \(how): \(error)") }
            let done = killer.stop()
            let counts = board.counts.prefix(count)
            expect(!board.isInconsistent, "\(kind) \(how): an item was begun more often than its attempts say")
            if let item = counts.firstIndex(of: 0) { violation("\(kind) \(how): item \(item) was never begun") }
            let extra = counts.reduce(0, +) - count
            expect(extra <= done, "\(kind) \(how): \(done) kills cost \(extra) attempts")
            items += count
            kills += done
            again += extra
            most = max(most, counts.max()!)
        }

        var description: String {
            "\(grouped(items)) items in \(Kind.allCases.count) kinds of pools by maps and streams, 0 wrong, "
                + "\(grouped(kills)) kills, \(grouped(again)) attempts beyond the first, at most \(most) for an item"
        }
    }
}

/// Kills a random worker about each millisecond.
///
/// Mostly the worker has begun an item since the last kill in its slot: a pool gives up if workers die again and again
/// before they begin anything. Now and then it is any process that is a worker or may become one.
final class Killer: Sendable {
    private let kills: Mutex<Int> = Mutex(0)
    private let thread: Mutex<Background?> = Mutex(nil)

    init(_ board: Board, _ workers: Int, hasChildren: Bool, _ dice: Dice) {
        let token = unsafe String(cString: getenv(Processes.soakVariable))
        let started = Background { [self] background in
            var dice = dice
            // Kill an idle process only after a worker with an item: a pool may give up if its workers never begin.
            var mayBeIdle = false
            while background.goesOn {
                nap(microseconds: Int.random(in: 0...1900, using: &dice))
                let isAny = Int.random(in: 0..<8, using: &dice) == 0 && mayBeIdle
                let first = Int.random(in: 0..<workers, using: &dice)
                let taken =
                    isAny
                    ? Self.candidates(hasChildren).randomElement(using: &dice) : board.take(from: first, workers)
                guard let pid = taken else { continue }
                // The process may have ended, and another may have its id.
                guard Processes.has(pid, Processes.soakVariable, token), kill(pid, SIGKILL) == 0 else { continue }
                mayBeIdle = !isAny
                kills.withLock { $0 += 1 }
            }
        }
        thread.withLock { $0 = started }
    }

    /// Every process that is a worker or may become one.
    private static func candidates(_ hasChildren: Bool) -> [Int32] {
        hasChildren ? Processes.children : Processes.children.flatMap(Processes.children(of:))
    }

    /// Ends the killing; returns how many were killed.
    func stop() -> Int {
        thread.withLock { $0.take() }?.stop()
        return kills.withLock { $0 }
    }
}
