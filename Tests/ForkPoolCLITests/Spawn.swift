import Foundation
import Glibc
import Testing

/// Starts a `forkpool`, or a command with one in it, as a shell would.
enum Spawn {
    /// Starts a program as the first of a process group, without input; whatever the tests' runner ignores or blocks, it
    /// begins with no signal blocked and none ignored.
    ///
    /// - Parameters:
    ///   - words: The program's file and its arguments.
    ///   - environment: All of its environment, as `NAME=value`.
    ///   - output: Where its standard output goes.
    ///   - errors: Where its standard error goes.
    ///   - ignored: The one signal that it begins with ignored.
    /// - Returns: Its process id, which is also that of its group.
    /// - Throws: What the system refused.
    static func start(
        _ words: [String], environment: [String], output: Int32, errors: Int32, ignoring ignored: Int32? = nil
    ) throws -> pid_t {
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
        try #require(error == 0, "posix_spawn \(words[0]): errno \(error)")
        return child
    }

    /// The command, which is built beside the test bundle.
    static func binary() throws -> String {
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = bundle.deletingLastPathComponent().appendingPathComponent("forkpool").path
        try #require(FileManager.default.isExecutableFile(atPath: beside), "no \(beside): swift build makes it")
        return beside
    }
}
