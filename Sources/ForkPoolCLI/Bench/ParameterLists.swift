// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The list of values of `-L NAME=A,B`.
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
        values = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
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
