// SPDX-License-Identifier: Apache-2.0
#if Command
/// What the progress of a run shows.
struct RunProgress {
    private static let bars = 10...40

    let tally: JobTally
    let running: Int
    /// How many jobs there are; nil if not known yet.
    let total: Int?
    /// How long the run has taken, in seconds.
    let seconds: Double
    /// The job that runs longest: its item and its seconds.
    var longest: (item: String, seconds: Double)?
    /// Why no job starts now.
    var waiting: String?

    /// All of it in a line.
    var line: String {
        let share = total.map { "\($0 == 0 ? 100 : tally.done * 100 / $0)%: " } ?? ""
        let parts = [done, runningText, failed, waiting, left, rate, longestText(columns: 60)]
        return share + parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// A bar and what fits beside it.
    ///
    /// - Parameter columns: The columns that there are.
    /// - Returns: The text.
    func bar(columns: Int) -> String {
        // What there is no room for is left out, the least important first.
        var parts: [String?] = [done, nil, nil, nil, nil, nil, nil]
        func text() -> String { parts.compactMap { $0 }.joined(separator: ", ") }
        let least = total == nil ? 0 : Self.bars.lowerBound + 3
        func room() -> Int { columns - least - columnCount(text()) - 2 }
        for (place, part) in [(2, failed), (4, left), (3, waiting), (1, runningText), (5, rate)] {
            if let part, columnCount(part) <= room() { parts[place] = part }
        }
        parts[6] = longestText(columns: min(room(), 40))
        let width = min(Self.bars.upperBound, columns - columnCount(text()) - 3)
        guard let total, width >= Self.bars.lowerBound else { return String(cut(text(), toColumns: columns)) }
        let full = total == 0 ? width : width * tally.done / total
        return "[\(String(repeating: "#", count: full))\(String(repeating: ".", count: width - full))] \(text())"
    }

    private var done: String { total.map { "\(tally.done) of \($0) done" } ?? "\(tally.done) done" }
    private var runningText: String? { "\(running) running" }
    private var failed: String? { tally.failed > 0 ? "\(tally.failed) failed" : nil }
    private var finished: Int { tally.succeeded + tally.failed }

    private var left: String? {
        guard let total, finished > 0 else { return nil }
        return "\(Self.clock(seconds * Double(total - tally.done) / Double(finished))) left"
    }

    private var rate: String? {
        guard finished > 0, seconds > 0 else { return nil }
        let rate = Double(finished) / seconds
        return rate >= 0.1 ? "\(fixed(rate, rate < 10 ? 1 : 0))/s" : "\(fixed(rate * 3600, 0))/h"
    }

    /// The longest job, from a second on; nil if it does not fit.
    private func longestText(columns: Int) -> String? {
        guard let longest, longest.seconds >= 1 else { return nil }
        let time = " \(Self.clock(longest.seconds, rounded: .down))"
        let room = columns - columnCount(time) - 9
        guard room >= 4 else { return nil }
        return "longest: \(cut(longest.item, toColumns: room))\(time)"
    }

    /// Formats seconds as "0:07" or "1:02:03".
    private static func clock(_ seconds: Double, rounded rule: FloatingPointRoundingRule = .up) -> String {
        let whole = Int(exactly: min(seconds, 1e9).rounded(rule)) ?? 0
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        let rest = whole % 60 < 10 ? "0\(whole % 60)" : "\(whole % 60)"
        guard hours > 0 else { return "\(minutes):\(rest)" }
        return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(rest)"
    }
}
#endif
