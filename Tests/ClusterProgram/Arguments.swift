// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

/// The command and its options.
struct Arguments {
    let command: String
    private let values: [String: String]

    init(_ words: [String]) {
        command = words.dropFirst().first ?? "hello"
        var values: [String: String] = [:]
        for word in words.dropFirst(2) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard word.hasPrefix("--"), parts.count == 2 else {
                fatalError("an option has the form --name=value, and not \(word)")
            }
            values[String(parts[0].dropFirst(2))] = parts[1]
        }
        self.values = values
    }

    func text(_ name: String) -> String? { values[name] }

    func number(_ name: String, _ standard: Int) -> Int {
        guard let value = values[name] else { return standard }
        guard let number = Int(value) else { fatalError("--\(name) is a number, and not \(value)") }
        return number
    }

    var workers: Int? { values["workers"].flatMap { Int($0) } }
    var stallTimeout: Duration? { values["stall"].flatMap { Int($0) }.map { .seconds($0) } }
    var delivery: Cluster.Delivery { values["deliver"] == "root" ? .root : .all }

    var options: ForkPool.Options {
        ForkPool.Options(retries: values["retries"].flatMap { Int($0) }, seed: 7)
    }
}

/// The number of this rank, for lines of a program that has failed.
enum Rank {
    @safe nonisolated(unsafe) static var number = 0
}

/// Writes a line to standard output at once: a rank may be killed after it.
func show(_ line: String) {
    var line = line + "\n"
    line.withUTF8 { unsafe _ = write(STDOUT_FILENO, $0.baseAddress!, $0.count) }
}
