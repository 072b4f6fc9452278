// SPDX-License-Identifier: Apache-2.0
/// One step of a coding path, which becomes a key only when code asks for the path.
enum CodingStep {
    /// The start of a path, or a step that adds nothing to it.
    case root
    case index(Int)
    case key(any CodingKey)
    /// The key of an entry of a dictionary.
    case name(String)

    /// The key's name, if the step leads into a keyed container.
    var name: String? {
        switch self {
        case .root, .index: nil
        case .key(let key): key.stringValue
        case .name(let name): name
        }
    }

    fileprivate var codingKey: (any CodingKey)? {
        switch self {
        case .root: nil
        case .index(let index): PlainKey(index: index)
        case .key(let key): key
        case .name(let name): PlainKey(stringValue: name)
        }
    }
}

/// A node of a tree of values: one step from its owner.
protocol CodingPathNode: AnyObject {
    var owner: Self? { get }
    var step: CodingStep { get }
}

extension CodingPathNode {
    var codingPath: [any CodingKey] {
        var path: [any CodingKey] = []
        var node: Self? = self
        while let current = node {
            if let key = current.step.codingKey { path.append(key) }
            node = current.owner
        }
        return path.reversed()
    }
}

struct PlainKey: CodingKey {
    /// The key that `superEncoder()` uses in a keyed container.
    static let superclass = PlainKey(stringValue: "super")

    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = "\(intValue)"
        self.intValue = intValue
    }

    init(index: Int) {
        stringValue = "Index \(index)"
        intValue = index
    }
}
