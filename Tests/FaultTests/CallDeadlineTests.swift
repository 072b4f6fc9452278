// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// The time from a call to its result, in which the time in the queue counts.
@Suite struct CallDeadlineTests {
    @Test("What runs at its deadline is killed, what is done by then has its result", arguments: Kind.allCases)
    func runs(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallDeadlineScenes.runs(kind)
            await CallDeadlineScenes.runsForTasks(kind)
        }
    }

    @Test("A deadline that has passed before the call fails the call", arguments: Kind.allCases)
    func passed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallDeadlineScenes.passed(kind) }
    }

    @Test("What waits at its deadline takes no worker, and what it waited for goes on", arguments: Kind.allCases)
    func waits(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallDeadlineScenes.waits(kind)
            await CallDeadlineScenes.waitsForTasks(kind)
        }
    }

    @Test("Hundreds of calls whose time is over before any begins fail, and leave the others", arguments: Kind.resident)
    func crowd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallDeadlineScenes.crowd(kind) }
    }

    @Test("A caller that waits for room waits no longer than its deadline", arguments: Kind.resident)
    func room(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallDeadlineScenes.room(kind)
            await CallDeadlineScenes.roomForTasks(kind)
        }
    }

    @Test("All attempts at an item and the pauses between them share one deadline", arguments: Kind.allCases)
    func attempts(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallDeadlineScenes.attempts(kind) }
    }

    @Test("Each item of a stream has its deadline from when it is taken", arguments: Kind.allCases)
    func stream(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallDeadlineScenes.stream(kind)
            await CallDeadlineScenes.streamOfTasks(kind)
        }
    }

    @Test("A map in line that has had its turn ends by its deadline too")
    func turn() async {
        await #expect(processExitsWith: .success) { CallDeadlineScenes.turn() }
    }

    @Test("A map whose workers are still setting up at its deadline ends", arguments: [Kind.oneShot])
    func setUp(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallDeadlineScenes.setUp(kind) }
    }

    @Test(
        "A map whose workers are still in tearDown at its deadline has its results, and its deadline ends no later map")
    func tearDown() async {
        await #expect(processExitsWith: .success) { CallDeadlineScenes.tearDown() }
    }
}
