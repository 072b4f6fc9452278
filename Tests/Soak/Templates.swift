// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization

/// Kills templates of a resident pool at random moments: calls go on or fail, and none hangs.
enum Templates {
    private static let workers = 3

    static func run(_ setting: Setting) -> String {
        let duration = setting.pick(short: 2, long: 60) * 1_000_000_000
        let board = Board(items: 0)
        Board.current = board
        // Make the forking thread and everything else that a process has once.
        for kind in Kind.allCases { use(kind) }
        var pristine = Census.now
        let tally = Tally()
        var dice = setting.dice()
        let start = monotonic()
        var pools = 0
        var kills = 0
        while monotonic() - start < duration {
            kills += ruin(pools % 2 == 0 ? .residentBody : .residentJob, tally, setting.dice(pools), &dice)
            pools += 1
            Census.expectNothingLeft(since: &pristine, "a pool with killed templates")
        }
        expect(tally.right > 0 && kills > 0, "nothing was tried")
        return "\(grouped(pools)) pools, \(grouped(kills)) templates killed, \(grouped(tally.right)) calls right, "
            + "0 wrong, failed were \(tally.failures), nothing left"
    }

    private static func use(_ kind: Kind) {
        do throws(ForkPool.Failure) {
            try kind.map(20, workers: workers, .init())
        } catch {
            violation("\(kind): \(error)")
        }
    }

    /// Calls a pool from two threads while its templates are killed; returns how many were.
    private static func ruin(_ kind: Kind, _ tally: Tally, _ seed: Dice, _ dice: inout Dice) -> Int {
        // Workers are replaced all the time, so that templates are in the middle of something.
        let options = ForkPool.Options(
            retries: dice.next() % 2 == 0 ? 0 : 20,
            itemsPerWorker: dice.next() % 4 == 0 ? nil : Int(dice.next() % 9) + 1)
        // From before the pool is made: templates are killed while they start, too.
        let killer = TemplateKiller(seed)
        do throws(ForkPool.Failure) {
            guard let pool = try kind.resident(workers: workers, options) else { return 0 }
            let callers = (0..<2).map { number in
                var own = seed
                own.state &+= UInt64(number + 1)
                let first = own
                return Background { background in
                    var dice = first
                    while background.goesOn { tally.call(pool, &dice) }
                }
            }
            nap(microseconds: Int.random(in: 0...100_000, using: &dice))
            killer.stop()
            for caller in callers { caller.stop() }
            if Bool.random(using: &dice) {
                // The pool works again, unless it has ended with a failure that says so.
                for _ in 0..<20 { tally.call(pool, &dice) }
                pool.close()
            } else {
                pool.cancel()
            }
        } catch {
            killer.stop()
            tally.count(error)
        }
        return killer.kills
    }
}

/// Kills templates until it is told to stop.
private final class TemplateKiller: Sendable {
    private let count = Atomic(0)
    private let thread: Mutex<Background?> = Mutex(nil)

    init(_ dice: Dice) {
        let started = Background { [self] background in
            var dice = dice
            while background.goesOn {
                nap(microseconds: Int.random(in: 0...20_000, using: &dice))
                // Templates are the only children of this process.
                guard let template = Processes.children.randomElement(using: &dice) else { continue }
                if kill(template, SIGKILL) == 0 { count.add(1, ordering: .relaxed) }
            }
        }
        thread.withLock { $0 = started }
    }

    var kills: Int { count.load(ordering: .relaxed) }

    func stop() {
        thread.withLock { $0.take() }?.stop()
    }
}

/// Counts outcomes of calls.
private final class Tally: Sendable {
    private let counts: Mutex<(right: Int, codes: [String: Int])> = Mutex((0, [:]))

    var right: Int { counts.withLock { $0.right } }
    var failures: String {
        let codes = counts.withLock { $0.codes }
        return listed(codes)
    }

    func call(_ pool: ForkPool.Resident<Int, Int>, _ dice: inout Dice) {
        let item = Int.random(in: 0..<1000, using: &dice)
        do throws(ForkPool.Failure) {
            if item % 3 == 0 {
                expect(try pool.map(item..<item + 10) == (item..<item + 10).map(Work.expected), "a map is wrong")
            } else {
                expect(try pool(item) == Work.expected(item), "a call is wrong")
            }
            counts.withLock { $0.right += 1 }
        } catch {
            count(error)
        }
    }

    func count(_ failure: ForkPool.Failure) {
        // `forkRefused`: on a busy machine four templates may be killed before one forks.
        let fair: [ForkPool.Failure.Code] = [.killed, .forkRefused]
        expect(fair.contains(failure.code), "a call fails, after the kill of a template, as \(failure)")
        counts.withLock { $0.codes[name(of: failure.code), default: 0] += 1 }
    }
}
