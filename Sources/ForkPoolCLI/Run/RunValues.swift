// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// How many jobs run at once, as an argument: `8`, `50%`, `+2` and `-1` of the processors, or `0` for no limit.
struct JobCount: ExpressibleByArgument, Equatable {
    /// The most jobs at once.
    static let most = 10_000

    private enum Form: Equatable {
        case number(Int)
        /// A share of the processors.
        case share(Double)
        /// The processors, and so many more.
        case more(Int)
    }

    private let form: Form

    init(_ number: Int) {
        form = .number(number)
    }

    init?(argument: String) {
        // By bytes: to compare characters takes a measurable part of the start.
        let (first, last) = (argument.utf8.first, argument.utf8.last)
        if last == UInt8(ascii: "%") {
            guard let share = (try? Percentage(parsing: argument))?.part, share > 0 else { return nil }
            form = .share(share)
        } else if first == UInt8(ascii: "+") || first == UInt8(ascii: "-") {
            guard let more = Int(argument), more.magnitude <= Self.most else { return nil }
            form = .more(more)
        } else {
            guard let number = Int(argument), number <= Self.most else { return nil }
            form = .number(number)
        }
    }

    /// Reads a number, with better errors than `init(argument:)`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        guard let count = JobCount(argument: text) else {
            throw ValidationError(
                "how many jobs run at once has the form 8, 50%, +2, -1, or 0 for no limit; at most \(Self.most) are possible."
            )
        }
        self = count
    }

    /// Computes the number.
    ///
    /// - Parameters:
    ///   - processors: How many processors there are.
    ///   - items: How many items there are; nil if not known.
    /// - Returns: The number, from 1.
    func number(processors: @autoclosure () -> Int, items: Int?) -> Int {
        switch form {
        case .number(0): max(1, min(items ?? Self.most, Self.most))
        case .number(let number): number
        case .share(let share): Int(min(max(1, (Double(processors()) * share).rounded()), Double(Self.most)))
        case .more(let more): max(1, processors() + more)
        }
    }
}

/// How long a job may take, as an argument: a duration, or a percentage of the median of the jobs before it.
struct JobTimeout: ExpressibleByArgument, Equatable {
    /// In nanoseconds.
    var nanoseconds: Int?
    /// A share of the median.
    var share: Double?

    init(nanoseconds: Int) {
        self.nanoseconds = nanoseconds
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a timeout, with better errors than `init(argument:)`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        if text.hasSuffix("%") {
            guard let share = (try? Percentage(parsing: text))?.part, share > 1 else {
                throw ValidationError("a timeout in percent of the median must be more than 100%, such as 300%.")
            }
            self.share = share
        } else {
            nanoseconds = try DurationArgument(parsing: text).nanoseconds
            if nanoseconds == 0 { throw ValidationError("--timeout must be more than 0.") }
        }
    }
}

/// How many processes may run on the machine when a job starts, as an argument: `8`, or `80%` of the processors.
struct LoadLimit: ExpressibleByArgument, Equatable {
    private let number: Double
    private let isShare: Bool

    init?(argument: String) {
        isShare = argument.hasSuffix("%")
        let part = isShare ? (try? Percentage(parsing: argument))?.part : Double(argument)
        guard let part, part > 0, part.isFinite else { return nil }
        number = part
    }

    /// Computes the number.
    func number(processors: Int) -> Double { isShare ? number * Double(processors) : number }
}

/// When failures stop a run, as an argument: `now` or `soon`, after it a count or a share: `soon,3`, `now,10%`.
struct FailFast: ExpressibleByArgument, Equatable {
    /// How many jobs must have failed at least before their share counts.
    private static let leastForShare = 3
    /// Whether running jobs are stopped; if not, only no more jobs start.
    let isImmediate: Bool
    private var count = 1
    private var share: Double?

    init(isImmediate: Bool) {
        self.isImmediate = isImmediate
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a limit, with better errors than `init(argument:)`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        var words = text.split(separator: ",", omittingEmptySubsequences: false)[...]
        isImmediate = words.first == "now"
        if isImmediate || words.first == "soon" { words.removeFirst() }
        guard let limit = words.first else { return }
        let share = limit.hasSuffix("%") ? (try? Percentage(parsing: String(limit)))?.part : nil
        if words.count == 1, let share, share > 0, share <= 1 {
            (self.share, count) = (share, Self.leastForShare)
        } else if words.count == 1, let count = Int(limit), count > 0 {
            self.count = count
        } else {
            throw ValidationError(
                "--fail-fast is now or soon, and then a count from 1 or a share up to 100%: soon,3 or now,10%.")
        }
    }

    /// Whether a word after `--fail-fast` is meant as its value, although it may be a wrong one.
    static func isValue(_ word: String) -> Bool {
        let first = word.prefix { $0 != "," }
        return first == "now" || first == "soon"
            || word.first?.isNumber == true && (word.last == "%" || Int(word) != nil)
    }

    /// Whether so many jobs failed that the run is to stop.
    func isReached(by tally: JobTally) -> Bool {
        tally.failed >= count && Double(tally.failed) >= (share ?? 0) * Double(tally.succeeded + tally.failed)
    }
}
#endif
