// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Foundation
import Synchronization
import Testing

@testable import ForkPool

@Suite("The binary decoder and damage that is made on purpose")
struct BinaryCoderDamageTests {
    private indirect enum Nest: Codable {
        case leaf
        case node(Nest)
    }

    /// A message with containers nested `depth` deep, which no encoder could make.
    private static func nested(_ depth: Int) throws -> [UInt8] {
        let leaf = try Binary.bytes(of: Nest.leaf)
        func container(_ key: String, _ length: Int) -> [UInt8] {
            let head = ContainerHead(length: 1 + key.utf8.count + length, count: 1).bits
            return [WireKind.keyed.rawValue] + (unsafe withUnsafeBytes(of: head) { unsafe [UInt8]($0) })
                + [UInt8(key.utf8.count)] + Array(key.utf8)
        }
        let size = container("node", 0).count + container("_0", 0).count
        #expect(
            try Binary.bytes(of: Nest.node(.leaf)) == container("node", 12 + leaf.count) + container("_0", leaf.count)
                + leaf)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(depth * size + leaf.count)
        for level in 0...depth {
            let rest = (depth - level) * size + leaf.count
            bytes += container("node", 12 + rest) + container("_0", rest)
        }
        return bytes + leaf
    }

    @Test("no message is so deep that decoding it overflows a small thread's stack", arguments: [30, 3000, 200_000])
    func depth(_ depth: Int) throws {
        let bytes = try Self.nested(depth)
        let isDecoded = SmallThread.run {
            do {
                var nest = try Binary.decode(Nest.self, from: bytes)
                var levels = 0
                while case .node(let inner) = nest {
                    nest = inner
                    levels += 1
                }
                return levels > depth
            } catch {
                return false
            }
        }
        #expect(isDecoded == (depth == 30))
    }

    @Test("bytes that change while they are decoded never do more than fail")
    func changing() throws {
        let words = (0..<40).map { "word \($0)" }
        let samples = try [
            Binary.bytes(of: words), Binary.bytes(of: "text"), Binary.bytes(of: [true, false, true]),
            Binary.bytes(of: [1: ["a", "b"], 2: []]), Binary.bytes(of: (0..<2000).map { UInt16($0) }),
            // These are not copied before they are decoded as data.
            Binary.bytes(of: Data(repeating: 1, count: 5000)), Binary.bytes(of: (0..<1000).map { "word \($0)" }),
        ]
        for sample in samples {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: sample.count, alignment: 8)
            defer { unsafe memory.deallocate() }
            unsafe memory.copyBytes(from: sample)
            nonisolated(unsafe) let shared = unsafe memory
            let isOver = Atomic(false)
            _ = Threads.run(2) { number in
                guard number == 0 else {
                    var generator = Seeded(3)
                    while !isOver.load(ordering: .relaxed) {
                        let place = Int(generator.next() % UInt64(min(sample.count, 16)))
                        unsafe shared.storeBytes(
                            of: UInt8(truncatingIfNeeded: generator.next()), toByteOffset: place, as: UInt8.self)
                        unsafe shared.copyBytes(from: sample)
                    }
                    return
                }
                let bytes = unsafe UnsafeRawBufferPointer(shared)
                for _ in 0..<2000 {
                    _ = unsafe try? BinaryDecoder.decode([String].self, from: bytes)
                    _ = unsafe try? BinaryDecoder.decode(String.self, from: bytes)
                    _ = unsafe try? BinaryDecoder.decode([Bool].self, from: bytes)
                    _ = unsafe try? BinaryDecoder.decode([Int: [String]].self, from: bytes)
                    _ = unsafe try? BinaryDecoder.decode([UInt16].self, from: bytes)
                    _ = unsafe try? BinaryDecoder.decode(Data.self, from: bytes)
                }
                isOver.store(true, ordering: .relaxed)
            }
        }
    }
}

/// A thread with a stack as small as those of the system's own pools.
private enum SmallThread {
    private final class Work {
        let body: () -> Bool
        var result = false

        init(_ body: @escaping () -> Bool) {
            self.body = body
        }
    }

    static func run(_ body: @escaping () -> Bool) -> Bool {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setstacksize(&attributes, 512 << 10)
        defer { unsafe pthread_attr_destroy(&attributes) }
        let work = Work(body)
        var thread = pthread_t()
        let error = unsafe pthread_create(
            &thread, &attributes,
            { context in
                let work = unsafe Unmanaged<Work>.fromOpaque(context!).takeUnretainedValue()
                work.result = work.body()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        precondition(error == 0, "no thread: errno \(error)")
        pthread_join(thread, nil)
        return work.result
    }
}
