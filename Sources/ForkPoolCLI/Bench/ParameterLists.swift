import ArgumentParser

/// The values that `-L NAME=A,B` has commands run with.
struct ParameterList: ExpressibleByArgument, Equatable {
    let name: String
    let values: [String]

    init?(argument: String) {
        try? self.init(parsing: argument)
    }

    /// Reads a list.
    ///
    /// - Throws: How one reads.
    init(parsing text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0 != "{" && $0 != "}" }) else {
            throw ValidationError("a list reads NAME=VALUE,VALUE.")
        }
        name = String(parts[0])
        values = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Every combination of the values of several lists, the last one's changing fastest.
    static func combinations(_ lists: [ParameterList]) -> [[(name: String, value: String)]] {
        lists.reduce([[]]) { combinations, list in
            combinations.flatMap { combination in list.values.map { combination + [(list.name, $0)] } }
        }
    }
}

extension String {
    /// Puts values in place of `{NAME}`; what was put in is not looked at again.
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
