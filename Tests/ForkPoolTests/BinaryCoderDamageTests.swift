// SPDX-License-Identifier: Apache-2.0
import Foundation
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
