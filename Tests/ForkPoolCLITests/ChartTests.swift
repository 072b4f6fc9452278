// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import FoundationXML
import Testing

@testable import ForkPoolCLI

@Suite("Charts, on a terminal and as SVG")
struct ChartTests {
    @Test("a histogram counts every value in a bin or above the range")
    func histogram() {
        let even = Histogram([1, 2, 3, 4], width: 4)
        #expect(even.bars == "████" && even.low == 1 && even.high == 4 && even.beyond == 0)
        #expect(Histogram([1, 1, 1, 1, 2, 2], width: 2).bars == "█▄")
        #expect(Histogram([5], width: 3).bars == " █ ")
        #expect(Histogram([5, 5], width: 3).bars == " █ ")
        // The range ends at three times the distance of the upper quartile, so that a disturbed run is outside.
        let disturbed = Histogram([1, 1.1, 1.2, 1.3, 100], width: 4)
        #expect(disturbed.high == 1.3 && disturbed.beyond == 1)
        #expect(Histogram([3, 4], width: 4).beyond == 0)
    }

    @Test("an interval line shows 1 and the limit, and has the given width")
    func interval() throws {
        let ratio = Ratio(pairs: [1.06, 1.07, 1.08, 1.09, 1.1, 1.11], error: 0.05)
        let line = try #require(IntervalLine.draw(ratio, limit: 1.05, width: 24))
        #expect(line == "0.99 ──┼────────╎[════●════]─ 1.12")
        #expect(IntervalLine.draw(Ratio(pairs: [1, 2], error: 0.05)) == nil)
        // Without marks to the right.
        let same = Ratio(pairs: [1, 1, 1, 1, 1, 1], error: 0.05)
        #expect(try #require(IntervalLine.draw(same, width: 11)) == "0.995 ─────●───── 1.005")
    }

    @Test("an axis has round ticks, all within its range")
    func axis() {
        let linear = Axis(0.9, 2.1)
        #expect(linear.ticks.map { fixed($0, 1) } == ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"])
        #expect(linear.position(linear.low) == 0 && linear.position(linear.high) == 1)
        let logarithmic = Axis(0.001, 0.1)
        #expect(logarithmic.ticks.map { fixed($0 * 1000, 0) } == ["1", "2", "5", "10", "20", "50", "100"])
        let single = Axis(5, 5)
        #expect(!single.ticks.isEmpty && single.ticks.allSatisfy { (single.low...single.high).contains($0) })
        #expect(abs(single.position(5) - 0.5) < 1e-9)
    }

    @Test("text in a chart has no character that XML forbids")
    func escaped() {
        // A mark that follows makes one character with it.
        #expect(Chart.escaped("<\u{301}\"\u{301}") == "&lt;\u{301}&quot;\u{301}")
        let text = Chart.escaped("a\u{FFFF}<\u{FFFE}&\u{0}\r\n")
        #expect(text == "a\u{FFFD}&lt;\u{FFFD}&amp;\\u{0}\\u{d}\\u{a}")
        #expect(XMLParser(data: Data("<a>\(text)</a>".utf8)).parse())
    }

    @Test("a chart is valid XML with every run, whatever the names of the commands")
    func chart() throws {
        func measured(_ name: String, _ label: String, _ walls: [Int]) -> MeasuredCommand {
            MeasuredCommand(
                name: name, label: label,
                runs: walls.map {
                    Execution(wall: $0, user: $0, system: 0, peakMemory: 1, memoryFloor: 1, instructions: nil)
                })
        }
        let base = measured("A", "a <b> & \"c\" 'd' \u{1B}[31m\u{0}", [1000, 1100, 1200, 1300, 1400, 1500])
        let head = measured(
            "B", "long " + String(repeating: "x", count: 500), [2000, 2100, 2200, 2300, 2400, 2500, 2600, 2700, 90_000])
        let results = Results(
            verb: "bench", entries: [base, head], comparisons: [Comparison(head, to: base, .wall)],
            noise: Noise(others: nil, pressure: nil, processors: 2), seed: 1, warmup: 2, seconds: 1, metric: .wall)
        let svg = Chart.draw(results)
        let counter = ElementCounter()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = counter
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        // Six dots for A, eight and an arrow for B, and one for the ratio.
        #expect(counter.counts["circle"] == 15)
        #expect(counter.counts["path"] == 1)
        #expect(svg.contains("prefers-color-scheme: dark") && svg.contains("wall time in µs"))
    }
}

/// Counts the elements of an XML document.
private final class ElementCounter: NSObject, XMLParserDelegate {
    var counts: [String: Int] = [:]

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String] = [:]
    ) {
        counts[name, default: 0] += 1
    }
}
#endif
