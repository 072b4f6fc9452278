// SPDX-License-Identifier: Apache-2.0

/// A call of a cluster, as each rank makes it: the ranks compare it before they begin.
package struct CallSite: Codable, Equatable {
    package enum Kind: String, Codable {
        case map, mapResults, forEach, fill
        /// The end of `Cluster.run`.
        case end
    }

    package var kind: Kind
    /// How many calls the rank made before.
    package var number: Int
    package var count: Int
    /// The type of the results, the bytes of each, and whether they are coded instead.
    package var type: String
    package var stride: Int
    package var isCoded: Bool
    /// Whether every rank gets the results.
    package var deliversToAll: Bool
    package var file: String
    package var line: Int
}

extension CallSite: CustomStringConvertible {
    package var description: String {
        if kind == .end { return "leaves Cluster.run" }
        let items = kind == .fill ? "slots" : "items"
        return "makes call \(number + 1), \(kind.rawValue) of \(count) \(items) at \(file):\(line)"
    }

    /// How the call differs from that of another rank which is in the same place, in words; nil if the place differs.
    package func difference(from other: Self) -> String? {
        guard kind == other.kind, file == other.file, line == other.line, number == other.number else { return nil }
        if count != other.count { return "" }
        if type != other.type || stride != other.stride || isCoded != other.isCoded {
            return ", with results of \(type) of \(stride) bytes"
        }
        return deliversToAll ? ", for all hosts" : ", for the root alone"
    }
}

/// What a rank tells the root when it makes a call.
package struct CallReport: Codable {
    package var site: CallSite
    /// The number of its workers.
    package var workers: Int
    /// What the rank leaves `Cluster.run` with, if that is an error.
    package var error: String?
}

/// What a rank tells the root when it begins.
package struct Hello: Codable {
    /// Tells programs apart.
    package var build: String
    package var host: String
    /// The processors that it may use, as the kernel lists them.
    package var processors: String
}
