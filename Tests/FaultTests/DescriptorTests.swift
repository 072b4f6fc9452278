// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct DescriptorTests {
    @Test(
        "G6: a body that changes the flags of, and reads from, each descriptor that it inherited stops no pool",
        arguments: Kind.allCases)
    func flags(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await DescriptorScenes.goesOn(kind, after: [.descriptorFlags, .drain])
        }
    }

    @Test(
        "G6: processes that a body left behind read from each descriptor that it inherited, and stop no pool",
        arguments: Kind.allCases)
    func readers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await DescriptorScenes.goesOn(kind, after: [.leaveReaders])
        }
    }

    @Test(
        "G6: a body that closes each descriptor and opens a file in their place finds no byte but its own in it",
        arguments: Kind.allCases)
    func reopened(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await DescriptorScenes.reopened(kind) }
    }
}

private enum DescriptorScenes {
    static func goesOn(_ kind: Kind, after tamperings: [Tampering]) async {
        await Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool async throws in
            for tampering in tamperings {
                #expect(try await pool.map([.tamper(tampering, then: .give(1)), .give(2)]) == [1, 2])
                for round in 0..<20 { #expect(try await pool.map([.give(round), .nap(2)]) == [round, -1]) }
                // Signals interrupt the waits of the supervisor.
                #expect(await pool.mapResults([.raise(SIGKILL), .give(2)])[0].failure?.signal == SIGKILL)
                #expect(try await pool.map([.give(1), .give(2), .give(3)]) == [1, 2, 3])
            }
        }
    }

    static func reopened(_ kind: Kind) async {
        let path = "/tmp/forkpool-\(getpid())"
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        defer {
            close(file)
            _ = unsafe unlink(path)
        }
        await Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool async throws in
            for round in 0..<50 {
                let results = try await pool.map([.tamper(.reopen(at: path), then: .give(round)), .give(2), .nap(1)])
                #expect(results == [round, 2, -1])
            }
        }
        #expect(lseek(file, 0, SEEK_END) == 0, "bytes of the library are in a file of the body's")
    }
}
