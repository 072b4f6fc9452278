// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization

/// The length of a soak, and the seed of its dice.
struct Setting {
    var isLong: Bool
    var seed: UInt64

    /// Dice that fall the same way for the same seed and salt.
    func dice(_ salt: Int = 0) -> Dice { Dice(state: seed &+ UInt64(salt) &* 0x9E37_79B9_7F4A_7C15) }

    func pick(short: Int, long: Int) -> Int { isLong ? long : short }
}

/// Sleeps for a random moment; nothing relies on how long it takes.
func nap(microseconds: Int) {
    usleep(UInt32(max(microseconds, 0)))
}

/// The monotonic clock, in nanoseconds.
func monotonic() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Writes a line at once, past every buffer that a fork could copy.
func say(_ text: String, to descriptor: Int32 = 1) {
    var bytes = Array((text + "\n").utf8)
    _ = unsafe write(descriptor, &bytes, bytes.count)
}

/// Ends the round: a promise does not hold.
func violation(_ text: String) -> Never {
    say("soak: violated: \(text)", to: 2)
    _exit(1)
}

func expect(_ isTrue: Bool, _ text: @autoclosure () -> String) {
    if !isTrue { violation(text()) }
}

/// A thread that does something again and again until it is told to stop.
final class Background: Sendable {
    private let isOver = Atomic(false)
    private let thread: Mutex<pthread_t?> = Mutex(nil)

    init(_ work: @escaping @Sendable (Background) -> Void) {
        let started = Threads.start { [self] in work(self) }
        thread.withLock { $0 = started }
    }

    var goesOn: Bool { !isOver.load(ordering: .relaxed) }

    /// Has the thread end, and waits until it has.
    func stop() {
        isOver.store(true, ordering: .relaxed)
        if let started = thread.withLock({ $0.take() }) { pthread_join(started, nil) }
    }
}

/// Functions that Swift's import of glibc hides.
enum Hidden {
    /// Has this process killed when its parent ends.
    static func dieWithParent() {
        typealias Control = @convention(c) (Int32, Int, Int, Int, Int) -> Int32
        let symbol = unsafe dlsym(nil, "prctl")!
        _ = unsafe unsafeBitCast(symbol, to: Control.self)(1, Int(SIGKILL), 0, 0, 0)
    }
}

/// A number in groups of three digits.
func grouped(_ number: Int) -> String {
    var text = ""
    for (offset, digit) in String(number).reversed().enumerated() {
        if offset > 0, offset % 3 == 0 { text = " " + text }
        text = String(digit) + text
    }
    return text
}

/// How often each thing was counted.
func listed(_ counts: [String: Int]) -> String {
    if counts.isEmpty { return "none" }
    return counts.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")
}

/// The name of a failure code.
func name(of code: ForkPool.Failure.Code) -> String {
    String("\(code)".split(separator: ".").last ?? "?").replacing(")", with: "")
}
