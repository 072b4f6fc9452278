// SPDX-License-Identifier: Apache-2.0
import CForkPool
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// What Inheritance.md says of descriptors.
@Suite struct InheritanceTests {
    @Test(
        "E: workers share the offset of an open file, and a worker by exec has no such file", arguments: Kind.allCases)
    func offsets(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in InheritanceScenes.offsets(kind) }
    }

    @Test("E: the reader of a pipe sees its end after the end of a forked pool", arguments: Kind.resident)
    func pipes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in InheritanceScenes.pipes(kind) }
    }
}

private enum InheritanceScenes {
    static func offsets(_ kind: Kind) {
        Scene.run {
            let file = unsafe tmpfile()!
            // A number that no descriptor has which a worker by exec opens for itself.
            let descriptor = unsafe fcntl(fileno(file), F_DUPFD, 200)
            #expect(unsafe write(descriptor, "abcdef", 6) == 6 && lseek(descriptor, 0, SEEK_SET) == 0)
            let pool = try kind.start(Performer(), options: .init(chunk: .fixed(1)))
            let bytes = try pool.map(Array(repeating: .readByte(from: descriptor), count: 4))
            pool.close()
            if kind == .exec {
                #expect(bytes.allSatisfy { $0 == -Int(EBADF) }, "\(bytes)")
            } else {
                #expect(bytes.sorted() == Array("abcd".utf8).map(Int.init), "\(bytes)")
                #expect(lseek(descriptor, 0, SEEK_CUR) == 4)
            }
        }
    }

    /// Whether the other end of a pipe is closed everywhere, or will be within so many seconds.
    private static func isAtEnd(_ pipe: PidPipe, within seconds: Int64 = 0) -> Bool {
        var entry = cforkpool_poll(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
        return unsafe cforkpool_ppoll(&entry, 1, seconds * 1_000_000_000) == 1
    }

    static func pipes(_ kind: Kind) {
        Scene.run {
            let pipe = PidPipe()
            let pool = try kind.start(Performer())
            try Scene.answersRight(pool)
            pipe.closeWriting()
            // The guard of a pool begins with a copy of the end, and closes it.
            #expect(isAtEnd(pipe, within: kind == .exec ? 60 : 0) == (kind == .exec))
            pool.close()
            #expect(isAtEnd(pipe))
        }
    }
}
