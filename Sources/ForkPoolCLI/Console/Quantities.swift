// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// A duration as an argument: `500ms`, `1.5s`, `2m`, `1h`, or a number of seconds.
struct DurationArgument: ExpressibleByArgument, Equatable {
    let nanoseconds: Int

    /// The duration in seconds.
    var seconds: Double { Double(nanoseconds) / 1e9 }

    init(nanoseconds: Int) {
        self.nanoseconds = nanoseconds
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a duration, for the `transform` of an option, which gives better errors than `init(argument:)`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        guard let quantity = Quantity(text), let unit = Self.units[quantity.unit] else {
            throw ValidationError("a duration has the form 500ms, 1.5s, 2m or 1h; without a unit it is in seconds.")
        }
        guard let nanoseconds = quantity.scaled(by: unit), nanoseconds <= Self.longest else {
            throw ValidationError("the duration is too long: at most a year is possible.")
        }
        self.nanoseconds = nanoseconds
    }

    /// A year in nanoseconds, so that a deadline does not overflow.
    private static let longest = 365 * 24 * 3600 * 1_000_000_000

    private static let units = [
        "": 1e9, "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "min": 60e9, "h": 3600e9,
    ]
}

/// A number of bytes as an argument: `64`, `10k`, `16MiB`, `1G`; units are decimal unless they have an i.
struct ByteSize: ExpressibleByArgument, Equatable {
    let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a size, for the `transform` of an option, which gives better errors than `init(argument:)`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        guard let quantity = Quantity(text), let unit = Self.unit(quantity.unit) else {
            throw ValidationError("a size has the form 64, 10k, 1.5MB, 16MiB or 1G; without a unit it is in bytes.")
        }
        guard let bytes = quantity.scaled(by: unit) else { throw ValidationError("the size is too large.") }
        self.bytes = bytes
    }

    /// Returns the bytes of a unit: `k`, `kB`, `Ki`, `KiB` and so on, in any case.
    private static func unit(_ name: String) -> Double? {
        var letters = Substring(name.lowercased())
        if letters.last == "b" { letters.removeLast() }
        guard let prefix = letters.popFirst() else { return 1 }
        guard let power = ["k", "m", "g", "t"].firstIndex(of: prefix), letters.isEmpty || letters == "i" else {
            return nil
        }
        return (0...power).reduce(1) { factor, _ in factor * (letters.isEmpty ? 1000 : 1024) }
    }
}

/// A number and its unit.
private struct Quantity {
    let number: Double
    let unit: String

    /// Reads digits with at most one point, and takes the rest as the unit; nil without digits.
    init?(_ text: String) {
        let digits = text.prefix { $0 == "." || $0.isASCII && $0.isNumber }
        // `Double` alone would also accept "inf", "0x1p3" and "1e9".
        guard let number = Double(digits), digits.last != "." else { return nil }
        self.number = number
        unit = String(text[digits.endIndex...])
    }

    func scaled(by unit: Double) -> Int? {
        Int(exactly: (number * unit).rounded())
    }
}
#endif
