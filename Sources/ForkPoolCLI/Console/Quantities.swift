import ArgumentParser

/// How long something takes, as an argument: `500ms`, `1.5s`, `2m`, `1h`, or a bare number of seconds.
struct DurationArgument: ExpressibleByArgument, Equatable {
    let nanoseconds: Int

    /// Its seconds.
    var seconds: Double { Double(nanoseconds) / 1e9 }

    init(nanoseconds: Int) {
        self.nanoseconds = nanoseconds
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a duration; for an option's `transform`, whose errors say more.
    ///
    /// - Throws: What is wrong with it.
    init(parsing text: String) throws {
        guard let quantity = Quantity(text), let unit = Self.units[quantity.unit] else {
            throw ValidationError("a duration reads 500ms, 1.5s, 2m or 1h; without a unit it is in seconds.")
        }
        guard let nanoseconds = quantity.scaled(by: unit), nanoseconds <= Self.longest else {
            throw ValidationError("that is too long: a duration is at most a year.")
        }
        self.nanoseconds = nanoseconds
    }

    /// A year, so that a time that far away can be counted.
    private static let longest = 365 * 24 * 3600 * 1_000_000_000

    private static let units = [
        "": 1e9, "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "min": 60e9, "h": 3600e9,
    ]
}

/// A number of bytes, as an argument: `64`, `10k`, `16MiB`, `1G`; units are decimal unless they have an i.
struct ByteSize: ExpressibleByArgument, Equatable {
    let bytes: Int

    init(bytes: Int) {
        self.bytes = bytes
    }

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a size; for an option's `transform`, whose errors say more.
    ///
    /// - Throws: What is wrong with it.
    init(parsing text: String) throws {
        guard let quantity = Quantity(text), let unit = Self.unit(quantity.unit) else {
            throw ValidationError("a size reads 64, 10k, 1.5MB, 16MiB or 1G; without a unit it is in bytes.")
        }
        guard let bytes = quantity.scaled(by: unit) else { throw ValidationError("that is too much.") }
        self.bytes = bytes
    }

    /// The bytes of a unit: `k`, `kB`, `Ki`, `KiB` and so on, in capitals or not.
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

/// A number and the unit behind it.
private struct Quantity {
    let number: Double
    let unit: String

    /// Reads digits with at most one point, and whatever follows them; nil if there are no such digits.
    init?(_ text: String) {
        let digits = text.prefix { $0 == "." || $0.isASCII && $0.isNumber }
        // Double reads more than that by itself: "inf", "0x1p3", "1e9".
        guard let number = Double(digits), digits.last != "." else { return nil }
        self.number = number
        unit = String(text[digits.endIndex...])
    }

    func scaled(by unit: Double) -> Int? {
        Int(exactly: (number * unit).rounded())
    }
}
