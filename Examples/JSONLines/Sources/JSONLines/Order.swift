// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A line of the file.
struct Order: Codable {
    var id: Int
    var customer: String
    var cents: Int
    var pieces: Int
    var tags: [String]

    /// Reads a line of JSON, and returns what a piece costs.
    ///
    /// It throws for a line that is no order. It traps for an order of no pieces, which its author did not think of.
    static func centsPerPiece(_ line: String, _ decoder: JSONDecoder) throws -> Int {
        let order = try decoder.decode(Order.self, from: Data(line.utf8))
        return order.cents / order.pieces
    }

    /// Writes a file of some megabytes and returns the number of its lines; in `bad` are lines to have instead of others.
    static func writeFile(_ path: String, megabytes: Int, bad: [Int: String] = [:]) throws -> Int {
        guard let file = fopen(path, "w") else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { fclose(file) }
        let encoder = JSONEncoder()
        var bytes = 0
        var number = 0
        while bytes < megabytes << 20 {
            number += 1
            let order = Order(
                id: number, customer: "customer \(number % 977)", cents: number % 5 * 250 + 750, pieces: number % 4 + 1,
                tags: ["web", "tag \(number % 13)", number % 2 == 0 ? "gift" : "plain"])
            let line = try bad[number] ?? String(decoding: encoder.encode(order), as: UTF8.self)
            guard fputs(line + "\n", file) >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
            bytes += line.utf8.count + 1
        }
        return number
    }
}
