// SPDX-License-Identifier: Apache-2.0
#if Command
/// The performance gate of this project: compares measurements and counts with limits.
struct OverheadGate {
    /// The verdict on one limit.
    enum Verdict: String {
        case passed
        /// Significantly above the limit.
        case slower = "SLOWER"
        /// Above the limit, but perhaps by chance; or not counted.
        case inconclusive
    }

    /// The result for one limit.
    struct LimitResult {
        let verdict: Verdict
        /// The name of the limit.
        let name: String
        /// The measured or counted value; nil if there is none.
        let value: Double?
        /// The interval of a ratio.
        let interval: ClosedRange<Double>?
        let most: Double
        /// The reason why there is no value.
        var reason: String?

        /// The result in a line.
        fileprivate var line: String {
            let found: String
            let limit: String
            if let interval, let value {
                let bounds = "\(fixed(interval.lowerBound, 2)) to \(fixed(interval.upperBound, 2))"
                (found, limit) = ("×\(fixed(value, 2)) (\(bounds))", "×\(fixed(most, 2))")
            } else {
                (found, limit) = (value.map { fixed($0, 3) } ?? "–", fixed(most, 3))
            }
            let suffix = reason.map { ": \($0)" } ?? ""
            return "\(left(verdict.rawValue, 12)) \(found), at most \(limit)  \(name)\(suffix)"
        }

        fileprivate var json: JSON {
            .object([
                ("limit", .string(name)), ("verdict", .string(verdict.rawValue.lowercased())), ("most", .number(most)),
                ("value", value.map { .number($0) } ?? .null),
                ("low", interval.map { .number($0.lowerBound) } ?? .null),
                ("high", interval.map { .number($0.upperBound) } ?? .null),
                ("reason", reason.map { .string($0) } ?? .null),
            ])
        }
    }

    /// The probability that any ratio is called slower by chance.
    private static let error = 0.05

    let results: [LimitResult]

    /// Compares measurements and counts with limits.
    ///
    /// The sign test decides whether a ratio is above its limit, with one error for all ratios together (Holm).
    ///
    /// - Parameters:
    ///   - limits: The limits.
    ///   - lines: The measured rows.
    ///   - counts: The counted workloads; one without a count has a reason.
    ///   - leftOut: The reasons why rows were not measured, by their names.
    init(
        _ limits: OverheadLimits, _ lines: [OverheadLine], _ counts: [WorkloadCount], leftOut: [String: String] = [:]
    ) {
        let ratios = limits.ratios.compactMap { limit -> (limit: OverheadLimits.Ratio, ratios: Sample)? in
            guard let line = lines.first(where: { $0.row.name == limit.row }), let ours = line[limit.column],
                let base = line[limit.base]
            else { return nil }
            return (limit, ours.ratios(to: base))
        }
        let probabilities = ratios.map { SignTest.probability($0.ratios.seconds, above: $0.limit.most) }
        let compared = zip(ratios, holm(probabilities, error: Self.error)).map { each, isSignificant in
            let median = each.ratios.median
            return LimitResult(
                verdict: isSignificant ? .slower : median > each.limit.most ? .inconclusive : .passed,
                name: each.limit.name,
                value: median, interval: each.ratios.interval, most: each.limit.most)
        }
        let counted = limits.counts.compactMap { limit -> LimitResult? in
            guard let count = counts.first(where: { $0.workload.name == limit.workload }) else { return nil }
            let value = count[limit.counted]
            return LimitResult(
                verdict: value.map { $0 > limit.most ? .slower : .passed } ?? .inconclusive, name: limit.name,
                value: value, interval: nil, most: limit.most, reason: value == nil ? count.reason : nil)
        }
        let missing = limits.ratios.compactMap { limit in
            leftOut[limit.row].map { reason in
                LimitResult(
                    verdict: .inconclusive, name: limit.name, value: nil, interval: nil, most: limit.most,
                    reason: reason)
            }
        }
        results = compared + missing + counted
    }

    /// The exit code: 0 if all limits are kept, 1 if one is exceeded, 3 if one is inconclusive.
    var code: Int32 {
        if results.contains(where: { $0.verdict == .slower }) { return Exit.partial }
        return results.contains { $0.verdict == .inconclusive } ? Exit.inconclusive : 0
    }

    /// The results as text, a line for each limit.
    var text: String { results.map { $0.line + "\n" }.joined() }

    /// The results as a document.
    var json: JSON {
        .object([
            ("version", .string(ForkPoolCommand.version)), ("verb", .string("overhead")),
            ("exit", .integer(Int(code))), ("limits", .array(results.map(\.json))),
        ])
    }
}
#endif
