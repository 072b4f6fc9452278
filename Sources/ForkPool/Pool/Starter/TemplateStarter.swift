// SPDX-License-Identifier: Apache-2.0
/// Forks the workers of a resident pool from a template, and from a new one when a child of that was found in a deadlock.
final class TemplateStarter: Starter {
    let forker: Forker
    private let worker: WorkerMain
    private let layout: RegionLayout
    private var newest: Template
    /// The template that each process was forked from, by slot.
    private var owners: [Int: Template] = [:]
    /// Templates that nothing is forked from any more, and whose children still run.
    private var older: [Template] = []

    init(_ worker: WorkerMain, _ layout: RegionLayout) throws(SystemError) {
        // Templates beside the processes, and what is still ending beside its successor.
        forker = try Forker(capacity: 2 * layout.processSlots + 16)
        self.worker = worker
        self.layout = layout
        newest = try Template(worker, layout: layout, forker: forker)
    }

    private var all: [Template] { older + [newest] }

    func begin(_ slots: [Int]) {
        for slot in slots { owners[slot] = newest }
        older.removeAll { old in !owners.values.contains { $0 === old } }
        newest.begin(slots)
    }

    func started(waiting: Bool) -> Started {
        all.flatMap { $0.started(waiting: waiting) }
    }

    func reap(_ process: ProcessHandle, in slot: Int) -> ProcessExit {
        (owners[slot] ?? newest).reap(process, in: slot)
    }

    var isStarting: Bool { newest.isAsked }

    var startsAlone: Bool { true }

    func retireMemory(of slot: Int) -> Bool {
        guard owners[slot] === newest else { return false }
        guard let other = try? Template(worker, layout: layout, forker: forker) else { return true }
        older.append(newest)
        newest = other
        return true
    }

    var watched: [Int32] { all.compactMap(\.watched) }

    func watchedIsReadable() {
        for template in all { template.lost() }
    }

    func reopen(_ closed: Set<Int32>) {
        for template in all { template.reopen(closed) }
    }

    func close() {
        // All of them, and the guard, end at the same time.
        for template in all { template.end() }
        forker.dismissGuard()
        for template in all { template.close() }
    }
}
