// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("Durations and sizes as arguments")
struct QuantitiesTests {
    @Test(
        "durations have a unit, or are in seconds",
        arguments: [
            ("500ms", 500_000_000), ("1.5s", 1_500_000_000), ("2m", 120_000_000_000), ("1h", 3_600_000_000_000),
            ("2", 2_000_000_000), ("0.25", 250_000_000), (".5", 500_000_000), ("10us", 10_000), ("10µs", 10_000),
            ("7ns", 7), ("1min", 60_000_000_000), ("0", 0),
        ])
    func durations(_ text: String, _ nanoseconds: Int) {
        #expect(DurationArgument(argument: text)?.nanoseconds == nanoseconds)
    }

    @Test(
        "refuses text that is no duration",
        arguments: ["", "s", "1.", "1..2", "-1s", "+1", "1e3", "inf", "nan", "0x10", "1 s", "1S", "1d", "١s", "1s2"])
    func noDurations(_ text: String) {
        #expect(DurationArgument(argument: text) == nil)
        #expect(throws: (any Error).self) { try DurationArgument(parsing: text) }
    }

    @Test("refuses a duration of more than a year, so that a deadline does not overflow")
    func tooLong() {
        #expect(DurationArgument(argument: "8760h")?.nanoseconds == 365 * 24 * 3600 * 1_000_000_000)
        #expect(DurationArgument(argument: "8760.01h") == nil)
        #expect(DurationArgument(argument: "9223372036s") == nil)
        #expect(DurationArgument(argument: "1" + String(repeating: "0", count: 400)) == nil)
    }

    @Test(
        "sizes are decimal, or binary with an i",
        arguments: [
            ("64", 64), ("64B", 64), ("10k", 10_000), ("10kB", 10_000), ("10K", 10_000), ("16MiB", 16_777_216),
            ("16Mi", 16_777_216), ("1G", 1_000_000_000), ("1GiB", 1_073_741_824), ("1.5MB", 1_500_000),
            ("2T", 2_000_000_000_000),
            ("0", 0), ("1KiB", 1024),
        ])
    func sizes(_ text: String, _ bytes: Int) {
        #expect(ByteSize(argument: text)?.bytes == bytes)
    }

    @Test(
        "refuses text that is no size",
        arguments: ["", "k", "-1", "1 k", "1i", "1iB", "1Kib1", "1P", "1kk", "1BB", "9999999999G", "1e3"])
    func noSizes(_ text: String) {
        #expect(ByteSize(argument: text) == nil)
        #expect(throws: (any Error).self) { try ByteSize(parsing: text) }
    }
}
#endif
