// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A program that a test starts like a shell, and waits for.
package struct Spawned {
    /// Its process id, which is also that of its group.
    package let pid: Int32

    /// Starts a program as the leader of a process group, without input.
    ///
    /// Whatever the test runner ignores or blocks, no signal is blocked in the program, and those that end a command are
    /// not ignored.
    ///
    /// - Parameters:
    ///   - words: The program's file and its arguments.
    ///   - environment: All of its environment, as `NAME=value`.
    ///   - output: Where its standard output goes.
    ///   - errors: Where its standard error goes.
    ///   - ignored: The one signal that it begins with ignored.
    /// - Throws: What the system refused.
    package init(
        _ words: [String], environment: [String], output: Int32, errors: Int32, ignoring ignored: Int32? = nil
    ) throws(Refusal) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] where number != ignored { unsafe sigaddset(&signals, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
        if let ignored { signal(ignored, SIG_IGN) }
        defer { if let ignored { signal(ignored, SIG_DFL) } }
        var child: pid_t = 0
        let error = unsafe posix_spawn(&child, words[0], &actions, &attributes, arguments, variables)
        guard error == 0 else { throw Refusal(call: "posix_spawn \(words[0])", code: error) }
        pid = child
    }

    /// Waits for its end; to be called once.
    ///
    /// - Parameters:
    ///   - deadline: The seconds after which its group is killed.
    ///   - descriptor: What is to be read meanwhile, or -1.
    ///   - read: Called when there is something to read.
    /// - Returns: The status that `waitpid` gives, nil if it had to be killed.
    /// - Throws: What the system refused.
    package func end(
        within deadline: Double, reading descriptor: Int32 = -1, _ read: () -> Void = {}
    ) throws(Refusal) -> Int32? {
        let ended = cforkpool_pidfd_open(pid)
        guard ended >= 0 else { throw Refusal(call: "pidfd_open", code: -ended) }
        defer { close(ended) }
        let last = ContinuousClock.now + .seconds(deadline)
        var isInTime = true
        var entries = [ended, descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while entries[0].revents == 0 {
            let left = ContinuousClock.now.duration(to: last) / .milliseconds(1)
            if left <= 0 {
                isInTime = false
                kill(-pid, SIGKILL)
            }
            _ = unsafe poll(&entries, nfds_t(entries.count), left > 0 ? Int32(left) + 1 : 1000)
            if entries[1].revents != 0 { read() }
            // No writer is left.
            if entries[1].revents & Int16(POLLHUP) != 0 { entries[1].fd = -1 }
        }
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, 0) == pid else { throw Refusal(call: "waitpid", code: errno) }
        return isInTime ? status : nil
    }

    /// A call that the system refused.
    package struct Refusal: Error {
        let call: String
        /// The errno.
        let code: Int32
    }
}
