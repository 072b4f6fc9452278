// SPDX-License-Identifier: Apache-2.0

// Lists what a symbol graph has as text, a declaration a line, for scripts/api-check: api-listing GRAPH...
import Foundation

struct Graph: Decodable {
    struct Symbol: Decodable {
        struct Identifier: Decodable { var precise: String }
        struct Fragment: Decodable { var spelling: String }
        var identifier: Identifier
        var pathComponents: [String]
        var declarationFragments: [Fragment]?

        var path: String { pathComponents.joined(separator: ".") }
    }

    struct Relationship: Decodable {
        var kind: String
        var source: String
        var target: String
        var targetFallback: String?
    }

    var symbols: [Symbol]
    var relationships: [Relationship]
}

/// What the compiler adds to nearly every type by itself.
let implied: Set<String> = ["Swift.Copyable", "Swift.Escapable", "Swift.SendableMetatype"]

/// The lines of one graph.
func listing(of graph: Graph) -> [String] {
    let paths = Dictionary(graph.symbols.map { ($0.identifier.precise, $0.path) }) { first, _ in first }
    func sources(_ kind: String) -> Set<String> {
        Set(graph.relationships.filter { $0.kind == kind }.map(\.source))
    }
    let requirements = sources("requirementOf")
    // A default in a protocol that refines this one is none for all that conform to this one.
    let defaulted = Set(
        graph.relationships.filter {
            $0.kind == "defaultImplementationOf" && paths[$0.source] == paths[$0.target]
        }.map(\.target))
    let declarations = graph.symbols.map { symbol in
        let name = symbol.identifier.precise
        let text = (symbol.declarationFragments ?? []).map(\.spelling).joined()
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let role =
            !requirements.contains(name) ? "" : defaulted.contains(name) ? "requirement with default " : "requirement "
        return "\(symbol.path): \(role)\(text)"
    }
    let conformances = graph.relationships.compactMap { relationship -> String? in
        guard relationship.kind == "conformsTo", let type = paths[relationship.source],
            let target = relationship.targetFallback ?? paths[relationship.target], !implied.contains(target)
        else { return nil }
        return "\(type): conforms to \(target)"
    }
    return declarations + conformances
}

let lines = try CommandLine.arguments.dropFirst().flatMap { path in
    listing(of: try JSONDecoder().decode(Graph.self, from: Data(contentsOf: URL(fileURLWithPath: path))))
}
for line in Set(lines).sorted() { print(line) }
