// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// A percentage as an argument: `5%`.
struct Percentage {
    /// The fraction: 0.05 for 5 %.
    let part: Double

    /// Reads a percentage.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        guard text.hasSuffix("%"), text.first?.isNumber == true, let number = Double(text.dropLast()), number.isFinite
        else { throw ValidationError("a percentage has the form 5% or 2.5%.") }
        part = number / 100
    }

    init(part: Double) {
        self.part = part
    }
}
#endif
