// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Reads the kernel's small files, which have no size before they are read, and its folders.
package enum Files {
    /// The content of a file; nothing if there is none.
    package static func bytes(_ path: String) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let length = unsafe read(file, &part, part.count)
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { return bytes }
            bytes += part[..<length]
        }
    }

    /// Makes an empty folder of this process's user alone; the caller removes it.
    package static func makeFolder() -> String {
        var name = Array("/tmp/forkpool-XXXXXX".utf8CString)
        let made = unsafe mkdtemp(&name)
        precondition(unsafe made != nil, "no folder: errno \(errno)")
        return unsafe String(cString: made!)
    }

    package static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

    package static func lines(_ path: String) -> [Substring] { text(path).split(separator: "\n") }

    /// The names in a folder.
    package static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            names.append(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    /// What a descriptor of this process leads to.
    package static func target(of descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let length = unsafe readlink("/proc/self/fd/\(descriptor)", &bytes, bytes.count)
        return String(decoding: bytes[..<max(length, 0)], as: UTF8.self)
    }
}
