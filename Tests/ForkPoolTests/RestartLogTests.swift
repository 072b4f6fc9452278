// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The log of replacements")
struct RestartLogTests {
    @Test("counts replacements within a time, and tells the one that is too many")
    func intensity() {
        let intensity = ForkPool.Options.RestartIntensity(2, within: .nanoseconds(100))
        var log = RestartLog(intensity)
        #expect([0, 10].allSatisfy { log.excess(at: $0) == nil })
        #expect(log.excess(at: 99) == intensity)
        #expect(log.excess(at: 100) == nil)
        #expect(log.excess(at: 109) == intensity)
        #expect(log.excess(at: 110) == nil)
        var endless = RestartLog(nil)
        #expect((0..<1000).allSatisfy { endless.excess(at: $0) == nil })
        var none = RestartLog(.init(0, within: .seconds(1)))
        #expect(none.excess(at: 0) != nil)
    }
}
