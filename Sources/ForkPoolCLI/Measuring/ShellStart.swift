// SPDX-License-Identifier: Apache-2.0
#if Command
/// How long a shell takes to start and to end, which is no part of a command's time.
struct ShellStart {
    let label: String
    let wall: Summary
    let user: Int
    let system: Int

    /// Makes it of the runs of a shell with an empty script; nil if none succeeded.
    init?(_ command: MeasuredCommand) {
        guard !command.countedRuns.isEmpty else { return nil }
        label = command.label
        wall = command.summary(.wall)
        user = Int(command.median(\.user))
        system = Int(command.median(\.system))
    }

    /// A sentence that says what is subtracted.
    var sentence: String {
        let scale = Scale.seconds(wall.median)
        let interval = wall.interval.map { " [\(scale.number($0.lowerBound)), \(scale.number($0.upperBound))]" } ?? ""
        return
            "The start of the shell (\(label)) takes \(scale.text(wall.median))\(interval), which is subtracted from "
            + "each run."
    }
}

extension Execution {
    /// Subtracts the start of the shell; a run that took no longer becomes 0.
    func without(_ start: ShellStart) -> Execution {
        var run = self
        run.wall = max(0, wall - Int(start.wall.median * 1e9))
        run.user = max(0, user - start.user)
        run.system = max(0, system - start.system)
        return run
    }
}
#endif
