// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import ForkPool

/// Results that several threads decode, from memory that is like a pool's.
@Suite struct ResultThreadTests {
    @Test("Each result is in its place, on any number of threads", arguments: [1, 2, 3, 8])
    func order(_ threads: Int) throws {
        let (texts, tables) = (texts(1000), (0..<300).map { ["key \($0)": $0, "": -$0] })
        #expect(try Results(of: texts).decoded(as: String.self, threads: threads) == texts)
        #expect(try Results(of: tables).decoded(as: [String: Int].self, threads: threads) == tables)
        #expect(try Results(of: [["a"]]).decoded(as: [String].self, threads: threads) == [["a"]])
    }

    @Test("The failure is that of the lowest item that is damaged, and nothing leaks", arguments: [2, 8])
    func damage(_ threads: Int) throws {
        let results = try Results(of: texts(1000))
        for item in [901, 417, 650] { results.damage(item) }
        let failure = #expect(throws: ForkPool.Failure.self) {
            try results.decoded(as: String.self, threads: threads)
        }
        #expect(failure?.index == 417)
        results.move(13, to: .max)
        let outside = #expect(throws: ForkPool.Failure.self) {
            try results.decoded(as: String.self, threads: threads)
        }
        #expect(outside?.index == 13 && outside?.code == .corrupted)
    }

    @Test("What the quick way does not read is decoded as by one thread")
    func otherForms() throws {
        // Integers are no record of an array of Double, but its elements can be decoded from them.
        let results = try Results(of: (0..<100).map { [$0, $0 + 1] })
        let expected = (0..<100).map { [Double($0), Double($0 + 1)] }
        #expect(try results.decoded(as: [Double].self, threads: 4) == expected)
    }

    @Test("More threads are taken for large results of the library's types only")
    func threads() throws {
        let large = try Results(of: [String(repeating: "x", count: 1 << 20), "y"])
        #expect(large.threads(for: String.self) == min(2, ForkPool.availableProcessors))
        #expect(large.threads(for: Named.self) == 1)
        #expect(try Results(of: texts(10)).threads(for: String.self) == 1)
        large.move(0, to: 0, length: .max)
        large.move(1, to: 0, length: .min)
        #expect(large.threads(for: String.self) <= 2)
    }

    @Test("All threads of a group run the work, and it returns after them")
    func group() {
        let runs = Atomic(0)
        let threads = 6
        ThreadGroup.run(threads: threads) {
            runs.add(1, ordering: .relaxed)
            // Each waits for the others.
            while runs.load(ordering: .relaxed) < threads { sched_yield() }
        }
        #expect(runs.load(ordering: .relaxed) == threads)
        ThreadGroup.run(threads: 0) { runs.add(1, ordering: .relaxed) }
        #expect(runs.load(ordering: .relaxed) == threads + 1)
    }

    private struct Named: Codable {}

    private func texts(_ count: Int) -> [String] {
        (0..<count).map { "the text of item \($0), " + String(repeating: "é", count: $0 % 50) }
    }
}

/// Coded results in an arena, and their slots.
@safe private final class Results {
    private let memory: ResultMemory
    private let slots: UnsafeMutableBufferPointer<Extent>
    private let states: UnsafeMutableRawBufferPointer
    private let arena: UnsafeMutableRawBufferPointer

    init<R: Encodable>(of values: [R]) throws {
        var bytes: [UInt8] = []
        unsafe slots = .allocate(capacity: values.count)
        for (item, value) in values.enumerated() {
            let message = try Binary.bytes(of: value)
            unsafe slots.initializeElement(at: item, to: Extent(offset: bytes.count, length: message.count))
            bytes += message
        }
        unsafe states = .allocate(byteCount: values.count, alignment: 1)
        unsafe arena = .allocate(byteCount: bytes.count, alignment: 8)
        unsafe arena.copyBytes(from: bytes)
        let arenas = unsafe Arenas(base: arena.baseAddress!, start: 0, size: arena.count, end: arena.count)
        memory = unsafe ResultMemory(
            states: states.baseAddress!, slots: UnsafeMutableRawPointer(slots.baseAddress!), count: values.count,
            arenas: arenas)
    }

    deinit {
        unsafe slots.deallocate()
        unsafe states.deallocate()
        unsafe arena.deallocate()
    }

    func decoded<R: Decodable>(as type: R.Type, threads: Int) throws(ForkPool.Failure) -> [R] {
        guard let read = unsafe BinaryDecoder.recordReader(for: type) else { return [] }
        return try withExtendedLifetime(self) { () throws(ForkPool.Failure) in
            unsafe try memory.decoded(threads: threads, read) { unsafe try BinaryDecoder.decode(type, from: $0) }
        }
    }

    func threads<R: Decodable>(for type: R.Type) -> Int {
        withExtendedLifetime(self) { unsafe BinaryDecoder.recordReader(for: type) == nil ? 1 : memory.decodingThreads }
    }

    /// Changes the first byte of a result, which says what it is.
    func damage(_ item: Int) {
        unsafe arena[slots[item].offset] = 0xFF
    }

    func move(_ item: Int, to offset: Int, length: Int? = nil) {
        unsafe slots[item] = Extent(offset: offset, length: length ?? slots[item].length)
    }
}
