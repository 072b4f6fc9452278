// SPDX-License-Identifier: Apache-2.0
/// Decides which jobs of a pool that has several accept work, and which one is the last to end.
///
/// A pure state machine: it knows no memory and no process.
struct JobRoster {
    /// The names of the jobs' types.
    let names: [String]
    /// Why jobs accept nothing any more, as the end of a sentence.
    private var refusals: [Int: String] = [:]
    /// The jobs whose work is over.
    private var ended: Set<Int> = []

    init(_ names: [String]) {
        self.names = names
    }

    /// Whether a job accepts nothing any more.
    var refusesAny: Bool { !refusals.isEmpty }

    func refuses(_ job: Int) -> Bool { refusals[job] != nil }

    func refusal(of job: Int) -> String? { refusals[job] }

    /// The name of the job whose `setUp` a stage of a worker's record means, if it is one.
    func name(at stage: Int) -> String? {
        let job = WorkerRecord.Stage.job(at: stage)
        return names.indices.contains(job) ? names[job] : nil
    }

    /// Accepts nothing more of a job; the first reason stays.
    mutating func refuse(_ job: Int, because reason: String) {
        if refusals[job] == nil { refusals[job] = reason }
    }

    /// Records that the work of a job is over; returns whether that of every job is.
    mutating func end(_ job: Int) -> Bool {
        ended.insert(job)
        return ended.count == names.count
    }
}
