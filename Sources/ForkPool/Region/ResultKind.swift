// SPDX-License-Identifier: Apache-2.0
/// What the results of a batch are, for those that keep them beyond the process.
@usableFromInline
struct ResultKind: Equatable, Sendable {
    let type: any Any.Type
    /// Whether the slots hold extents of coded bytes, and not the results themselves.
    let isCoded: Bool

    @usableFromInline
    static func == (one: Self, other: Self) -> Bool { one.type == other.type && one.isCoded == other.isCoded }

    /// The mangled name of the type, which is the same in each run of a program.
    var typeName: String { _mangledTypeName(type) ?? String(reflecting: type) }
}
