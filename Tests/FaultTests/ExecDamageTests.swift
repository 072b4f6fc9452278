// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import ForkPool

@Suite struct ExecDamageTests {
    @Test("B9: exec'd workers find their job although its description was scribbled on")
    func execOrder() async {
        await #expect(processExitsWith: .success) { ExecDamageScenes.execOrder() }
    }

    @Test("B9: an exec'd worker maps no memory but its pool's")
    func otherMemory() async {
        await #expect(processExitsWith: .success) { ExecDamageScenes.otherMemory() }
    }
}

/// Returns what it is given, or kills its worker.
struct FragileJob: ForkPool.Job {
    func run(_ input: Int) async throws -> Int {
        if input < 0 { Process.killSelf() }
        return input
    }
}

private enum ExecDamageScenes {
    static func execOrder() {
        Scene.run {
            let pool = try ForkPool(workers: 1, options: .init(chunk: .fixed(1))).resident(FragileJob(), start: .exec)
            #expect(try pool(5) == 5)
            let memory = pool.pool.layout
            for wild in [Int.min, -1, 0, 4096, .max] {
                unsafe memory.jobOffset.pointee.store(wild, ordering: .relaxed)
                unsafe memory.jobLength.pointee.store(wild, ordering: .relaxed)
                unsafe memory.base.storeBytes(of: wild, toByteOffset: 8, as: Int.self)
                unsafe (memory.base + memory.heap.lowerBound).storeBytes(of: wild, as: Int.self)
                // The spare process has already read the description; the next one has not.
                for _ in 0..<2 { #expect(pool.mapResults([1, -1, 3]).map(\.value) == [1, nil, 3]) }
            }
            pool.close()
        }
    }

    static func otherMemory() {
        Scene.run {
            let core = try Pool(workers: 1, options: .init(), for: .executed)
            let shape = core.layout.shape
            var other = shape
            other.token ^= 1
            unsafe core.layout.base.storeBytes(of: other, as: RegionLayout.Shape.self)
            #expect(throws: ForkPool.Failure.self) {
                let pool = try ForkPool(workers: 1).makeResident(
                    core, try ExecStarter(core), WireFormat<Int>.coded,
                    WireFormat<Int>.coded)
                _ = try pool(1)
            }
        }
    }
}
