// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Waits that end")
struct StallTests {
    /// Where something does not come.
    enum Place: String, CaseIterable, Codable {
        case item, call, reply, command, results, resultsPassedOn

        /// The message that is never whole.
        var stuck: ThreadTransport.Stuck? {
            switch self {
            case .item, .call: nil
            case .reply: .init(source: 1, target: 0, channel: Channel.replies.rawValue)
            case .command: .init(source: 0, target: 1, channel: Channel.commands.rawValue)
            case .results: .init(source: 0, target: 1, channel: Channel.results.rawValue)
            case .resultsPassedOn: .init(source: 1, target: 3, channel: Channel.results.rawValue)
            }
        }

        var line: String {
            switch self {
            case .item, .reply: "ForkPool: h2 (rank 1) has answered nothing for 1.0 seconds, of the items "
            case .call, .command:
                "ForkPool: h1 (rank 0) makes call 1, map of 100 items at Sim/main.swift:7, and has waited for h2 (rank 1) for "
                    + "1.0 seconds"
            case .results:
                "ForkPool: h1 (rank 0) sends the results of a map, and has waited for h2 (rank 1) for 1.0 seconds"
            case .resultsPassedOn:
                "ForkPool: h2 (rank 1) sends the results of a map, and has waited for h4 (rank 3) for 1.0 seconds"
            }
        }
    }

    @Test("what does not come ends the job with a line that names the host", arguments: Place.allCases)
    func stall(_ place: Place) async {
        let result = await #expect(
            processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
        ) { [place] in
            Hosts.setDeadline()
            _ = Hosts.run(4, stallTimeout: .seconds(1), sticks: place.stuck) { cluster throws in
                let isSecond = cluster.rank == 1
                if place == .call, isSecond { while true { pause() } }
                _ = try cluster.map(0..<100, file: "Sim/main.swift", line: 7) { item in
                    if place == .item, isSecond { while true { pause() } }
                    return item
                }
                // The one that waits ends all.
                while true { pause() }
            }
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("ForkPool: ") }
        #expect(lines.contains { $0.hasPrefix(place.line) && $0.hasSuffix("; the job ends on all hosts") }, "\(text)")
    }

    @Test("a message that is too large for MPI ends the job with a line that says so")
    func size() async {
        let result = await #expect(
            processExitsWith: .exitCode(3), observing: [\.standardErrorContent]
        ) {
            Hosts.setDeadline()
            _ = Hosts.run(2, mostBytes: 20_000) { cluster throws in
                try cluster.map(0..<100) { String(repeating: "\($0)", count: 20_000) }.count
            }
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(text.contains("ForkPool: h2 (rank 1) has a message of "), "\(text)")
        #expect(text.contains(" bytes for h1 (rank 0), and MPI sends at most 20000: "), "\(text)")
    }

    @Test("many failures go to every host in several messages")
    func failures() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(3) { cluster throws in
                cluster.mapResults(0..<2500) { item in
                    if item > 0 { throw AgreementTests.Odd() }
                    return item
                }.map { "\($0)" }
            }
            let all = results.map { try? $0.get() }
            #expect(all[0]?.count == 2500 && all[0]?.count { $0.hasPrefix("failure") } == 2499)
            #expect(all[1] == all[0] && all[2] == all[0])
        }
    }
}
