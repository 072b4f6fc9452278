import Glibc

/// A regular file, as the walk found it.
struct FoundFile: Codable {
    /// Its path from the folder, as the file system spells it.
    let path: [UInt8]
    /// Its length in bytes.
    let size: Int
}

/// A file or folder with what is wrong with it.
struct FileFailure {
    /// Its path from the folder.
    let path: [UInt8]
    let problem: FileProblem
}

/// Everything below a folder: the regular files in the order of their paths, and what was left out.
///
/// Symbolic links are counted and never followed, so no loop can occur; so are devices, sockets and FIFOs, which
/// are never opened. One folder is open at a time, however deep the tree.
struct FolderWalk {
    private(set) var files: [FoundFile] = []
    private(set) var failures: [FileFailure] = []
    /// The symbolic links that were not followed.
    private(set) var links = 0
    /// The devices, sockets and FIFOs that were not read.
    private(set) var specials = 0

    /// Walks a folder.
    init(_ root: borrowing Folder) {
        var waiting: [[UInt8]] = [[]]
        while let folder = waiting.popLast() {
            do throws(FileProblem) {
                waiting += try list(folder, below: root)
            } catch {
                failures.append(FileFailure(path: folder, problem: error))
            }
        }
        files.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    /// Takes in one folder's entries, and returns the folders among them (`readdir`, `fstatat`).
    private mutating func list(_ folder: [UInt8], below root: borrowing Folder) throws(FileProblem) -> [[UInt8]] {
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
            do throws(FileProblem) {
                let status = try Self.status(of: name, in: descriptor)
                switch status.st_mode & S_IFMT {
                case S_IFREG: files.append(FoundFile(path: path, size: status.st_size))
                case S_IFDIR: folders.append(path)
                case S_IFLNK: links += 1
                default: specials += 1
                }
            } catch {
                failures.append(FileFailure(path: path, problem: error))
            }
        }
        return folders
    }

    /// Reads the next entry's name, other than "." and "..".
    private static func nextName(_ stream: OpaquePointer) throws(FileProblem) -> [UInt8]? {
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

    private static func status(of name: [UInt8], in folder: Int32) throws(FileProblem) -> stat {
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
