// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization

/// A storm of handled signals, with workers stopped and continued: every result is right.
enum Signals {
    private static let workers = 4
    nonisolated(unsafe) private static var ticks = 0

    static func run(_ setting: Setting) -> String {
        let duration = setting.pick(short: 2, long: 60) * 1_000_000_000
        for number in [SIGALRM, SIGUSR1, SIGCHLD] { signal(number) { _ in unsafe Signals.ticks &+= 1 } }
        let board = Board(items: 0)
        Board.current = board
        setTimer(microseconds: 1000)
        let storm = Storm(board, workers, setting.dice())
        let start = monotonic()
        var dice = setting.dice(1)
        var items = 0
        var uses = 0
        while uses < 2 * Kind.allCases.count || monotonic() - start < duration {
            let kind = Kind.allCases[uses % Kind.allCases.count]
            let count = Int.random(in: 1...3000, using: &dice)
            do throws(ForkPool.Failure) {
                if uses / Kind.allCases.count % 2 == 0 {
                    try kind.map(count, workers: workers, .init())
                } else {
                    try kind.stream(count, workers: workers, .init())
                }
            } catch {
                violation("\(kind) in a storm of signals: \(error)")
            }
            items += count
            uses += 1
        }
        storm.stop()
        setTimer(microseconds: 0)
        expect(unsafe ticks > 100, "no storm of signals was")
        let heard = unsafe grouped(ticks)
        return "\(grouped(items)) items in \(grouped(uses)) maps and streams of \(Kind.allCases.count) kinds, 0 wrong, "
            + "\(heard) signals handled, \(grouped(storm.signals)) sent to workers, \(grouped(storm.stops)) of them stops"
    }

    private static func setTimer(microseconds: Int) {
        var each = itimerval()
        each.it_interval.tv_usec = microseconds
        each.it_value.tv_usec = microseconds
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &each, nil)
    }
}

/// Sends signals to this process and to workers, and stops workers for a while.
private final class Storm: Sendable {
    private let counts: Mutex<(signals: Int, stops: Int)> = Mutex((0, 0))
    private let thread: Mutex<Background?> = Mutex(nil)

    init(_ board: Board, _ workers: Int, _ dice: Dice) {
        let token = unsafe String(cString: getenv(Processes.soakVariable))
        let started = Background { [self] background in
            var dice = dice
            while background.goesOn {
                nap(microseconds: Int.random(in: 0...1900, using: &dice))
                kill(getpid(), Bool.random(using: &dice) ? SIGUSR1 : SIGCHLD)
                guard let pid = board.take(from: Int.random(in: 0..<workers, using: &dice), workers),
                    Processes.has(pid, Processes.soakVariable, token)
                else { continue }
                let stops = Bool.random(using: &dice)
                // A worker by exec has no handlers; it ignores this signal.
                kill(pid, stops ? SIGSTOP : SIGCHLD)
                if stops {
                    nap(microseconds: Int.random(in: 0...3000, using: &dice))
                    kill(pid, SIGCONT)
                }
                counts.withLock { counts in
                    counts.signals += 1
                    if stops { counts.stops += 1 }
                }
            }
        }
        thread.withLock { $0 = started }
    }

    var signals: Int { counts.withLock { $0.signals } }
    var stops: Int { counts.withLock { $0.stops } }

    func stop() {
        thread.withLock { $0.take() }?.stop()
    }
}
