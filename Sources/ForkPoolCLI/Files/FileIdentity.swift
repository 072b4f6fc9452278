// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The identity of a regular file, whatever its name; pipes and terminals have none.
struct FileIdentity: Equatable {
    private let device: dev_t
    private let number: ino_t

    /// Identifies the file at a path (`stat`); nil if it is no regular file.
    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Identifies the file of a descriptor (`fstat`); nil if it is no regular file.
    init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Whether two paths name one file, or would where there is none yet (`stat`, `realpath`).
    static func isOne(_ path: String, _ other: String) -> Bool { path == other || place(path) == place(other) }

    private static func place(_ path: String) -> String {
        if let file = FileIdentity(path: path) { return "\(file.device):\(file.number)" }
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let folder = path.dropLast(name.count)
        guard let real = unsafe realpath(folder.isEmpty ? "." : String(folder), nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real) + "/" + name
    }

    private init?(_ status: stat) {
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        (device, number) = (status.st_dev, status.st_ino)
    }
}
#endif
