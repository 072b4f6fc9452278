// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// Lines of JSON of some 150 bytes each, as a sequence and as asynchronous ones.
struct Lines: Sequence {
    private let lines: [String]

    init(_ count: Int) {
        lines = (0..<count).map { number in
            #"{"id":\#(number),"user":{"name":"user \#(number * 7919 % 10_007)","age":\#(number % 90)},"tags":["a","b","c"],"#
                + #""score":\#(number % 100).25,"text":"some words that say little, as log lines do"}"#
        }
    }

    var count: Int { lines.count }

    // No collection: a stream has to carry the lines.
    func makeIterator() -> IndexingIterator<[String]> { lines.makeIterator() }

    /// The same lines, each of which is there when it is asked for.
    var ready: Ready { Ready(lines: lines) }

    /// The same lines from a task of their own.
    var produced: AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let lines = lines
        Task {
            for line in lines { continuation.yield(line) }
            continuation.finish()
        }
        return stream
    }

    struct Ready: AsyncSequence, Sendable {
        let lines: [String]

        struct AsyncIterator: AsyncIteratorProtocol {
            var lines: IndexingIterator<[String]>

            mutating func next() async -> String? { lines.next() }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lines: lines.makeIterator()) }
    }
}

/// Parses a line `repeats` times; returns the sum of its numbers, values and names.
struct ParseJob: ForkPool.Job {
    var repeats = 1

    func run(_ line: String) -> Int {
        var sum = 0
        for _ in 0..<repeats {
            var parser = LineParser(line)
            sum = parser.value()
        }
        return sum
    }
}

/// A parser of JSON that checks what it reads and keeps strings, as one that makes values would.
struct LineParser {
    private var bytes: String.UTF8View.Iterator
    private var next: UInt8?

    init(_ line: String) {
        bytes = line.utf8.makeIterator()
        next = bytes.next()
    }

    /// Reads a value; returns the sum of the numbers in it and of the lengths of strings.
    mutating func value() -> Int {
        switch next {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var sum = 0
            repeat {
                advance()
                sum += value()
                if next == UInt8(ascii: ":") {
                    advance()
                    sum += value()
                }
            } while next == UInt8(ascii: ",")
            advance()
            return sum
        case UInt8(ascii: "\""):
            var text: [UInt8] = []
            advance()
            while let byte = next, byte != UInt8(ascii: "\"") {
                text.append(byte)
                advance()
            }
            advance()
            return String(decoding: text, as: UTF8.self).count
        default:
            var number = 0
            while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") || byte == UInt8(ascii: ".") {
                number = number &* 10 &+ Int(byte)
                advance()
            }
            return number
        }
    }

    private mutating func advance() { next = bytes.next() }
}
