/// The project's own performance gate: compares what was measured and counted with limits.
struct OverheadGate {
    /// What it says of one limit.
    enum Verdict: String {
        case passed
        /// Above the limit for sure.
        case slower = "SLOWER"
        /// Above it, but perhaps by chance; or it could not be counted.
        case inconclusive
    }

    /// One limit and what was found.
    struct Finding {
        let verdict: Verdict
        /// What was compared, in words.
        let name: String
        /// What was measured or counted, nil if it could not be.
        let value: Double?
        /// The interval of a ratio.
        let interval: ClosedRange<Double>?
        let most: Double
        /// Why there is no value.
        var reason: String?

        /// A line that tells it.
        fileprivate var line: String {
            let found: String
            let limit: String
            if let interval, let value {
                let bounds = "\(fixed(interval.lowerBound, 2)) to \(fixed(interval.upperBound, 2))"
                (found, limit) = ("×\(fixed(value, 2)) (\(bounds))", "×\(fixed(most, 2))")
            } else {
                (found, limit) = (value.map { fixed($0, 3) } ?? "–", fixed(most, 3))
            }
            let why = reason.map { ": \($0)" } ?? ""
            return "\(left(verdict.rawValue, 12)) \(found), at most \(limit)  \(name)\(why)"
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

    /// The probability that a ratio is called slower by chance, over all of them.
    private static let error = 0.05

    let findings: [Finding]

    /// Judges what was measured and counted.
    ///
    /// A ratio is above its limit for sure if the sign test says so; where there are several, each is held to a stricter
    /// one, so that all of them together are rarely wrong (Holm).
    ///
    /// - Parameters:
    ///   - limits: What is allowed.
    ///   - lines: The measured rows, one for each limit's row.
    ///   - counts: The counted scenes, one for each limit's scene; one that could not be counted says why.
    init(_ limits: Limits, _ lines: [OverheadLine], _ counts: [SceneCount]) {
        let ratios = limits.ratios.compactMap { limit -> (limit: Limits.Ratio, ratios: Sample)? in
            guard let line = lines.first(where: { $0.row.name == limit.row }), let ours = line[limit.column],
                let base = line[limit.base]
            else { return nil }
            return (limit, ours.ratios(to: base))
        }
        let chances = ratios.map { SignTest.probability($0.ratios.seconds, above: $0.limit.most) }
        let compared = zip(ratios, holm(chances, error: Self.error)).map { each, isSure in
            let median = each.ratios.median
            return Finding(
                verdict: isSure ? .slower : median > each.limit.most ? .inconclusive : .passed, name: each.limit.name,
                value: median, interval: each.ratios.interval, most: each.limit.most)
        }
        let counted = limits.counts.compactMap { limit -> Finding? in
            guard let count = counts.first(where: { $0.scene.name == limit.scene }) else { return nil }
            let value = count[limit.counted]
            return Finding(
                verdict: value.map { $0 > limit.most ? .slower : .passed } ?? .inconclusive, name: limit.name,
                value: value, interval: nil, most: limit.most, reason: value == nil ? count.reason : nil)
        }
        findings = compared + counted
    }

    /// 0 if every limit is kept, 1 if one is not, 3 if that is not known of one.
    var code: Int32 {
        if findings.contains(where: { $0.verdict == .slower }) { return Exit.partial }
        return findings.contains { $0.verdict == .inconclusive } ? Exit.inconclusive : 0
    }

    /// A line for each limit.
    var text: String { findings.map { $0.line + "\n" }.joined() }

    /// One document.
    var json: JSON {
        .object([
            ("version", .string(ForkPoolCommand.version)), ("verb", .string("overhead")),
            ("exit", .integer(Int(code))), ("limits", .array(findings.map(\.json))),
        ])
    }
}
