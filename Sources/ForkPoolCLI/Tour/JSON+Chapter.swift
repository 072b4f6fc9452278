// SPDX-License-Identifier: Apache-2.0
#if Command
extension JSON {
    /// Makes the object for a chapter: the members of every chapter, then its own.
    ///
    /// - Parameters:
    ///   - number: The number of the chapter, from 1.
    ///   - name: The name of the chapter, for programs.
    ///   - seconds: The seconds of all its runs together.
    ///   - results: The results of its runs.
    ///   - more: The members of this chapter alone.
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
#endif
