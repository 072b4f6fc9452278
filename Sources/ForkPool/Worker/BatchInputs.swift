// SPDX-License-Identifier: Apache-2.0
/// The inputs of a batch as a worker reads them: slots with bit patterns, or with the extents of coded bytes.
@usableFromInline
@safe struct BatchInputs {
    @usableFromInline let slots: UnsafeRawPointer
    /// The region's start.
    let base: UnsafeRawPointer
    /// The end of the part of the region that holds coded inputs.
    let limit: Int
    /// The number of the job that they are for; -1 if it is damaged.
    let job: Int

    /// Reads an input that is a bit pattern, whether or not its type says so here.
    @_alwaysEmitIntoClient @inline(__always)
    func load<I>(_ item: Int, as type: I.Type) -> I {
        unsafe slots.load(fromByteOffset: item &* MemoryLayout<I>.stride, as: I.self)
    }

    @usableFromInline
    func decode<I: Decodable>(_ item: Int, as type: I.Type) throws -> I {
        let extent = unsafe slots.load(fromByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self)
        guard extent.offset >= 0, extent.length >= 0, extent.offset <= limit - extent.length else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "It lies outside of the heap"))
        }
        return unsafe try BinaryDecoder.decode(
            type, from: UnsafeRawBufferPointer(start: base + extent.offset, count: extent.length))
    }

    /// Whether the parent could not encode the input: its item has failed already.
    @usableFromInline
    func isMissing(_ item: Int) -> Bool {
        unsafe slots.load(fromByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self).length < 0
    }
}

/// Runs the items of a range of a batch in a worker; returns false if the worker must leave the batch.
@usableFromInline
typealias BatchBody = (_ range: Range<Int>, _ writer: ItemWriter, _ inputs: BatchInputs) -> Bool

/// Bodies that run one function on each input, for each format of inputs and results.
@usableFromInline
enum BatchBodies {
    /// The body for inputs and results in their best formats.
    @_alwaysEmitIntoClient
    static func best<I: Codable, R: Codable>(_ body: @escaping (I) throws -> R) -> BatchBody {
        if _isPOD(I.self) { return bestResults(body) }
        return _isPOD(R.self) ? codedInputs(body) : coded(body)
    }

    /// The same for inputs that are bit patterns.
    @_alwaysEmitIntoClient
    static func bestResults<I, R: Codable>(_ body: @escaping (I) throws -> R) -> BatchBody {
        _isPOD(R.self) ? plain(body) : codedResults(body)
    }

    /// The same for results that are bit patterns.
    @_alwaysEmitIntoClient
    static func bestInputs<I: Codable, R>(_ body: @escaping (I) throws -> R) -> BatchBody {
        _isPOD(I.self) ? plain(body) : codedInputs(body)
    }

    @_alwaysEmitIntoClient
    static func plain<I, R>(_ body: @escaping (I) throws -> R) -> BatchBody {
        { range, writer, inputs in
            // A loop of its own, as in `storeResults`.
            var claim = range
            while true {
                for item in claim {
                    guard writer.begin(item) else { return false }
                    do {
                        writer.store(try body(inputs.load(item, as: I.self)), at: item)
                    } catch {
                        guard writer.threw(error, at: item) else { return false }
                    }
                }
                guard let more = writer.claimMore() else { return true }
                claim = more
            }
        }
    }

    @_alwaysEmitIntoClient
    static func codedResults<I, R: Encodable>(_ body: @escaping (I) throws -> R) -> BatchBody {
        { range, writer, inputs in
            writer.run(range) { item in writer.encode(try body(inputs.load(item, as: I.self)), at: item) }
        }
    }

    @_alwaysEmitIntoClient
    static func codedInputs<I: Decodable, R>(_ body: @escaping (I) throws -> R) -> BatchBody {
        coded(I.self) { input, item, writer in
            writer.store(try body(input), at: item)
            return true
        }
    }

    @_alwaysEmitIntoClient
    static func coded<I: Decodable, R: Encodable>(_ body: @escaping (I) throws -> R) -> BatchBody {
        coded(I.self) { input, item, writer in writer.encode(try body(input), at: item) }
    }

    @usableFromInline
    static func coded<I: Decodable>(
        _ type: I.Type, _ run: @escaping (_ input: I, _ item: Int, _ writer: ItemWriter) throws -> Bool
    ) -> BatchBody {
        { range, writer, inputs in
            for item in range {
                guard writer.begin(item) else { return false }
                if inputs.isMissing(item) { continue }
                let input: I
                do {
                    input = try inputs.decode(item, as: type)
                } catch {
                    guard writer.failedToDecode(error, at: item) else { return false }
                    continue
                }
                do {
                    guard try run(input, item, writer) else { return false }
                } catch {
                    guard writer.threw(error, at: item) else { return false }
                }
            }
            return true
        }
    }
}
