// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("Load from other processes")
struct NoiseTests {
    @Test("is reported above a fifth of the machine, and not if it is unknown")
    func contended() {
        for (others, isContended) in [(0.4, false), (0.41, true), (2, true), (0, false), (nil, false)]
            as [(Double?, Bool)]
        {
            let noise = Noise(others: others, pressure: nil, processors: 2)
            #expect(noise.isContended == isContended)
            #expect((noise.sentence != nil) == isContended)
        }
        #expect(
            Noise(others: 1.26, pressure: 0.9, processors: 4).sentence
                == "contended: other processes used 1.3 of 4 processors meanwhile; this affects wall times, but not CPU "
                + "times.")
    }

    @Test("slows a thread as far as others want the processors")
    func slowdown() {
        for (others, runnable, slowdown) in [(0, 0, 1), (2, 2, 2), (1.9, 8, 5), (1, nil, 1.5), (nil, nil, 2)]
            as [(Double?, Double?, Double)]
        {
            let noise = Noise(others: others, pressure: nil, processors: 2, runnable: runnable)
            #expect(noise.slowdown == slowdown)
        }
        var meter = NoiseMeter()
        #expect(meter.noise(besides: 0).runnable == nil)
        meter.sample()
        meter.sample()
        #expect((meter.noise(besides: 0).runnable ?? -1) >= 0)
    }

    @Test("does not include the measured commands")
    func own() throws {
        let meter = NoiseMeter()
        let start = ContinuousClock.now
        while start.secondsSince < 0.3 { NoiseFloor.spin(1000) }
        let others = try #require(meter.noise(besides: 0).others)
        #expect(others >= 0 && others <= Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        // The commands used more processor time than there was.
        #expect(meter.noise(besides: 1e9).others == 0)
    }
}
#endif
