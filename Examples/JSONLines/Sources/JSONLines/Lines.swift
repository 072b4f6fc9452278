// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The lines of a file, read one at a time.
final class Lines: Sequence, IteratorProtocol {
    /// The file cannot be opened.
    struct NotReadable: Error, CustomStringConvertible {
        let description: String
    }

    private let file: UnsafeMutablePointer<FILE>
    private var buffer: UnsafeMutablePointer<CChar>?
    private var capacity = 0

    /// Opens a file.
    init(of path: String) throws {
        guard let file = fopen(path, "r") else {
            throw NotReadable(description: "\(path): \(String(cString: strerror(errno)))")
        }
        self.file = file
    }

    deinit {
        fclose(file)
        free(buffer)
    }

    /// Reads the next line, without its end.
    func next() -> String? {
        var count = getline(&buffer, &capacity, file)
        guard count >= 0, let buffer else { return nil }
        if count > 0, buffer[count - 1] == 10 { count -= 1 }
        return String(
            decoding: UnsafeRawBufferPointer(start: buffer, count: count), as: UTF8.self)
    }
}
