/// One step of a coding path, which becomes a key only when somebody asks for the path.
enum CodingStep {
    /// The start of a path, or a step that adds nothing to it.
    case root
    /// An element of an unkeyed container.
    case index(Int)
    /// A value of a keyed container.
    case key(any CodingKey)

    /// The key's name when the step leads into a keyed container.
    var name: String? {
        if case .key(let key) = self { key.stringValue } else { nil }
    }

    /// The step as a key; nil for the start of a path.
    var codingKey: (any CodingKey)? {
        switch self {
        case .root: nil
        case .index(let index): PlainKey(index: index)
        case .key(let key): key
        }
    }
}

/// A key that stands for an index or for the place of a superclass.
struct PlainKey: CodingKey {
    /// The key of the place that `superEncoder()` uses in a keyed container.
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

    /// Makes the key of an element of an unkeyed container.
    init(index: Int) {
        stringValue = "Index \(index)"
        intValue = index
    }
}
