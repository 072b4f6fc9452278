// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Foundation
import Synchronization
import Testing

@testable import ForkPool

private struct Particle: Codable {
    var id: Int32
    var alive: Bool
    var mass: Double?
}

private indirect enum Shape: Codable {
    case point
    case circle(radius: Double, name: String?)
    case group([Shape], at: [Int])
}

private struct Optionals: Codable {
    var number: Int??
    var text: String?
    var flags: [Bool?]
    var deep: [[String: Int??]?]
}

/// A struct whose container has more keys than a search walks over.
private struct Wide: Codable {
    var a = 1, b = "b", c = 0.5, d = true, e = [1, 2], f = ["f"], g = Int8(7), h = UInt64.max, i: Int? = nil, j = "j"
    var k = 2, l = "l", m = 1.5, n = false, o = [3.5], p = ["p": 1], q = Int16(8), r = UInt8.max, s: Int? = 3, t = "t"

    enum CodingKeys: CodingKey {
        case a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t
    }

    init() {}

    /// Reads the keys backward, so that each is searched.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        t = try container.decode(String.self, forKey: .t)
        s = try container.decodeIfPresent(Int.self, forKey: .s)
        r = try container.decode(UInt8.self, forKey: .r)
        p = try container.decode([String: Int].self, forKey: .p)
        i = try container.decodeIfPresent(Int.self, forKey: .i)
        f = try container.decode([String].self, forKey: .f)
        a = try container.decode(Int.self, forKey: .a)
        _ = container.allKeys
    }
}

private class Animal: Codable {
    var name = "Rex"
}

private final class Dog: Animal {
    enum Keys: CodingKey {
        case tricks
    }

    var tricks = ["sit", "roll"]

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        tricks = try container.decode([String].self, forKey: .tricks)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(tricks, forKey: .tricks)
    }
}

/// Writes to two containers in turn, and to keys twice; reads the containers in turn.
private struct Weave: Codable {
    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: PlainKey.self)
        var list = try container.nestedUnkeyedContainer(forKey: PlainKey(stringValue: "list"))
        let map = try container.nestedContainer(keyedBy: PlainKey.self, forKey: PlainKey(stringValue: "map"))
        for key in map.allKeys where !list.isAtEnd {
            _ = try list.decode(Int.self)
            _ = try map.decode(String.self, forKey: key)
        }
        var rest = try list.superDecoder().unkeyedContainer()
        _ = rest.count
        _ = try rest.decodeNil()
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PlainKey.self)
        var list = container.nestedUnkeyedContainer(forKey: PlainKey(stringValue: "list"))
        var map = container.nestedContainer(keyedBy: PlainKey.self, forKey: PlainKey(stringValue: "map"))
        for number in 0..<20 {
            if number < 8 { try list.encode(number) }
            try map.encode("text \(number)", forKey: PlainKey(stringValue: "\(number % 8)"))
        }
        var rest = list.superEncoder().unkeyedContainer()
        try rest.encodeNil()
    }
}

@Suite("The binary decoder and bytes that change while they are decoded")
struct BinaryCoderChangeTests {
    @safe private struct Sample: Sendable {
        let name: String
        let bytes: [UInt8]
        /// Decodes a value of the sample's type.
        let decode: @Sendable (UnsafeRawBufferPointer) throws -> Void

        init<T: Codable & SendableMetatype>(_ value: T) throws {
            name = "\(T.self)"
            bytes = try Binary.bytes(of: value)
            unsafe decode = { bytes in _ = unsafe try BinaryDecoder.decode(T.self, from: bytes) }
        }
    }

    private static var samples: [Sample] {
        get throws {
            try [
                Sample((0..<40).map { "word \($0)" }), Sample("text"), Sample([true, false, true]),
                Sample([1: ["a", "b"], 2: []]), Sample((0..<2000).map { UInt16($0) }),
                Sample(["a": 1, "b": 256, "c": 1 << 40]), Sample([1: "one", 2: ""]),
                // These are not copied before they are decoded as data.
                Sample(Data(repeating: 1, count: 5000)), Sample((0..<1000).map { "word \($0)" }),
                Sample((0..<30).map { Particle(id: $0, alive: true, mass: nil) }),
                Sample(Shape.group([.point, .circle(radius: 1, name: "c"), .group([], at: [1])], at: [2, 3])),
                Sample(Optionals(number: .some(nil), text: "t", flags: [true, nil], deep: [nil, ["k": .some(nil)]])),
                Sample(Wide()), Sample([Wide(), Wide()]), Sample(Dog()), Sample(Weave()), Sample(UUID()),
            ]
        }
    }

    @Test("never do more than fail")
    func changing() throws {
        let samples = try Self.samples
        for sample in samples {
            #expect(throws: Never.self, "\(sample.name)") {
                try unsafe sample.bytes.withUnsafeBytes { try unsafe sample.decode($0) }
            }
            let count = sample.bytes.count
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
            defer { unsafe memory.deallocate() }
            unsafe memory.copyBytes(from: sample.bytes)
            nonisolated(unsafe) let shared = unsafe memory
            let isOver = Atomic(false)
            _ = Threads.run(2) { number in
                guard number == 0 else {
                    var generator = Seeded(3)
                    while !isOver.load(ordering: .relaxed) {
                        // Everywhere, and twice as often where lengths and kinds are that the rest depends on.
                        for range in [count, min(count, 16)] {
                            let place = Int(generator.next() % UInt64(range))
                            let old = unsafe shared[place]
                            unsafe shared.storeBytes(
                                of: UInt8(truncatingIfNeeded: generator.next()), toByteOffset: place, as: UInt8.self)
                            unsafe shared.storeBytes(of: old, toByteOffset: place, as: UInt8.self)
                        }
                    }
                    return
                }
                let bytes = unsafe UnsafeRawBufferPointer(shared)
                for _ in 0..<1000 { unsafe try? sample.decode(bytes) }
                for other in samples {
                    for _ in 0..<100 { unsafe try? other.decode(bytes) }
                }
                isOver.store(true, ordering: .relaxed)
            }
        }
    }
}
