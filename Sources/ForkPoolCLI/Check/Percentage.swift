import ArgumentParser

/// A part of a whole as an argument: `5%`.
struct Percentage {
    let part: Double

    /// Reads a percentage.
    ///
    /// - Throws: How one reads.
    init(parsing text: String) throws {
        guard text.hasSuffix("%"), text.first?.isNumber == true, let number = Double(text.dropLast()), number.isFinite
        else { throw ValidationError("a percentage reads 5% or 2.5%.") }
        part = number / 100
    }

    init(part: Double) {
        self.part = part
    }
}
