// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ForkPool

@Suite("The coded form of a failure")
struct FailureCodingTests {
    private struct Spoilt: Error, Codable, Equatable {
        var line: Int
    }

    private static var failures: [ForkPool.Failure] {
        var full = ForkPool.Failure(WorkerError(throwing: Spoilt(line: 7)), 3)
        (full.signal, full.exitStatus, full.errno, full.attempt) = (9, 4, 12, 2)
        return [
            full, ForkPool.Failure(.cancelled, nil), .closed("was closed"),
            ForkPool.Failure(refused: SystemError(call: "fork", code: 11), index: nil),
            ForkPool.Failure(.ended(ProcessExit(pid: 5, .signal(11))), 0),
        ]
    }

    private func expectSame(_ one: ForkPool.Failure, _ other: ForkPool.Failure) {
        #expect(one.code == other.code && one.index == other.index && one.pid == other.pid)
        #expect(one.signal == other.signal && one.exitStatus == other.exitStatus && one.errno == other.errno)
        #expect(one.attempt == other.attempt && one.bodyRan == other.bodyRan && one.message == other.message)
        #expect(one.thrown?.description == other.thrown?.description)
        #expect(one.thrown?.payload == other.thrown?.payload && one.description == other.description)
        #expect(one.thrown?.decode(as: Spoilt.self) == other.thrown?.decode(as: Spoilt.self))
    }

    @Test("gives everything back, through JSON and through the library's own coder")
    func roundTrip() throws {
        for failure in Self.failures {
            let json = try JSONDecoder().decode(ForkPool.Failure.self, from: JSONEncoder().encode(failure))
            expectSame(json, failure)
            expectSame(try Binary.copy(failure), failure)
        }
        #expect(Self.failures[0].thrown?.decode(as: Spoilt.self) == Spoilt(line: 7))
    }

    @Test("is the same in each version")
    func stable() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(ForkPool.Failure(.cancelled, 4)), as: UTF8.self)
        #expect(
            text == #"{"attempt":1,"bodyRan":"unknown","code":"cancelled","index":4,"message":"was cancelled"}"#)
        let later = #"{"attempt":1,"bodyRan":"no","code":"closed","message":"m","weather":"fine"}"#
        let failure = try JSONDecoder().decode(ForkPool.Failure.self, from: Data(later.utf8))
        #expect(failure.code == .closed && failure.message == "m" && failure.bodyRan == .no && failure.index == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(
                ForkPool.Failure.self, from: Data(later.replacingOccurrences(of: "closed", with: "eaten").utf8))
        }
    }

    @Test("has a name for each code, which is its description")
    func codes() throws {
        let codes: [(ForkPool.Failure.Code, String)] = [
            (.thrown, "thrown"), (.crashed, "crashed"), (.exited, "exited"), (.killed, "killed"),
            (.notEncodable, "notEncodable"), (.notDecodable, "notDecodable"), (.noMemory, "noMemory"),
            (.forkRefused, "forkRefused"), (.threadsRefused, "threadsRefused"), (.cancelled, "cancelled"),
            (.corrupted, "corrupted"), (.lost, "lost"), (.setUpFailed, "setUpFailed"), (.closed, "closed"),
            (.timedOut, "timedOut"), (.deadlocked, "deadlocked"), (.memoryLimitExceeded, "memoryLimitExceeded"),
            (.cpuTimeLimitExceeded, "cpuTimeLimitExceeded"), (.restartedTooOften, "restartedTooOften"),
            (.killRefused, "killRefused"),
            (.full, "full"),
            (.notRunnable, "notRunnable"),
        ]
        for (code, name) in codes {
            #expect(code.description == name)
            #expect(try JSONDecoder().decode([ForkPool.Failure.Code].self, from: Data("[\"\(name)\"]".utf8)) == [code])
            #expect(try String(decoding: JSONEncoder().encode([code]), as: UTF8.self) == "[\"\(name)\"]")
        }
    }

    @Test("lets a failure be thrown in a body, and given back")
    func nested() async {
        await #expect(processExitsWith: .success) {
            let results = ForkPool(workers: 1).mapResults(0..<1) { _ -> Int in
                let inner = try ForkPool(workers: 1).map(0..<3) { item -> Int in
                    if item == 2 { exit(5) }
                    return item
                }
                return inner[0]
            }
            guard case .failure(let outer) = results[0] else {
                Issue.record("\(results)")
                return
            }
            let inner = outer.thrown?.decode(as: ForkPool.Failure.self)
            #expect(inner?.code == .exited && inner?.exitStatus == 5 && inner?.index == 2, "\(outer)")
        }
    }

    @Test("tells a cancellation from other failures")
    func cancellation() {
        #expect(ForkPool.Failure(.cancelled, nil).isCancellation)
        #expect(!ForkPool.Failure.closed("was closed").isCancellation)
        #expect(
            ForkPool.Failure(.poolEnded("was dropped"), nil).description
                == "the map was cancelled: its pool was dropped; keep the pool until its work is done, or close() it")
    }
}
