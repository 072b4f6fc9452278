// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Synchronization
import Testing

@testable import ForkPool

/// Writes to two containers in turn, so that the message has chunks to put into place.
private struct Weave: Codable, Equatable {
    var odd: [Int]
    var even: [Int]

    enum Keys: CodingKey {
        case odd
        case even
    }

    init(_ count: Int) {
        odd = (0..<count).map { 2 * $0 + 1 }
        even = (0..<count).map { 2 * $0 }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var odds = container.nestedUnkeyedContainer(forKey: .odd)
        var evens = container.nestedUnkeyedContainer(forKey: .even)
        for index in odd.indices {
            try odds.encode(odd[index])
            try evens.encode(even[index])
        }
    }
}

@Suite("What the binary coder writes in turns, to memory that others can write to")
struct BinaryCoderWeaveTests {
    private static func memory(of value: UInt64) -> [UInt8] { unsafe withUnsafeBytes(of: value) { unsafe [UInt8]($0) } }

    private static func container(_ kind: WireKind, length: Int) -> [UInt8] {
        [kind.rawValue] + memory(of: ContainerHead(length: length, count: 0).bits)
    }

    private static func chunk(home: UInt64, _ records: [UInt8]) -> [UInt8] {
        let head = ContainerHead(length: records.count, count: 0)
        return [WireKind.chunk.rawValue] + memory(of: home) + memory(of: head.bits) + records
    }

    /// Puts the chunks of a message into place, with room for as much again or for `room` bytes.
    private static func unweave(_ message: [UInt8], room: Int? = nil) throws -> [UInt8] {
        let size = message.count + (room ?? message.count)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.copyBytes(from: message)
        let count = try unsafe Unweaver.unweave(memory, count: message.count)
        return unsafe [UInt8](memory[..<count])
    }

    private static let empty = container(.unkeyed, length: 0)
    private static let yes = [WireKind.yes.rawValue]

    @Test("chunks get into their containers, if there is room")
    func chunks() throws {
        let message = Self.empty + Self.chunk(home: 1, Self.yes) + Self.chunk(home: 1, Self.yes)
        let expected = try Binary.bytes(of: Pair())
        #expect(try Self.unweave(message) == expected)
        #expect(try Self.unweave(message, room: expected.count) == expected)
        for room in 0..<expected.count {
            #expect(throws: BinaryEncoder.OutOfSpace(capacity: message.count + room)) {
                try Self.unweave(message, room: room)
            }
        }
        struct Pair: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                for _ in 0..<2 { try container.encode(true) }
            }
        }
    }

    @Test("a message that another process changed is no question of room")
    func corruption() {
        let good = Self.empty + Self.chunk(home: 1, Self.yes)
        var cases: [[UInt8]] = [
            [], [255], Array(good.dropLast()), good + [0], Self.empty + Self.empty,
            Self.container(.unkeyed, length: 1) + [255] + Self.chunk(home: 1, Self.yes),
            Self.container(.keyed, length: 1) + [9] + Self.chunk(home: 1, Self.yes),
        ]
        for home in [UInt64(good.count), UInt64(Int.max), UInt64(Int.max) + 1, .max] {
            cases.append(Self.empty + Self.chunk(home: home, Self.yes))
        }
        // A text hides the start of a chunk, which is in itself then.
        let inner = Self.container(.unkeyed, length: 2 + 17 + Self.empty.count) + [WireKind.string.rawValue, 17]
        cases.append(
            Self.container(.unkeyed, length: inner.count) + inner + Self.chunk(home: 38, Self.empty))
        for message in cases {
            #expect(throws: EncodingError.self) { try Self.unweave(message, room: 4096) }
        }
    }

    @Test("bytes that change while a value is encoded never do more than fail")
    func changing() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        nonisolated(unsafe) let shared = unsafe memory
        let weave = Weave(20)
        let isOver = Atomic(false)
        let others = Atomic(0)
        _ = Threads.run(2) { number in
            guard number == 0 else {
                var generator = Seeded(5)
                while !isOver.load(ordering: .relaxed) {
                    let place = Int(generator.next() % 1024)
                    unsafe shared.storeBytes(
                        of: UInt8(truncatingIfNeeded: generator.next()), toByteOffset: place, as: UInt8.self)
                }
                return
            }
            let encoder = BinaryEncoder()
            for _ in 0..<5000 {
                do { _ = try unsafe encoder.encode(weave, into: shared) } catch is EncodingError {
                } catch { others.add(1, ordering: .relaxed) }
            }
            isOver.store(true, ordering: .relaxed)
        }
        #expect(others.load(ordering: .relaxed) == 0)
        #expect(try Binary.copy(weave) == weave)
    }
}
