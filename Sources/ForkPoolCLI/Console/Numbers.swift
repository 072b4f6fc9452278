// SPDX-License-Identifier: Apache-2.0
#if Command
/// Formats a number with a fixed count of decimals, without Foundation.
///
/// - Parameters:
///   - number: The number; "-" stands for one that is too large.
///   - decimals: The number of digits after the point, from 0 to 9.
/// - Returns: Text such as "1.030".
func fixed(_ number: Double, _ decimals: Int) -> String {
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    guard let scaled = Int(exactly: (number.magnitude * Double(scale)).rounded()) else { return "-" }
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
}

/// Pads a text on the left to a width in characters.
func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// Pads a text on the right to a width in characters.
func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Formats a count with its noun: "1 file", "2 files".
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// Formats bytes in the largest decimal unit that gives at least 1.
func byteSize(_ bytes: Int) -> String {
    guard bytes >= 1000 else { return counted(bytes, "byte") }
    var size = Double(bytes) / 1000
    for unit in ["kB", "MB", "GB"] {
        if size < 999.95 { return "\(fixed(size, 1)) \(unit)" }
        size /= 1000
    }
    return "\(fixed(size, 1)) TB"
}

/// Formats bytes as `byteSize` does, but in binary units if they are a whole number there: "1 GiB", "1.5 kB".
func exactByteSize(_ bytes: Int) -> String {
    // 100 whole bytes are the last digit of the decimal form.
    guard bytes >= 1024, bytes % 1024 == 0, bytes % 100 != 0 else { return byteSize(bytes) }
    var size = bytes / 1024
    for unit in ["KiB", "MiB", "GiB"] {
        if size < 1024 || size % 1024 != 0 { return "\(size) \(unit)" }
        size /= 1024
    }
    return "\(size) TiB"
}
#endif
