internal import CForkPool
internal import Glibc
internal import Synchronization

/// The first Swift code in a worker that was started by exec, on a thread of its own.
@_cdecl("cforkpool_exec_worker")
func execWorker(memory descriptor: Int32, bell: Int32, place: Int32, token: UInt64) {
    guard let memory = mapMemory(descriptor, token: token), place >= 0, place < memory.places else {
        unsafe cforkpool_refuse_worker("its memory is not a pool's")
    }
    unsafe cforkpool_become_worker(memory.crash(Int(place)))
    guard let order = readOrder(memory) else {
        // Another one is started, for which the parent writes it anew.
        unsafe cforkpool_refuse_worker("what tells it its job is damaged; a body wrote where it must not")
    }
    do {
        try makeWorker(memory, bell, order).run(place: Int(place))
    } catch {
        let worker = memory.assignment(Int(place)).wait(below: memory.workers)
        ResidentWorker.refuse(Report(notRunnable: error), worker, memory)
    }
}

/// Maps a pool's memory, if that is what the descriptor is of.
private func mapMemory(_ descriptor: Int32, token: UInt64) -> ResidentMemory? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_size >= Mapping.pageSize,
        let base = unsafe try? Mapping.map(descriptor, status.st_size)
    else { return nil }
    let shape = unsafe ResidentMemory.readShape(base)
    guard shape.token == token, shape.isPossible(within: status.st_size) else { return nil }
    let memory = unsafe ResidentMemory(base: base, shape: shape)
    return memory.size == status.st_size ? memory : nil
}

/// Copies what the parent left for the worker, if it is that.
private func readOrder(_ memory: ResidentMemory) -> [UInt8]? {
    let offset = unsafe memory.jobOffset.pointee.load(ordering: .relaxed)
    let length = unsafe memory.jobLength.pointee.load(ordering: .relaxed)
    guard length >= 0, length <= memory.heap.count, memory.heap.lowerBound <= offset,
        offset <= memory.heap.upperBound - length
    else { return nil }
    let bytes = unsafe Array(UnsafeRawBufferPointer(start: memory.base + offset, count: length))
    return unsafe ExecOrder.checksum(bytes) == memory.jobChecksum.pointee.load(ordering: .relaxed) ? bytes : nil
}

/// Makes the worker that an order describes.
private func makeWorker(_ memory: ResidentMemory, _ bell: Int32, _ bytes: [UInt8]) throws -> ResidentWorker {
    let order = unsafe try bytes.withUnsafeBytes { unsafe try BinaryDecoder.decode(ExecOrder.self, from: $0) }
    guard let type = _typeByName(order.typeName) as? any ForkPool.Job.Type else {
        throw MissingType(name: order.typeName)
    }
    let runner = try makeRunner(type, order.job)
    return ResidentWorker(
        memory: memory, bell: bell, life: order.life, setUp: runner.setUp, tearDown: runner.tearDown,
        body: runner.body)
}

private func makeRunner<J: ForkPool.Job>(_ type: J.Type, _ job: [UInt8]) throws -> JobRunner {
    JobRunner(unsafe try job.withUnsafeBytes { unsafe try BinaryDecoder.decode(type, from: $0) })
}

/// Says that a job's type is not in this program.
private struct MissingType: Error, CustomStringConvertible {
    let name: String
    var description: String { "its type \(name) is not in the program; link what declares it into the program itself" }
}
