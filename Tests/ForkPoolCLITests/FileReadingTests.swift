// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("Walking a folder and reading its files")
struct FileReadingTests {
    private static func name(_ path: [UInt8]) -> String { String(decoding: path, as: UTF8.self) }

    @Test("the walk finds regular files, sorted by path, and counts what it leaves out")
    func walk() throws {
        let scratch = try ScratchFolder()
        try scratch.write("abc", to: "b/two")
        try scratch.write("", to: "b/c/three")
        try scratch.write("a", to: "a")
        try scratch.link("b/up", to: "..")
        try scratch.link("dangling", to: "nowhere")
        #expect(unsafe mkfifo(scratch.path + "/fifo", 0o600) == 0)
        let walk = FolderWalk(try Folder(scratch.path))
        #expect(walk.files.map { Self.name($0.path) } == ["a", "b/c/three", "b/two"])
        #expect(walk.files.map(\.size) == [1, 0, 3])
        #expect(walk.links == 2)
        #expect(walk.specials == 1)
        #expect(walk.failures.isEmpty)
    }

    @Test("finds and reads a file whose path is longer than the limit of the system")
    func deeperThanAnyPath() throws {
        let scratch = try ScratchFolder()
        let name = String(repeating: "d", count: 250)
        var folder = unsafe open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for _ in 0..<20 {
            #expect(unsafe mkdirat(folder, name, 0o700) == 0)
            let next = unsafe openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            close(folder)
            folder = next
        }
        let file = unsafe openat(folder, "deep", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        #expect(unsafe write(file, "abc", 3) == 3)
        close(file)
        close(folder)
        let root = try Folder(scratch.path)
        let walk = FolderWalk(root)
        let found = try #require(walk.files.first)
        #expect(found.path.count == 20 * 251 + 4)
        var reader = FileReader()
        #expect(try reader.digest(found, below: root).hash == 0x44BC_2CF5_AD77_0999)
    }

    @Test("a file that vanished, shrank or was replaced fails; of one that grew the old length is read")
    func changedAfterTheWalk() throws {
        let scratch = try ScratchFolder()
        for name in ["gone", "grown", "link", "pipe", "shrunk"] { try scratch.write("abc", to: name) }
        let root = try Folder(scratch.path)
        let files = FolderWalk(root).files
        #expect(files.map { Self.name($0.path) } == ["gone", "grown", "link", "pipe", "shrunk"])
        for name in ["gone", "link", "pipe"] { unsafe unlink(scratch.path + "/" + name) }
        try scratch.link("link", to: "grown")
        #expect(unsafe mkfifo(scratch.path + "/pipe", 0o600) == 0)
        try scratch.write("abcdef", to: "grown")
        try scratch.write("a", to: "shrunk")

        var reader = FileReader()
        #expect(throws: FileError.refused(call: "open", code: ENOENT)) { try reader.digest(files[0], below: root) }
        let grown = try reader.digest(files[1], below: root)
        #expect(grown.bytes == 3)
        #expect(grown.hash == 0x44BC_2CF5_AD77_0999)
        #expect(throws: FileError.refused(call: "open", code: ELOOP)) { try reader.digest(files[2], below: root) }
        #expect(throws: FileError.replaced) { try reader.digest(files[3], below: root) }
        #expect(throws: FileError.shrank(from: 3, to: 1)) { try reader.digest(files[4], below: root) }
        #expect(FileError.shrank(from: 3, to: 1).sentence == "it shrank from 3 to 1 bytes while it was read")
    }

    @Test("different readings mean that the file changed, or else that one of them is wrong")
    func readingsThatDiffer() throws {
        func reading(_ hash: UInt64, _ before: Int, _ after: Int) -> FileDigest {
            let (before, after) = (
                FileDigest.Moment(seconds: before, nanoseconds: 0), FileDigest.Moment(seconds: after, nanoseconds: 0)
            )
            return FileDigest(bytes: 3, hash: hash, before: before, after: after)
        }
        #expect(try reading(7, 1, 1).agreed(with: reading(7, 1, 2)).hash == 7)
        #expect(throws: FileError.differs) { try reading(7, 1, 1).agreed(with: reading(8, 1, 1)) }
        #expect(throws: FileError.changed) { try reading(7, 1, 1).agreed(with: reading(8, 2, 2)) }
        #expect(throws: FileError.changed) { try reading(7, 1, 1).agreed(with: reading(8, 1, 2)) }
    }

    @Test("digests a file larger than the buffer completely")
    func largerThanTheBuffer() throws {
        let scratch = try ScratchFolder()
        try scratch.write(String(repeating: "0123456789", count: 30_000), to: "large")
        let root = try Folder(scratch.path)
        var reader = FileReader()
        let digest = try reader.digest(FolderWalk(root).files[0], below: root)
        #expect(digest.bytes == 300_000)
        #expect(digest.hash == 0x982F_920C_97D4_457B)
    }
}
#endif
