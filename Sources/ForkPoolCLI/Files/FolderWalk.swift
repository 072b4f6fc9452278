// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A regular file that the walk found.
struct FoundFile: Codable {
    /// Its path from the folder, in the bytes of the file system.
    let path: [UInt8]
    /// Its length in bytes.
    let size: Int
}

/// A file or folder that could not be read.
struct FileFailure {
    /// Its path from the folder.
    let path: [UInt8]
    let error: FileError
}

/// A walk through everything below a folder: the regular files, sorted by path, and what it left out.
///
/// The walk counts symbolic links but never follows them, so there are no loops. It counts devices, sockets and FIFOs but
/// never opens them. Only one folder is open at a time, however deep the tree.
struct FolderWalk {
    private(set) var files: [FoundFile] = []
    private(set) var failures: [FileFailure] = []
    /// How many symbolic links were not followed.
    private(set) var links = 0
    /// How many devices, sockets and FIFOs were not opened.
    private(set) var specials = 0

    /// Walks a folder.
    init(_ root: borrowing Folder) {
        var waiting: [[UInt8]] = [[]]
        while let folder = waiting.popLast() {
            do throws(FileError) {
                waiting += try list(folder, below: root)
            } catch {
                failures.append(FileFailure(path: folder, error: error))
            }
        }
        files.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// Adds the entries of a folder, and returns the folders among them (`readdir`, `fstatat`).
    private mutating func list(_ folder: [UInt8], below root: borrowing Folder) throws(FileError) -> [[UInt8]] {
        let descriptor = try root.open(folder, O_RDONLY | O_DIRECTORY)
        guard let stream = unsafe fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw .refused(call: "fdopendir", code: code)
        }
        defer { unsafe closedir(stream) }
        var folders: [[UInt8]] = []
        while let name = unsafe try Self.nextName(stream) {
            let path = folder.isEmpty ? name : folder + [UInt8(ascii: "/")] + name
            do throws(FileError) {
                let status = try Self.status(of: name, in: descriptor)
                switch status.st_mode & S_IFMT {
                case S_IFREG: files.append(FoundFile(path: path, size: status.st_size))
                case S_IFDIR: folders.append(path)
                case S_IFLNK: links += 1
                default: specials += 1
                }
            } catch {
                failures.append(FileFailure(path: path, error: error))
            }
        }
        return folders
    }

    /// Reads the name of the next entry, except "." and ".."; nil at the end.
    private static func nextName(_ stream: OpaquePointer) throws(FileError) -> [UInt8]? {
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                guard errno == 0 else { throw .refused(call: "readdir", code: errno) }
                return nil
            }
            let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
            let start = unsafe UnsafeRawPointer(entry) + offset
            let length = unsafe strlen(start.assumingMemoryBound(to: CChar.self))
            let name = unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
            if name != [UInt8(ascii: ".")], name != [UInt8(ascii: "."), UInt8(ascii: ".")] { return name }
        }
    }

    private static func status(of name: [UInt8], in folder: Int32) throws(FileError) -> stat {
        var status = stat()
        let result = unsafe (name + [0]).withUnsafeBytes { bytes in
            unsafe fstatat(
                folder,
                bytes.assumingMemoryBound(to: CChar.self).baseAddress!,
                &status,
                AT_SYMLINK_NOFOLLOW
            )
        }
        guard result == 0 else { throw .refused(call: "stat", code: errno) }
        return status
    }
}
#endif
