// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The pace of a stream")
struct StreamPaceTests {
    @Test("begins with one input at a time, eight for each worker")
    func beginning() {
        let pace = StreamPace(workers: 2, window: nil)
        #expect(pace.room(inFlight: 0) == 1)
        #expect(pace.room(inFlight: 15) == 1)
        #expect(pace.room(inFlight: 16) == 0)
        #expect(pace.room(inFlight: 17) == 0)
    }

    @Test("keeps within the window that was asked for, and never stands still", arguments: [1, 2, 3, 7, 1000])
    func window(_ window: Int) {
        var pace = StreamPace(workers: 2, window: window)
        #expect(pace.room(inFlight: window) == 0)
        var dice = Seeded(UInt64(window))
        var inFlight = 0
        for _ in 0..<20_000 {
            while true {
                let room = pace.room(inFlight: inFlight)
                guard room > 0 else { break }
                inFlight += room
                #expect(inFlight <= window)
            }
            // Whatever the portions are: with nothing in flight there is always room.
            guard inFlight > 0 else {
                Issue.record("nothing is in flight and there is no room")
                return
            }
            pace.noteInput(size: Int(dice.next() % 1_000_000))
            pace.noteResult(size: Int(dice.next() % 1_000_000))
            pace.noteDelivery()
            inFlight -= 1
        }
    }

    @Test(
        "takes as many inputs at once as are delivered in 0.1 ms, at most 2048", arguments: [(100, 1024), (10, 2048)])
    func shortItems(_ time: Int, _ expected: Int) {
        var pace = StreamPace(workers: 2, window: nil)
        var most = 0
        for step in 1...100_000 {
            pace.noteDelivery(at: step * time)
            most = max(most, pace.room(inFlight: 0))
        }
        #expect(most == expected)
    }

    @Test("does not wait for the end of a large portion when items become long")
    func suddenlyLongItems() {
        var pace = StreamPace(workers: 2, window: nil)
        for step in 1...100_000 { pace.noteDelivery(at: step * 10) }
        #expect(pace.step == 2048)
        for step in 1...12 { pace.noteDelivery(at: 1_000_000 + step * 250_000) }
        #expect(pace.step == 1)
    }

    @Test("takes one input at a time again when items become long")
    func longItems() {
        var pace = StreamPace(workers: 2, window: nil)
        for step in 1...100_000 { pace.noteDelivery(at: step * 100) }
        for step in 1...20 { pace.noteDelivery(at: 10_000_000 + step * 400_000) }
        #expect(pace.room(inFlight: 0) == 1)
        #expect(pace.room(inFlight: 16) == 0)
    }

    @Test("takes a quarter of a small window at once at most")
    func portionOfWindow() {
        var pace = StreamPace(workers: 2, window: 40)
        var most = 0
        for step in 1...100_000 {
            pace.noteDelivery(at: step * 100)
            most = max(most, pace.room(inFlight: 0))
        }
        #expect(most == 10)
        #expect(pace.room(inFlight: 40) == 0)
    }

    @Test("fills a large window with some hundred batches, however long items take")
    func largeWindow() {
        let pace = StreamPace(workers: 2, window: 10_000)
        var (inFlight, batches) = (0, 0)
        while case let room = pace.room(inFlight: inFlight), room > 0 {
            inFlight += room
            batches += 1
        }
        #expect(inFlight > 9_800)
        #expect(batches < 500)
    }

    @Test("has no more large results in flight than 512 KiB for each worker, or two of any size")
    func largeResults() {
        var pace = StreamPace(workers: 2, window: nil)
        pace.noteResult(size: 100_000)
        #expect(pace.room(inFlight: 9) == 1)
        #expect(pace.room(inFlight: 10) == 0)
        pace.noteResult(size: 1 << 20)
        #expect(pace.room(inFlight: 3) == 1)
        #expect(pace.room(inFlight: 4) == 0)
        pace.noteResult(size: 1 << 30)
        #expect(pace.room(inFlight: 3) == 1)
        #expect(pace.room(inFlight: 4) == 0)
    }

    @Test("counts inputs with results")
    func largeInputs() {
        var pace = StreamPace(workers: 2, window: nil)
        pace.noteInput(size: 60_000)
        pace.noteResult(size: 40_000)
        #expect(pace.room(inFlight: 9) == 1)
        #expect(pace.room(inFlight: 10) == 0)
        pace.noteInput(size: 1 << 20)
        #expect(pace.room(inFlight: 3) == 1)
        #expect(pace.room(inFlight: 4) == 0)
        for _ in 0..<100 { pace.noteInput(size: 300) }
        for _ in 0..<100 { pace.noteResult(size: 8) }
        #expect(pace.room(inFlight: 15) == 1)
        #expect(pace.room(inFlight: 16) == 0)
    }

    @Test("forgets large results when small ones follow")
    func smallResults() {
        var pace = StreamPace(workers: 2, window: nil)
        pace.noteResult(size: 1 << 20)
        for _ in 0..<100 { pace.noteResult(size: 8) }
        #expect(pace.room(inFlight: 15) == 1)
        #expect(pace.room(inFlight: 16) == 0)
    }

    @Test("is quick, so that results may gather, only while items are short and the window holds many portions of them")
    func quick() {
        var pace = StreamPace(workers: 2, window: nil)
        var narrow = StreamPace(workers: 2, window: 15)
        #expect(!pace.isQuick)
        // Four in 100 µs, and twelve after them.
        for step in 1...8 { pace.noteDelivery(of: 2, at: step * 50_000) }
        #expect(pace.step == 4)
        #expect(pace.isQuick)
        for step in 1...8 { narrow.noteDelivery(of: 2, at: step * 50_000) }
        #expect(narrow.step == 3)
        #expect(!narrow.isQuick)
        for step in 1...20 { pace.noteDelivery(at: 1_000_000 + step * 200_000) }
        #expect(pace.step == 1)
        #expect(!pace.isQuick)
    }

    @Test("is the same whether deliveries are told one by one or together")
    func together() {
        var (single, many) = (StreamPace(workers: 2, window: nil), StreamPace(workers: 2, window: nil))
        for step in 1...1000 {
            let portion = single.step
            for _ in 0..<portion { single.noteDelivery(at: step * 50_000) }
            many.noteDelivery(of: portion, at: step * 50_000)
            #expect(single.step == many.step)
        }
        #expect(many.step == 2048)
    }

    @Test("has 16 batches a worker in flight at most, and 32 at least, unless a window was asked for")
    func batches() {
        #expect(StreamPace(workers: 1, window: nil).mostBatches == 32)
        #expect(StreamPace(workers: 5, window: nil).mostBatches == 80)
        #expect(StreamPace(workers: 5, window: 7).mostBatches == .max)
    }

    @Test("is not slowed by large results where a window was asked for")
    func windowOverMemory() {
        var pace = StreamPace(workers: 2, window: 1000)
        pace.noteResult(size: 1 << 30)
        #expect(pace.room(inFlight: 63) == 1)
        // A 64th of what is in flight.
        #expect(pace.room(inFlight: 985) == 15)
    }
}
