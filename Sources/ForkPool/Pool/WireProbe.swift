// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a parent reads of a worker's bytes, for the fuzzer and for benchmarks.
package enum WireProbe {
    /// Encodes a value as a result is encoded.
    package static func encode<T: Encodable>(_ value: T) throws -> [UInt8] {
        try WorkerError.bytes(of: value)
    }

    /// Decodes a value as a result of a live worker is decoded.
    package static func decode<T: Decodable>(_ type: T.Type, from bytes: UnsafeRawBufferPointer) throws -> T {
        unsafe try BinaryDecoder.decode(type, from: bytes)
    }

    /// Encodes the report of an error as an arena holds it: a link and what follows it.
    package static func report(_ error: any Error, item: Int, previous: Int) throws -> [UInt8] {
        let report = try WorkerError.bytes(of: WorkerError(throwing: error).described(by: error))
        let link = WorkerErrorLink(item: item, previous: previous, length: report.count)
        return unsafe withUnsafeBytes(of: link) { unsafe Array($0) } + report
    }

    package static func report(from bytes: UnsafeRawBufferPointer) throws -> String {
        unsafe try BinaryDecoder.decode(WorkerError.self, from: bytes).text
    }

    /// Reads the reports of `count` items that have failed, of which an arena holds a chain; returns how many are told.
    package static func failures(in arena: UnsafeMutableRawBufferPointer, newest: Int, count: Int) -> Int {
        unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { states in
            unsafe states.initializeMemory(as: UInt8.self, repeating: ItemState.failed)
            guard let base = arena.baseAddress, let front = states.baseAddress else { return 0 }
            let arenas = unsafe Arenas(base: base, start: 0, size: arena.count, end: arena.count)
            let memory = unsafe ResultMemory(states: front, slots: front, count: count, arenas: arenas)
            let machine = BatchMachine(count: count, stopsAtFailure: false)
            return FailureReader(memory: memory, machine: machine, newestError: newest).failures().count
        }
    }
}

extension WireProbe {
    /// Memory for one message after another, coded as a worker and its parent do.
    @safe package final class Memory {
        private let encoder = BinaryEncoder()
        private let memory: UnsafeMutableRawBufferPointer
        private var size = 0

        /// Allocates `room` bytes, which every message must fit into.
        package init(room: Int) {
            unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        }

        deinit {
            unsafe memory.deallocate()
        }

        /// Encodes a value in place of the last one; returns the size of its message in bytes.
        package func encode<T: Encodable>(_ value: T) throws -> Int {
            size = unsafe try encoder.encode(value, into: memory)
            return size
        }

        /// Decodes the message as a result of a live worker is decoded.
        package func decode<T: Decodable>(_ type: T.Type) throws -> T {
            unsafe try BinaryDecoder.decode(type, from: UnsafeRawBufferPointer(rebasing: memory[..<size]))
        }
    }
}
