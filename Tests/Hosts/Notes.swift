// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Numbers in a file to which the workers of all hosts append.
struct Notes {
    let path: String

    init(_ path: String) { self.path = path }

    func add(_ number: Int) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        var word = Int64(number)
        expect(unsafe write(file, &word, 8) == 8, "no note: errno \(errno)")
        close(file)
    }

    /// All numbers, in the order in which they were added.
    func all() -> [Int] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var numbers: [Int] = []
        var word: Int64 = 0
        while unsafe read(file, &word, 8) == 8 { numbers.append(Int(word)) }
        return numbers
    }
}
