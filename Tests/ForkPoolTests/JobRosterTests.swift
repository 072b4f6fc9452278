// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("A roster of jobs")
struct JobRosterTests {
    @Test("refuses a job for the first reason that it was given, and no other job")
    func refuse() {
        var roster = JobRoster(["A", "B"])
        #expect(!roster.refuses(0) && roster.refusal(of: 0) == nil && !roster.refusesAny)
        roster.refuse(0, because: "was closed")
        roster.refuse(0, because: "was dropped")
        #expect(roster.refuses(0) && roster.refusal(of: 0) == "was closed" && roster.refusesAny)
        #expect(!roster.refuses(1) && roster.refusal(of: 1) == nil)
    }

    @Test("knows the last job, whatever their order, and a job that ends twice")
    func end() {
        var roster = JobRoster(["A", "B", "C"])
        var isLast: [Bool] = []
        for job in [2, 2, 0, 1, 2] { isLast.append(roster.end(job)) }
        #expect(isLast == [false, false, false, true, true])
    }

    @Test("names the job that a worker sets up, and none at other stages or damaged ones")
    func name() {
        let roster = JobRoster(["A", "B"])
        #expect([0, 1].map { roster.name(at: WorkerRecord.Stage.settingUp($0)) } == ["A", "B"])
        let stages = [
            WorkerRecord.Stage.starting, WorkerRecord.Stage.settingUp, WorkerRecord.Stage.ready,
            WorkerRecord.Stage.working, WorkerRecord.Stage.settingUp(2), -1, .min, .max,
        ]
        for stage in stages { #expect(roster.name(at: stage) == nil, "\(stage)") }
    }

    @Test("reads the number of a batch's job only beside the batch's own tag")
    func number() throws {
        let pool = try Pool(workers: 1, options: .init(), for: .forked)
        let slot = pool.layout.batchSlot(0)
        for (job, tag) in [(0, 1), (3, 7), (0x7FFF_FFFF, 0xFFFF_FFFF)] {
            slot.setJob(job, tag: tag)
            #expect(slot.job(tag: tag) == job)
            #expect(slot.job(tag: tag - 1) == -1)
        }
        pool.endWithoutWorkers(.cancelled)
    }
}
