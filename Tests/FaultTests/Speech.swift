// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc

/// What a body prints and does then.
indirect enum Speech: Codable, Sendable {
    /// The line of a number, by several calls of `print`.
    case line(Int)
    /// The line of a number, to standard error.
    case error(Int)
    /// Text without an end of line.
    case part(String)
    /// Lines that several threads print at once.
    case threads([Int])
    /// The lines of a one-shot map in the body, after text that belongs before them.
    case map([Int])
    /// A line in a buffer that the body sets, which it flushes itself.
    case ownBuffer(Int)
    /// The line of a number, to a stream that the body opens for a file and leaves open.
    case file(String, Int)
    /// Has another thread hold a stream for ever, for which there is text.
    case held
    case both(Speech, then: Speech)
    case act(Deed)

    /// The line of a number; the lines differ in length, and some are longer than what a pipe takes at once.
    static func text(_ number: Int) -> String {
        "line \(number) " + String(repeating: "ab", count: number % 50 == 7 ? 5000 : 1 + number % 40) + " end"
    }

    func perform() throws -> Int {
        switch self {
        case .line(let number):
            let words = Self.text(number).split(separator: " ")
            for word in words.dropLast() { print(word, terminator: " ") }
            print(words.last!)
        case .error(let number): unsafe fputs(Self.text(number) + "\n", StandardOutput.errors)
        case .part(let text): print(text, terminator: "")
        case .threads(let numbers): Threads.run(numbers.count) { print(Self.text(numbers[$0])) }
        case .map(let numbers):
            print("before", terminator: " ")
            try ForkPool(workers: 2).forEach(numbers) { print(Self.text($0)) }
            print("after")
        case .ownBuffer(let number):
            unsafe setvbuf(StandardOutput.stream, .allocate(capacity: 1 << 16), _IOFBF, 1 << 16)
            // By one call: after a change of its mode glibc writes what the first call left before the second one.
            unsafe fputs(Self.text(number) + "\n", StandardOutput.stream)
            unsafe fflush(StandardOutput.stream)
        case .file(let path, let number):
            unsafe fputs(Self.text(number) + "\n", fopen(path, "a"))
        case .held:
            nonisolated(unsafe) let stream = unsafe fopen("/dev/null", "w")!
            unsafe fputs("held", stream)
            let held = PidPipe()
            Process.onThread {
                unsafe flockfile(stream)
                held.send()
                Process.sleepForEver()
            }
            _ = held.receive()
        case .both(let first, let second):
            _ = try first.perform()
            return try second.perform()
        case .act(let deed): return try deed.perform()
        }
        return 0
    }
}

/// Prints what its item is; as a job it prints when its worker begins and ends, too.
struct Speaker: PlainJob {
    typealias Input = Speech
    typealias Output = Int

    func setUp() async throws { print("set up") }
    func act(_ speech: Speech) throws -> Int { try speech.perform() }
    func tearDown() async { print("torn down") }
}

/// The standard output of a test's own process, which leads somewhere else meanwhile.
final class StandardOutput {
    enum Target: CaseIterable {
        case pipe
        /// With the offset that all processes share, not at its end by itself.
        case file
    }

    private let reading: Int32
    private let before: Int32

    /// The stream, which Swift takes for a variable that any thread may change.
    static var stream: UnsafeMutablePointer<FILE> {
        unsafe dlsym(nil, "stdout")!.load(as: UnsafeMutablePointer<FILE>.self)
    }
    /// Standard error.
    static var errors: UnsafeMutablePointer<FILE> {
        unsafe dlsym(nil, "stderr")!.load(as: UnsafeMutablePointer<FILE>.self)
    }

    /// Gives the stream the buffer that a program has whose output is no terminal; a test has it write each line.
    static func buffer() {
        unsafe fflush(stream)
        unsafe setvbuf(stream, nil, _IOFBF, 4096)
    }

    init(_ target: Target) {
        Self.buffer()
        before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        var writing: Int32
        switch target {
        case .pipe:
            var ends: [Int32] = [-1, -1]
            _ = unsafe pipe(&ends)
            (reading, writing) = (ends[0], ends[1])
            _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        case .file:
            var name = Array("/tmp/forkpool-output-XXXXXX".utf8CString)
            writing = unsafe mkstemp(&name)
            reading = unsafe open(name, O_RDONLY | O_CLOEXEC)
            _ = unsafe unlink(name)
        }
        precondition(reading >= 0 && dup2(writing, STDOUT_FILENO) >= 0, "no output: errno \(errno)")
        close(writing)
    }

    /// Has standard output lead to a descriptor; -1 closes it.
    init(to descriptor: Int32) {
        Self.buffer()
        reading = -1
        before = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        _ = descriptor < 0 ? close(STDOUT_FILENO) : dup2(descriptor, STDOUT_FILENO)
    }

    deinit {
        dup2(before, STDOUT_FILENO)
        close(before)
        if reading >= 0 { close(reading) }
    }

    /// What was written since it was last asked.
    func text() -> String {
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let length = unsafe read(reading, &part, part.count)
            guard length > 0 else { return String(decoding: text, as: UTF8.self) }
            text += part[..<length]
        }
    }

    /// The same as lines, in the order of the alphabet: workers write in any order.
    func lines() -> [String] {
        let lines = text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return (lines.last == "" ? lines.dropLast() : lines + ["(no end of line)"]).sorted()
    }
}
