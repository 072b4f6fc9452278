// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// The first Swift code of an exec worker, on a thread of its own.
@_cdecl("cforkpool_exec_worker")
func execWorker(memory descriptor: Int32, processSlot: Int32, token: UInt64) {
    let slot = Int(processSlot)
    guard let region = mapRegion(descriptor, token: token), slot >= 0, slot < region.processSlots else {
        unsafe cforkpool_refuse_worker("its memory is not a pool's")
    }
    unsafe cforkpool_become_worker(region.crash(slot))
    guard let job = readJob(region) else {
        // The pool starts another process, and writes the job again for it.
        unsafe cforkpool_refuse_worker("its job is damaged; a body wrote outside of its own memory")
    }
    do {
        try makeWorker(region, job).run(in: slot)
    } catch {
        guard let worker = region.mailbox(slot).wait(below: region.workers) else { return }
        WorkerMain.refuse(WorkerError(notRunnable: error), worker, region)
    }
}

/// Maps a pool's memory; nil if the descriptor is of anything else.
private func mapRegion(_ descriptor: Int32, token: UInt64) -> RegionLayout? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_size >= Mapping.pageSize,
        let base = unsafe try? Mapping.map(descriptor, status.st_size)
    else { return nil }
    let shape = unsafe RegionLayout.readShape(base)
    guard shape.token == token, shape.isPossible(within: status.st_size) else { return nil }
    let region = unsafe RegionLayout(base: base, shape: shape)
    return region.size == status.st_size ? region : nil
}

/// Copies the bytes of the job; nil if they are not those that the parent wrote.
private func readJob(_ region: RegionLayout) -> [UInt8]? {
    let offset = unsafe region.jobOffset.pointee.load(ordering: .relaxed)
    let length = unsafe region.jobLength.pointee.load(ordering: .relaxed)
    guard length >= 0, length <= region.inputs.count, region.inputs.lowerBound <= offset,
        offset <= region.inputs.upperBound - length
    else { return nil }
    let bytes = unsafe Array(UnsafeRawBufferPointer(start: region.base + offset, count: length))
    return unsafe ExecJob.checksum(bytes) == region.jobChecksum.pointee.load(ordering: .relaxed) ? bytes : nil
}

private func makeWorker(_ region: RegionLayout, _ bytes: [UInt8]) throws -> WorkerMain {
    let job = unsafe try bytes.withUnsafeBytes { unsafe try BinaryDecoder.decode(ExecJob.self, from: $0) }
    let runners = try job.parts.map { part in
        guard let type = _typeByName(part.typeName) as? any ForkPool.Job.Type else {
            throw MissingType(name: part.typeName)
        }
        return try makeRunner(type, part.job)
    }
    guard runners.count == 1 else {
        let jobs = JobGroup(runners)
        return WorkerMain(
            region: region, settings: job.settings, setUp: nil, tearDown: nil, jobs: jobs, body: jobs.body)
    }
    return WorkerMain(
        region: region, settings: job.settings, setUp: runners[0].setUp, tearDown: runners[0].tearDown,
        body: runners[0].body)
}

private func makeRunner<J: ForkPool.Job>(_ type: J.Type, _ job: [UInt8]) throws -> JobRunner {
    JobRunner.of(unsafe try job.withUnsafeBytes { unsafe try BinaryDecoder.decode(type, from: $0) })
}

private struct MissingType: Error, CustomStringConvertible {
    let name: String
    var description: String { "its type \(name) is not in the program; link the type's module into the program itself" }
}
