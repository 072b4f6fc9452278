// SPDX-License-Identifier: Apache-2.0
/// What the results of a batch are, for those that keep them beyond the process.
@usableFromInline
struct ResultKind: Equatable, Sendable {
    let type: any Any.Type
    /// Whether the slots hold extents of coded bytes, and not the results themselves.
    let isCoded: Bool

    @usableFromInline
    static func == (one: Self, other: Self) -> Bool { one.type == other.type && one.isCoded == other.isCoded }

    /// The mangled name of the type, as it is in each run of a program.
    var typeName: String { Self.withoutAddresses(_mangledTypeName(type) ?? String(reflecting: type)) }

    /// Leaves out what differs between two runs of a program: the names of private and local types have the address of what
    /// they are declared in, as hexadecimal digits after a `$`.
    static func withoutAddresses(_ name: String) -> String {
        var kept: [UInt8] = []
        var isAddress = false
        for byte in name.utf8 {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            isAddress = isAddress && (isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte))
            if !isAddress { kept.append(byte) }
            isAddress = isAddress || byte == UInt8(ascii: "$")
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
