// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs each round in a process of its own, and kills it with its children if it is not done in time.
enum Runner {
    static func run(_ rounds: [Round], _ setting: Setting) {
        say("soak: seed \(setting.seed), \(setting.isLong ? "long" : "short")")
        let start = monotonic()
        for round in rounds { run(round, setting) }
        say("soak: every promise held, \((monotonic() - start) / 1_000_000_000) s")
    }

    private static func run(_ round: Round, _ setting: Setting) {
        let token = "\(getpid())-\(round)-\(setting.seed)"
        unsafe setenv(Processes.soakVariable, token, 1)
        var chosen = sigset_t()
        unsafe sigemptyset(&chosen)
        unsafe sigaddset(&chosen, SIGCHLD)
        unsafe sigprocmask(SIG_BLOCK, &chosen, nil)
        let length = setting.isLong ? ["--long"] : []
        let pid = spawn(["--round", round.rawValue, "--seed", "\(setting.seed)"] + length)
        let status = wait(for: pid, until: monotonic() + round.deadline(setting) * 1_000_000_000, chosen)
        // A process that is being killed stays visible for a moment.
        let deadline = monotonic() + 10_000_000_000
        var left = Processes.all(with: Processes.soakVariable, token)
        while status == 0, !left.isEmpty, monotonic() < deadline {
            nap(microseconds: 1000)
            left = Processes.all(with: Processes.soakVariable, token)
        }
        guard status == 0, left.isEmpty else {
            switch status {
            case nil: say("soak: \(round) hangs:", to: 2)
            case 0?: say("soak: \(round) leaves \(left.count) processes:", to: 2)
            case let status?: say("soak: \(round) ends with status \(status)", to: 2)
            }
            if status == nil || status == 0 { for pid in left { say(Processes.describe(pid), to: 2) } }
            Processes.killAll(with: Processes.soakVariable, token)
            let again = length + ["--seed \(setting.seed)", round.rawValue]
            say("soak: to see it again: scripts/soak \(again.joined(separator: " "))", to: 2)
            exit(1)
        }
    }

    /// Starts this program again, with a quiet signal mask; `descriptor`, if there is one, becomes its number 3.
    static func spawn(_ arguments: [String], descriptor: Int32? = nil) -> Int32 {
        var pid: Int32 = 0
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        if let descriptor { unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, 3) }
        var words = unsafe ([CommandLine.arguments[0]] + arguments).map { unsafe strdup($0) } + [nil]
        let error = unsafe posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &words, environ)
        unsafe words.forEach { unsafe free($0) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        unsafe posix_spawnattr_destroy(&attributes)
        expect(error == 0, "no process: errno \(error)")
        return pid
    }

    /// Waits for a child; returns nil if it has not ended by then.
    private static func wait(for pid: Int32, until end: Int, _ chosen: sigset_t) -> Int32? {
        var status: Int32 = 0
        var chosen = chosen
        while unsafe waitpid(pid, &status, WNOHANG) == 0 {
            let left = end - monotonic()
            guard left > 0 else { return nil }
            var time = timespec(tv_sec: left / 1_000_000_000, tv_nsec: left % 1_000_000_000)
            _ = unsafe sigtimedwait(&chosen, nil, &time)
        }
        return status
    }
}
