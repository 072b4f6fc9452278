// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// The settings of a worker's process: name, processor, priority, limits and chunk.
struct WorkerSettings: Codable {
    var name: String?
    var pinning: Bool
    var niceness: Int
    var itemsPerWorker: Int?
    var chunk: Int?
    /// The limits on private memory beyond what the process has at first, in bytes, and on processor time, in nanoseconds.
    var memoryLimit: Int?
    var cpuTimeLimit: Int?
    var dumpsCore: Bool
    /// What all numbers of the workers' generators come from.
    var seed: UInt64
    var host: Int
    /// The signals that the worker ignores: bits by number.
    var ignoredSignals: UInt32

    init(_ options: ForkPool.Options) {
        name = options.name
        pinning = options.pinning
        niceness = options.niceness
        itemsPerWorker = options.itemsPerWorker
        chunk = options.chunk.size
        memoryLimit = options.memoryLimit
        cpuTimeLimit = options.cpuTimeLimit?.nanoseconds
        dumpsCore = options.dumpsCore
        seed = options.seed ?? Seeds.fresh()
        host = options.host
        ignoredSignals = options.signals.areIgnored ? cforkpool_group_signals() : 0
    }

    /// Makes this process worker `index`, which others were before; a refused limit is an error, but a worker runs without a refused name or priority.
    func apply(to index: Int, replacements: UInt32) throws(SystemError) {
        cforkpool_set_worker(
            cforkpool_worker(
                index: Int32(index), pid: getpid(), attempt: 1, replacements: replacements,
                host: Int32(host), seed: seed, call: 0, first_item: 0))
        if let memoryLimit {
            _ = try SystemError.check("setrlimit") { cforkpool_limit_memory(Int64(memoryLimit)) }
        }
        if let cpuTimeLimit {
            _ = try SystemError.check("timer_settime") { cforkpool_limit_cpu_time(Int64(cpuTimeLimit)) }
        }
        if let name { _ = unsafe Self.processName(name, index).withCString { unsafe cforkpool_prctl_name($0) } }
        if pinning { _ = cforkpool_sched_setaffinity(Int32(index)) }
        if niceness != 0 { raiseNiceness() }
        if !dumpsCore { cforkpool_prevent_core() }
        // A worker that was started by exec ignores them already, and notes it here.
        if ignoredSignals != 0 { cforkpool_ignore_signals(ignoredSignals) }
    }

    /// Raises the niceness, which each thread has for itself, of the main thread and of this one; a fork has only one.
    private func raiseNiceness() {
        let process = __priority_which_t(PRIO_PROCESS.rawValue)
        let raised = getpriority(process, 0) + Int32(niceness)
        for thread in [0, id_t(getpid())] { setpriority(process, thread, raised) }
    }

    /// Returns the name and the worker's number, within the 15 bytes that the kernel keeps.
    static func processName(_ name: String, _ index: Int) -> String {
        let number = "-\(index)"
        var kept = Substring(name)
        while kept.utf8.count + number.utf8.count > 15, !kept.isEmpty { kept.removeLast() }
        return kept + number
    }
}
