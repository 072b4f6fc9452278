// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

extension ForkPool.Failure {
    /// Some ranks run another program than the root.
    static func otherBuild(_ others: [String], than root: String) -> Self {
        .ranksDiffer(
            "\(others.joined(separator: ", ")) \(others.count == 1 ? "runs" : "run") another build of the program than "
                + "\(root), or another program; copy the same file to all hosts")
    }

    /// Two ranks make different calls.
    static func ranksDiffer(_ root: String, _ own: CallReport, _ name: String, _ other: CallReport?) -> Self {
        let difference = other.flatMap { $0.site.difference(from: own.site) } ?? ""
        let ownDifference = other.flatMap { own.site.difference(from: $0.site) } ?? ""
        func words(_ report: CallReport) -> String {
            "\(report.site)" + (report.error.map { " with \($0)" } ?? "")
        }
        let what = other.map { words($0) + difference } ?? "is another program"
        return .ranksDiffer(
            "the hosts do not make the same call: \(root) \(words(own))\(ownDifference), and \(name) \(what); every host is to make the same calls in the same order"
        )
    }

    /// A forked worker made a call of a cluster.
    static var clusterOfParent: Self {
        .ranksDiffer("the cluster belongs to the process that made it, of which this one is a fork")
    }

    static var clusterIsOver: Self {
        .ranksDiffer("the Cluster.run of the cluster has ended; calls are made in its body")
    }

    static func beyondMessages(_ size: Int) -> Self {
        .noMemory(
            "the map has results of \(size) bytes; \(RangeReply.mostResult) is the most that goes from host to host")
    }

    static func noRoomForDelivery(_ host: String) -> Self {
        .noMemory("\(host) has no memory for the results")
    }
}
