internal import CForkPool
internal import Glibc

/// Starts workers by executing this program again, which finds the pool's memory by a descriptor.
final class ExecSource: ProcessSource {
    private let core: ResidentCore
    private var results: [(place: Int, process: Result<ResidentProcess, SystemError>)] = []

    init(_ core: ResidentCore) {
        self.core = core
    }

    func begin(_ places: [Int]) {
        let region = core.region
        core.writeOrder()
        var exec = cforkpool_exec(
            memory: region.descriptor ?? -1, eventfd: core.bell.descriptor, token: region.memory.shape.token)
        let starts = unsafe withUnsafeMutablePointer(to: &exec) { exec in
            unsafe WorkerProcess.start(
                places.map { place in
                    unsafe region.memory.crash(place).pointee.signal = 0
                    return unsafe cforkpool_start(
                        entry: ResidentWorker.entry, context: UnsafeMutableRawPointer(exec), worker: Int32(place),
                        crash: nil, keeps_signals_blocked: false, pid: 0, pidfd: -1, failed_call: nil)
                }, byExec: true)
        }
        for (place, start) in zip(places, starts) {
            switch start {
            case .running(let process): results.append((place, .success(process.release())))
            case .refused(let error): results.append((place, .failure(error)))
            }
        }
    }

    func started(waiting: Bool) -> [(place: Int, process: Result<ResidentProcess, SystemError>)] {
        defer { results = [] }
        return results
    }

    var startsAlone: Bool { false }

    func reap(_ process: ResidentProcess, in place: Int) -> Death {
        Death(reaping: process.descriptor, pid: process.pid)
    }

    func distrust(_ place: Int) -> Bool { true }
    var watched: [Int32] { [] }
    func lost() {}
    func close() {}
}
