// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The list of values of `-L NAME=A,B`, or of the scan `-P NAME=1..8`.
struct ParameterList: ExpressibleByArgument, Equatable {
    let name: String
    let values: [String]

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a list.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0 != "{" && $0 != "}" }) else {
            throw ValidationError("a list has the form NAME=VALUE,VALUE.")
        }
        name = String(parts[0])
        values = Self.split(parts[1])
    }

    /// Splits values at commas; a backslash before a comma or a backslash makes it a part of the value.
    private static func split(_ text: Substring) -> [String] {
        var values = [""]
        var rest = text
        while let character = rest.popFirst() {
            if character == "\\", let next = rest.first, next == "," || next == "\\" {
                values[values.count - 1].append(rest.removeFirst())
            } else if character == "," {
                values.append("")
            } else {
                values[values.count - 1].append(character)
            }
        }
        return values
    }

    /// Reads a scan: `NAME=FIRST..LAST`, or with a step `NAME=FIRST..LAST..STEP`.
    ///
    /// - Throws: `ValidationError`.
    init(scan text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0 != "{" && $0 != "}" }) else {
            throw ValidationError(
                "a scan has the form NAME=FIRST..LAST or NAME=FIRST..LAST..STEP, such as -P jobs=1..8.")
        }
        let numbers = Decimals(parts[1])
        guard let numbers, let values = numbers.values else {
            throw ValidationError(
                "\(text): a scan has the form NAME=FIRST..LAST or NAME=FIRST..LAST..STEP, with decimal numbers, a step "
                    + "other than 0 toward the last, and at most 1000 values.")
        }
        name = String(parts[0])
        self.values = values
    }

    /// The numbers of a scan, as whole multiples of the smallest decimal in them.
    private struct Decimals {
        private let first: Int
        private let last: Int
        private let step: Int
        /// The decimals of the numbers here, of the first value, and of the values after it.
        private let decimals: (here: Int, first: Int, rest: Int)

        init?(_ text: Substring) {
            // A point of "..": the parts between have at most one each.
            var parts: [Substring] = []
            var rest = text
            while let (part, after) = Self.cut(rest) {
                parts.append(part)
                rest = after
            }
            parts.append(rest)
            guard (2...3).contains(parts.count) else { return nil }
            let decimals = parts.map { part in
                part.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last?.count ?? 0
            }
            guard let most = decimals.max(), most <= 9 else { return nil }
            let scaled = parts.compactMap { Self.scaled($0, most) }
            guard scaled.count == parts.count else { return nil }
            var one = 1
            for _ in 0..<most { one *= 10 }
            (first, last) = (scaled[0], scaled[1])
            step = parts.count == 3 ? scaled[2] : last < first ? -one : one
            self.decimals = (most, decimals[0], max(decimals[0], parts.count == 3 ? decimals[2] : 0))
        }

        /// Splits a text at its first "..".
        private static func cut(_ text: Substring) -> (Substring, Substring)? {
            for index in text.indices where text[index...].hasPrefix("..") {
                return (text[..<index], text[index...].dropFirst(2))
            }
            return nil
        }

        /// Reads digits, perhaps with a sign and one point.
        private static func scaled(_ text: Substring, _ decimals: Int) -> Int? {
            let digits = text.first == "-" ? text.dropFirst() : text
            let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
            guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { "0"..."9" ~= $0 } }),
                digits.count <= 15
            else { return nil }
            let fraction = parts.count == 2 ? String(parts[1]) : ""
            let padded = fraction + String(repeating: "0", count: decimals - fraction.count)
            guard parts[0].count + decimals <= 18 else { return nil }
            return Int(parts[0] + padded).map { text.first == "-" ? -$0 : $0 }
        }

        /// The values; nil if there are none or too many.
        var values: [String]? {
            guard step != 0, (last - first).signum() * step.signum() >= 0, (last - first) / step < 1000 else {
                return nil
            }
            return stride(from: first, through: last, by: step).map { number in
                text(number, number == first ? decimals.first : decimals.rest)
            }
        }

        /// Writes a number with some decimals; those that it has beyond them are 0.
        private func text(_ number: Int, _ shown: Int) -> String {
            let digits = String(number.magnitude)
            let padded = String(repeating: "0", count: max(0, decimals.here + 1 - digits.count)) + digits
            let whole = (number < 0 ? "-" : "") + padded.dropLast(decimals.here)
            return shown > 0 ? whole + "." + padded.suffix(decimals.here).prefix(shown) : whole
        }
    }

    /// Makes every combination of the values of several lists; the value of the last list changes fastest.
    static func combinations(_ lists: [ParameterList]) -> [[(name: String, value: String)]] {
        lists.reduce([[]]) { combinations, list in
            combinations.flatMap { combination in list.values.map { combination + [(list.name, $0)] } }
        }
    }
}

extension String {
    /// Replaces `{NAME}` by values, once: placeholders within a value stay.
    func filled(_ parameters: [(name: String, value: String)]) -> String {
        var result = ""
        var rest = self[...]
        scan: while let character = rest.first {
            for (name, value) in parameters where rest.hasPrefix("{\(name)}") {
                result += value
                rest = rest.dropFirst(name.count + 2)
                continue scan
            }
            result.append(character)
            rest.removeFirst()
        }
        return result
    }
}
#endif
