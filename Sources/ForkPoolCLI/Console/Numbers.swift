/// Writes a number with a fixed count of decimals, without Foundation.
///
/// - Parameters:
///   - number: What to write; a number too large to count is written as "-".
///   - decimals: How many digits follow the point, from 0 to 9.
/// - Returns: Such as "1.030".
func fixed(_ number: Double, _ decimals: Int) -> String {
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    guard let scaled = Int(exactly: (number.magnitude * Double(scale)).rounded()) else { return "-" }
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
}

/// Puts spaces before a text until it is `width` characters long.
func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

/// Puts spaces after a text until it is `width` characters long.
func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Writes a count and its noun: "1 file", "2 files".
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// Writes bytes in the largest decimal unit that leaves at least 1.
func byteSize(_ bytes: Int) -> String {
    guard bytes >= 1000 else { return counted(bytes, "byte") }
    var size = Double(bytes) / 1000
    for unit in ["kB", "MB", "GB"] {
        if size < 999.95 { return "\(fixed(size, 1)) \(unit)" }
        size /= 1000
    }
    return "\(fixed(size, 1)) TB"
}
