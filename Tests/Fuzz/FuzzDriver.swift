// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Watches tested processes: finds each crash, hang and wrong answer, and prints how to reproduce it.
struct FuzzDriver {
    /// How long an iteration may take, in milliseconds: far more than any does on a busy machine.
    private static let patience: Int32 = 30_000
    /// The number of findings that ends the run.
    private static let mostFindings = 20

    private let order: FuzzOrder
    private var findings: [String] = []
    private var iterations = 0
    /// The last iteration that the process announced.
    private var current = 0

    /// Runs until the time is over; returns whether nothing was found.
    static func run(_ order: FuzzOrder) -> Bool {
        var driver = FuzzDriver(order: order)
        return driver.run()
    }

    private init(order: FuzzOrder) {
        self.order = order
    }

    private mutating func run() -> Bool {
        say("\(order.mode.rawValue): seed \(order.seed), \(order.seconds) s")
        let end = FuzzOrder.now + Double(order.seconds)
        current = order.iteration ?? 0
        repeat {
            watch(until: end)
            current += 1
        } while order.iteration == nil && FuzzOrder.now < end && findings.count < Self.mostFindings
        say("\(order.mode.rawValue): \(iterations) iterations, \(findings.count) findings, seed \(order.seed)")
        for finding in findings { say("  \(finding)") }
        return findings.isEmpty
    }

    /// Starts one process and watches it to its end.
    private mutating func watch(until end: Double) {
        var pipes: [Int32] = [-1, -1]
        _ = unsafe pipe(&pipes)
        let (reading, writing) = (pipes[0], pipes[1])
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        guard let said = unsafe tmpfile() else { fatalError("no file for what is said") }
        defer { unsafe fclose(said) }
        let process = unsafe start(writing, fileno(said), until: end)
        close(writing)
        var isHanging = false
        while true {
            var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&entry, 1, Self.patience)
            if ready < 0 { continue }
            guard ready > 0 else {
                isHanging = true
                kill(process, SIGKILL)
                break
            }
            var number = 0
            guard unsafe read(reading, &number, 8) == 8 else { break }
            current = number
            iterations += 1
        }
        close(reading)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        unsafe note(status, isHanging: isHanging, fileno(said))
    }

    private func start(_ progress: Int32, _ said: Int32, until end: Double) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, progress, FuzzChild.progress)
        let seconds = max(1, Int(end - FuzzOrder.now))
        let words = [
            "ForkPoolFuzz", order.mode.rawValue, "--child", "--seed", "\(order.seed)", "--seconds",
            order.iteration == nil ? "\(seconds)" : "0", "--iteration", "\(current)",
        ]
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var process: pid_t = 0
        // Without the runtime's crash report, which is slow.
        unsafe setenv("SWIFT_BACKTRACE", "enable=no", 1)
        let error = unsafe posix_spawn(&process, "/proc/self/exe", &actions, nil, &arguments, environ)
        unsafe posix_spawn_file_actions_destroy(&actions)
        guard error == 0 else { fatalError("no process: errno \(error)") }
        return process
    }

    private mutating func note(_ status: Int32, isHanging: Bool, _ said: Int32) {
        guard isHanging || status != 0 else { return }
        let signal = status & 0x7F
        let how = isHanging ? "hangs" : signal != 0 ? "crashes with signal \(signal)" : "answers wrongly"
        say("iteration \(current) \(how): \(order.again(current))")
        findings.append("\(how): \(order.again(current))")
        let length = lseek(said, 0, SEEK_END)
        var text = [UInt8](repeating: 0, count: 700)
        let count = unsafe pread(said, &text, text.count, max(0, length - off_t(text.count)))
        say(String(decoding: text[..<max(0, count)], as: UTF8.self))
    }
}

/// The tested process's side.
enum FuzzChild {
    /// The descriptor on which the process announces each iteration.
    static let progress: Int32 = 9

    /// Runs `iteration` with one number after another until the time is over.
    static func loop(_ order: FuzzOrder, _ iteration: (Int) -> Void) -> Never {
        _ = fcntl(progress, F_SETFD, FD_CLOEXEC)
        let end = FuzzOrder.now + Double(order.seconds)
        var number = order.iteration ?? 0
        repeat {
            var said = number
            _ = unsafe write(progress, &said, 8)
            iteration(number)
            number += 1
        } while FuzzOrder.now < end
        exit(0)
    }

    /// Ends the process because of a wrong answer.
    static func fail(_ message: String) -> Never {
        note(message)
        _exit(1)
    }

    /// Leaves a note, which the driver prints if the process ends badly.
    static func note(_ message: String) {
        _ = unsafe message.withCString { unsafe write(STDERR_FILENO, $0, strlen($0)) }
    }

    /// Limits what the process may have of something.
    static func limit(_ resource: __rlimit_resource, _ most: rlim_t) {
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        _ = unsafe setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    }
}

/// Prints at once, also into a file or pipe.
func say(_ text: String) {
    print(text)
    fflush(nil)
}
