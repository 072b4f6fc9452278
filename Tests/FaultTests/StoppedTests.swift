// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Processes that are stopped from outside while they have nothing to do; A12 stops them on an item.
@Suite struct StoppedTests {
    @Test(
        "G3: a pool with a stopped template, spare or idle worker does its maps, keeps timeouts and replaces workers",
        arguments: Kind.resident)
    func maps(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for target in StoppedScenes.Target.allCases where target.exists(in: kind) {
                StoppedScenes.maps(kind, target)
            }
        }
    }

    @Test(
        "G3: close(), cancel() and the last reference end a pool with a stopped template, spare or idle worker",
        arguments: Kind.resident)
    func ends(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for target in StoppedScenes.Target.allCases where target.exists(in: kind) {
                for end in ["close", "cancel", "drop"] { StoppedScenes.ends(kind, target, end) }
            }
        }
    }
}

private enum StoppedScenes {
    enum Target: CaseIterable {
        case template, spare, idle

        func exists(in kind: Kind) -> Bool { kind != .exec || self != .template }
    }

    private static let options = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1))

    /// Waits until both workers and the spare exist, and stops one of these, or the template.
    private static func stop(_ target: Target, _ pool: Scene.Pool) throws(ForkPool.Failure) {
        let meeting = Rendezvous()
        let workers = try pool.map((0..<2).map { _ in .meet(at: meeting.path, 2, then: .pid) }).map { Int32($0) }
        while ProcessStatus.workers.count < 3 { usleep(1000) }
        let pids =
            switch target {
            case .template: [ProcessStatus.template!]
            case .spare: ProcessStatus.workers.filter { !workers.contains($0) }
            case .idle: workers
            }
        #expect(!pids.isEmpty)
        for pid in pids {
            kill(pid, SIGSTOP)
            #expect(ProcessStatus.wait(for: "T", of: pid))
        }
    }

    static func maps(_ kind: Kind, _ target: Target) {
        Scene.survive(kind, options: options) { pool throws in
            try stop(target, pool)
            #expect(try pool.map([.give(1), .give(2), .give(3)]) == [1, 2, 3])
            // More workers end than there are spares.
            let deaths = pool.mapResults([.raise(SIGKILL), .raise(SIGKILL), .raise(SIGKILL), .give(4)])
            #expect(deaths.map { $0.failure?.code } == [.killed, .killed, .killed, nil])
            #expect(deaths[3].value == 4)
            let meeting = Rendezvous()
            let results = pool.mapResults([.sleep(at: meeting.path), .give(5)])
            #expect(results[0].failure?.code == .timedOut)
            #expect(results[1].value == 5)
        }
    }

    static func ends(_ kind: Kind, _ target: Target, _ end: String) {
        Scene.leaveNothing { () throws in
            var pool: Scene.Pool? = try kind.start(Performer(), options: options)
            try Scene.answersRight(pool!)
            try stop(target, pool!)
            let calls = (0..<4).map { pool!.submit(.give($0)) }
            switch end {
            case "close": pool!.close()
            case "cancel": pool!.cancel()
            default: pool = nil
            }
            for (number, call) in calls.enumerated() {
                let result = Result { () throws(ForkPool.Failure) in try call.wait() }
                if end == "close" {
                    #expect(result.value == number)
                } else {
                    #expect(result.value == number || result.failure?.code == .cancelled)
                }
            }
            pool = nil
        }
    }
}
