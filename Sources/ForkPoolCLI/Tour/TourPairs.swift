// SPDX-License-Identifier: Apache-2.0
#if Command
/// The ten pairs that chapters 1 to 4 add.
enum TourPairs {
    static let all = [
        (10, 1), (10, 2), (10, 3), (10, 4), (10, 5), (3, 3), (2, 2), (1, 1), (1, 3), (4, 3),
    ]

    /// The same, as code that the tour shows.
    static let code = """
        let pairs = [(10, 1), (10, 2), (10, 3), (10, 4), (10, 5),
                     (3, 3), (2, 2), (1, 1), (1, 3), (4, 3)]
        """

    /// Writes their sums in a line.
    static func list(_ sums: [Int]) -> String {
        sums.map { String($0) }.joined(separator: " ")
    }
}
#endif
