// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import Dispatch
import ForkPool
import Glibc

// What a worker costs in counts: system calls, allocations, and memory beside that of a child of the C floor.

extension Workload {
    static let scale: [Workload] = [
        Workload(name: "map with a no-op for each worker", unit: .worker, count: 16) { count in
            let pool = ForkPool(workers: count, options: .init(chunk: .fixed(1)))
            blackHole(try pool.map(0..<count, noOp))
        },
        memory(of: "workers of a map") { meeting, count in
            let pool = ForkPool(workers: count, options: .init(chunk: .fixed(1)))
            let done = DispatchSemaphore(value: 0)
            // The map blocks its thread, and this one measures.
            Task.detached {
                blackHole(try await pool.map(0..<count, meeting.run))
                done.signal()
            }
            meeting.measure(count)
            done.wait()
        },
        memory(of: "workers of a resident pool") { meeting, count in
            try meeting.measure(count, try ForkPool(workers: count).resident(meeting.run))
        },
        memory(of: "workers of a resident pool by exec") { meeting, count in
            try meeting.measure(count, try ForkPool(workers: count).resident(meeting, start: .exec))
        },
        memory(of: "children of the C floor") { meeting, count in
            guard cforkfloor_crowd(Int32(count)) else { throw OverheadError.noFloor }
            meeting.printMemory()
            _ = cforkfloor_crowd(0)
        },
    ]

    private static func memory(
        of workers: String, _ run: @escaping @Sendable (Meeting, _ count: Int) throws -> Void
    ) -> Workload {
        Workload(name: "memory: \(workers)", unit: .worker, count: 32, weighs: true) { count in
            try run(try Meeting(), count)
        }
    }
}

/// Where all workers of a pool are in a body at once, so that their memory can be read.
struct Meeting: ForkPool.Job {
    private let parent: Int32
    /// A byte for each worker that has come, and one for each that may go; the numbers of pipes of the parent.
    private let (comingEnd, coming): (Int32, Int32)
    private let (going, goingEnd): (Int32, Int32)

    init() throws {
        var ends: [Int32] = [-1, -1, -1, -1]
        let areMade = unsafe ends.withUnsafeMutableBufferPointer { ends in
            unsafe pipe(ends.baseAddress!) == 0 && pipe(ends.baseAddress! + 2) == 0
        }
        guard areMade else { throw OverheadError.noFloor }
        (comingEnd, coming, going, goingEnd, parent) = (ends[0], ends[1], ends[2], ends[3], getpid())
    }

    /// Comes, and waits until the memory is read.
    func run(_ item: Int) -> Int {
        // A worker that is another program has not inherited the pipes.
        let (coming, going) = (open(coming, O_WRONLY), open(going, O_RDONLY))
        var byte: UInt8 = 0
        let isOver = unsafe write(coming, &byte, 1) == 1 && read(going, &byte, 1) == 1
        close(coming)
        close(going)
        return isOver ? item : -1
    }

    private func open(_ end: Int32, _ flags: Int32) -> Int32 {
        unsafe Glibc.open("/proc/\(parent)/fd/\(end)", flags | O_CLOEXEC)
    }

    /// Gives each worker of a pool a call, and measures.
    func measure(_ count: Int, _ resident: ForkPool.Resident<Int, Int>) throws {
        let calls = (0..<count).map { resident.submit($0) }
        measure(count)
        for call in calls { blackHole(try call.wait()) }
        resident.close()
    }

    /// Waits until all workers have come, prints their memory, and lets them go.
    func measure(_ count: Int) {
        var bytes = [UInt8](repeating: 0, count: count)
        var come = 0
        while come < count {
            let length = unsafe read(comingEnd, &bytes, count - come)
            guard length > 0 else { exit(Exit.internalError) }
            come += length
        }
        printMemory()
        guard unsafe write(goingEnd, bytes, count) == count else { exit(Exit.internalError) }
    }

    func printMemory() {
        let memory = TreeMemory(of: parent)
        StandardOutput.write("\(memory.own) \(memory.shared) \(memory.pageTables)\n")
    }
}
#endif
