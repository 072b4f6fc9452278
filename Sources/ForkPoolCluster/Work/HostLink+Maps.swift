// SPDX-License-Identifier: Apache-2.0
public import ForkPool

// The maps of a cluster of several hosts: what follows makes the workers of this host, and reads the results.

extension HostLink {
    @usableFromInline
    func map<R: Codable>(
        _ call: Call, of type: R.Type, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, R>
    ) throws(ForkPool.Failure) -> [R] {
        try run(call, .best(type), make) { results throws(ForkPool.Failure) in
            _isPOD(type) ? results.array(of: type) : try results.decoded(as: type)
        } ?? []
    }

    @usableFromInline
    func mapPlain<R>(
        _ call: Call, of type: R.Type, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, R>
    ) throws(ForkPool.Failure) -> [R] {
        try run(call, .plain(type), make) { $0.array(of: type) } ?? []
    }

    @usableFromInline
    func mapResults<R: Codable>(
        _ call: Call, of type: R.Type, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, R>
    ) -> [Result<R, ForkPool.Failure>] {
        everyOutcome(call.count) { () throws(ForkPool.Failure) in
            try run(call, .best(type), make) { results in
                _isPOD(type) ? results.results(of: type) : results.decodedResults(as: type)
            } ?? []
        }
    }

    @usableFromInline
    func mapPlainResults<R>(
        _ call: Call, of type: R.Type, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, R>
    ) -> [Result<R, ForkPool.Failure>] {
        everyOutcome(call.count) { () throws(ForkPool.Failure) in
            try run(call, .plain(type), make) { $0.results(of: type) } ?? []
        }
    }

    @usableFromInline
    func forEach(
        _ call: Call, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, Void>
    ) throws(ForkPool.Failure) {
        _ = try run(call, .plain(Void.self), make) { _ in }
    }

    @usableFromInline
    func fill<Element: BitwiseCopyable>(
        _ call: Call, slot: Int, of type: Element.Type, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) throws(ForkPool.Failure) -> SharedArray<Element> {
        let (stride, overflow) = slot.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(call.count >= 0, "ForkPool: a count of slots must be at least 0, not \(call.count)")
        precondition(slot >= 0, "ForkPool: a slot must have at least 0 elements, not \(slot)")
        precondition(!overflow, "ForkPool: a slot of \(slot) elements is larger than any memory")
        let shape = ResultShape(type: type, stride: stride, isCoded: false)
        let elements = try withoutActuallyEscaping(body) { (body) throws(ForkPool.Failure) in
            let body = SlotBody(body)
            return try unsafe withUnsafePointer(to: body) { (body) throws(ForkPool.Failure) in
                let make = { () throws(ForkPool.Failure) in
                    try call.pool.residentFill(slot: slot) { number, elements in
                        try unsafe body.pointee.run(number, &elements)
                    }
                }
                return try run(call, shape, make) { SharedArray<Element>($0, count: call.count * slot) }
            }
        }
        return elements ?? SharedArray(count: 0)
    }

    private func run<R, T>(
        _ call: Call, _ shape: ResultShape, _ make: () throws(ForkPool.Failure) -> ForkPool.Resident<Int, R>,
        _ read: (GatheredResults) throws(ForkPool.Failure) -> T
    ) throws(ForkPool.Failure) -> T? {
        let makeWorkers = { () throws(ForkPool.Failure) in
            try make().rangeWorkers(stopsAtFailure: call.stopsAtFailure)
        }
        return try run(call, shape, makeWorkers, read)
    }
}

/// A function that writes a slot, in memory.
private struct SlotBody<Element: BitwiseCopyable> {
    let run: (Int, inout MutableSpan<Element>) throws -> Void

    init(_ run: @escaping (Int, inout MutableSpan<Element>) throws -> Void) {
        self.run = run
    }
}

extension ResultShape {
    static func plain<R>(_ type: R.Type) -> Self {
        Self(type: type, stride: MemoryLayout<R>.stride, isCoded: false)
    }

    static func best<R: Codable>(_ type: R.Type) -> Self {
        Self(type: type, stride: MemoryLayout<R>.stride, isCoded: !_isPOD(type))
    }
}

/// Makes the failure of a whole map the failure of every item.
private func everyOutcome<R>(
    _ count: Int, _ map: () throws(ForkPool.Failure) -> [Result<R, ForkPool.Failure>]
) -> [Result<R, ForkPool.Failure>] {
    do throws(ForkPool.Failure) {
        return try map()
    } catch {
        return (0..<count).map { .failure(error.at($0)) }
    }
}
