// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization
import Testing

/// Reads streams to their ends.
enum Drain {
    /// Reads a stream, and returns its results, which must come in input order.
    static func inOrder<T>(_ stream: ForkPool.Stream<T>) throws -> [T] {
        var outputs: [T] = []
        for (index, result) in stream {
            try #require(index == outputs.count)
            outputs.append(try result.get())
        }
        return outputs
    }

    /// The same in asynchronous code.
    nonisolated(nonsending) static func inOrder<T>(_ stream: ForkPool.Stream<T>) async throws -> [T] {
        var outputs: [T] = []
        for try await (index, output) in stream {
            try #require(index == outputs.count)
            outputs.append(output)
        }
        return outputs
    }

    /// Reads a stream in any order, and returns the outcomes by index: each comes once.
    static func outcomes<T>(_ stream: ForkPool.Stream<T>) throws -> [Int: Result<T, ForkPool.Failure>] {
        var outcomes: [Int: Result<T, ForkPool.Failure>] = [:]
        for (index, result) in stream {
            try #require(outcomes.updateValue(result, forKey: index) == nil, "item \(index) came twice")
        }
        return outcomes
    }
}

/// A source that counts the items taken from it.
final class Pulls: Sendable {
    private let taken = Atomic(0)

    /// The number of items that were taken.
    var count: Int { taken.load(ordering: .sequentiallyConsistent) }

    /// The numbers from 0 on.
    var endless: AnySequence<Int> { first(.max) }

    /// The numbers below `limit`.
    func first(_ limit: Int) -> AnySequence<Int> {
        AnySequence { AnyIterator { self.next(limit) } }
    }

    /// The numbers below `limit`, one after the other from a task.
    func firstAsync(_ limit: Int) -> AsyncStream<Int> {
        AsyncStream { self.next(limit) }
    }

    private func next(_ limit: Int) -> Int? {
        let number = count
        guard number < limit else { return nil }
        taken.add(1, ordering: .sequentiallyConsistent)
        return number
    }
}

/// Asynchronous sequences.
enum Sources {
    /// The numbers below `count`.
    static func numbers(_ count: Int) -> AsyncStream<Int> { Pulls().firstAsync(count) }

    /// The numbers below `count`, as text.
    static func words(_ count: Int) -> AsyncStream<String> {
        let pulls = Pulls()
        let numbers = pulls.firstAsync(count)
        return AsyncStream { continuation in
            let task = Task {
                for await number in numbers { continuation.yield("\(number)") }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    /// The numbers below `count`, and then an error if there is one.
    static func throwing(_ count: Int, _ error: (any Error)? = nil) -> AsyncThrowingStream<Int, any Error> {
        AsyncThrowingStream { continuation in
            for number in 0..<count { continuation.yield(number) }
            continuation.finish(throwing: error)
        }
    }
}

/// A custom sequence that counts down to 1.
struct Countdown: AsyncSequence {
    struct AsyncIterator: AsyncIteratorProtocol {
        var left: Int

        mutating func next() async -> Int? {
            await Task.yield()
            guard left > 0 else { return nil }
            defer { left -= 1 }
            return left
        }
    }

    private let first: Int

    init(from first: Int) {
        self.first = first
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(left: first) }
}

/// A collection that finds its items by walking from the first.
struct Linked<Element>: Collection {
    private final class Node {
        let element: Element
        let next: Node?

        init(_ element: Element, _ next: Node?) {
            self.element = element
            self.next = next
        }
    }

    struct Index: Comparable {
        fileprivate let offset: Int
        fileprivate let node: AnyObject?

        static func == (one: Index, other: Index) -> Bool { one.offset == other.offset }
        static func < (one: Index, other: Index) -> Bool { one.offset < other.offset }
    }

    private let head: Node?
    let count: Int

    init(_ elements: [Element]) {
        head = elements.reversed().reduce(nil as Node?) { Node($1, $0) }
        count = elements.count
    }

    var startIndex: Index { Index(offset: 0, node: head) }
    var endIndex: Index { Index(offset: count, node: nil) }

    func index(after index: Index) -> Index {
        Index(offset: index.offset + 1, node: node(index).next)
    }

    subscript(index: Index) -> Element { node(index).element }

    private func node(_ index: Index) -> Node {
        guard let node = index.node as? Node else { fatalError("there is no item at the end") }
        return node
    }
}
