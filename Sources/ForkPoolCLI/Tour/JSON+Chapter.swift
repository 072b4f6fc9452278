extension JSON {
    /// Makes a chapter's part of the document: what every chapter has, and then its own.
    ///
    /// - Parameters:
    ///   - number: From 1.
    ///   - name: A word for programs.
    ///   - seconds: How long its runs took together.
    ///   - results: What they gave.
    ///   - more: What only this chapter has.
    /// - Returns: An object.
    static func chapter(
        _ number: Int,
        _ name: String,
        _ seconds: Double,
        _ results: [Int],
        _ more: [(String, JSON)]
    ) -> JSON {
        let common: [(String, JSON)] = [
            ("chapter", .integer(number)), ("name", .string(name)), ("seconds", .seconds(seconds)),
            ("results", .integers(results)),
        ]
        return .object(common + more)
    }
}
