// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool doctor")
struct DoctorTests {
    @Test("shows its findings, aligned, with advice for each warning")
    func text() throws {
        let run = try CommandRun(["doctor"])
        #expect(run.code == 0 && run.errors.isEmpty)
        for name in ["processors ", "pidfd_open ", "memfd_create ", "overcommit ", "open files ", "noise of CPU time "]
        {
            #expect(run.output.contains(" \(name)"), "\(name)")
        }
        #expect(run.output.contains(" % with 20 pairs\n"))
        let lines = run.output.split(separator: "\n")
        // The name of a control group may be long.
        #expect(lines.allSatisfy { $0.count <= 160 || $0.contains("/sys/fs/cgroup") })
        let bad = lines.filter { $0.hasPrefix("!") || $0.hasPrefix("✗") }
        #expect(bad.count == lines.filter { $0.contains("→") && !$0.contains("see the lines") }.count)
    }

    @Test("the document has a key and a state for each finding, and a number if there is one")
    func json() throws {
        let run = try CommandRun(["doctor", "--json"])
        #expect(run.code == 0)
        let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        let findings = try #require(object?["findings"] as? [[String: Any]])
        let keys = findings.compactMap { $0["key"] as? String }
        #expect(Set(keys).count == findings.count)
        let byKey = Dictionary(uniqueKeysWithValues: zip(keys, findings))
        #expect(byKey["processors"]?["number"] as? Double == Double(Host.current.processors))
        #expect(try #require(byKey["noise_cpu"]?["number"] as? Double) > 0)
        #expect(findings.allSatisfy { ["ok", "warning", "missing"].contains($0["state"] as? String) })
        #expect(findings.allSatisfy { ($0["state"] as? String == "ok") == ($0["advice"] is NSNull) })
    }

    @Test("shows the limits of its process")
    func limits() throws {
        let script = "ulimit -n 100; exec taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') \"$0\" doctor"
        let run = try CommandRun([], through: ["/bin/sh", "-c", script])
        #expect(run.code == 0)
        #expect(run.output.contains("! open files"))
        #expect(run.output.contains("at most 100\n"))
        #expect(run.output.contains("! processors"))
    }

    @Test("wrong arguments and unwritable results have their exit codes")
    func failures() throws {
        #expect(try CommandRun(["doctor", "x"]).code == 64)
        let full = try CommandRun(["doctor"], through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/full"])
        #expect(
            full.code == 74 && full.errors == "forkpool: cannot write to standard output: No space left on device\n")
        #expect(try CommandRun(["doctor"], to: .closedPipe).signal == SIGPIPE)
    }

    @Test("a host differs from another by each of its properties")
    func hosts() {
        let host = Host(processor: "A", processors: 2, kernel: "6.1", machine: "f00")
        #expect(host.difference(from: host) == nil)
        #expect(Host(host.json) == host)
        #expect(
            host.difference(from: Host(processor: "B", processors: 2, kernel: "6.1", machine: "f00"))
                == "its processor is B, this one's A")
        #expect(
            host.difference(from: Host(processor: "A", processors: 1, kernel: "6.1", machine: "f00"))
                == "it has 1 processor, this one 2")
        #expect(
            host.difference(from: Host(processor: "A", processors: 2, kernel: "6.2", machine: "f00"))
                == "its kernel is 6.2, this one's 6.1")
        #expect(
            host.difference(from: Host(processor: "A", processors: 2, kernel: "6.1", machine: "f01"))
                == "it is another machine of the same kind")
        #expect(Host(.object([])) == nil && Host(nil) == nil)
        #expect(Host.current == Host(Host.current.json))
    }
}
#endif
