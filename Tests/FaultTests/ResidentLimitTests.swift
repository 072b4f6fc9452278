import ForkPool
import Glibc
import Testing

@Suite struct ResidentLimitTests {
    @Test("C6: a resident pool that gets no memory is a failure that names mmap and ENOMEM", arguments: Way.allCases)
    func mmapRefused(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentLimitScenes.mmapRefused(way) }
    }

    @Test("C6: a resident pool in a small address space is right, but for what does not fit", arguments: Way.allCases)
    func smallAddressSpace(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentLimitScenes.smallAddressSpace(way) }
    }

    @Test(
        "C6: a resident pool that gets no descriptor is a failure that names the call and EMFILE",
        arguments: Way.allCases)
    func noDescriptors(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentLimitScenes.noDescriptors(way) }
    }

    @Test(
        "C6: with 8 descriptors in all a resident pool of 64 workers is right",
        arguments: Way.allCases)
    func eightDescriptors(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentLimitScenes.eightDescriptors(way) }
    }
}

private enum ResidentLimitScenes {
    static func mmapRefused(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            Limit.set(.addressSpace, to: Files.addressSpace + 256 << 10)
            let thrown = failure { () throws(ForkPool.Failure) in try way.start(Performer(), workers: 3) }
            #expect(thrown?.code == .noMemory, "\(String(describing: thrown))")
            #expect(thrown?.errno == ENOMEM && thrown?.bodyRan == .no && thrown?.index == nil)
            #expect(thrown?.message.contains("mmap") == true, "\(String(describing: thrown))")
            Limit.set(.addressSpace, to: Int(Int32.max) << 20)
        }
    }

    private static func fills(_ pool: ForkPool.Resident<[Int], [UInt8]>) throws(ForkPool.Failure) {
        #expect(try pool.map([[7, 3], [8, 0]]) == [[7, 7, 7], []])
    }

    static func smallAddressSpace(_ way: Way) {
        Limit.set(.addressSpace, to: Files.addressSpace + 256 << 20)
        ResidentScene.survive(Filling(), way, fills) { pool throws in
            #expect(try pool.map((0..<100).map { [$0, 2] }) == (0..<100).map { [UInt8($0), UInt8($0)] })
            let results = pool.mapResults([[1, 10], [2, 150 << 20], [3, 10]])
            #expect(results[0].value?.count == 10 && results[2].value?.count == 10)
            #expect(results[1].failure?.index == 1, "\(results[1])")
        }
    }

    static func noDescriptors(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            Limit.set(.openFiles, to: 0)
            let thrown = failure { () throws(ForkPool.Failure) in try way.start(Performer(), workers: 3) }
            Limit.set(.openFiles, to: 512)
            #expect(thrown?.code == .forkRefused, "\(String(describing: thrown))")
            #expect(thrown?.errno == EMFILE && thrown?.bodyRan == .no)
            #expect(thrown?.message.contains("ulimit -n") == true, "\(String(describing: thrown))")
        }
    }

    static func eightDescriptors(_ way: Way) {
        Scene.setDeadline()
        // In a process with no other thread, whose descriptors nobody else opens or closes.
        let child = Process.fork()
        if child == 0 {
            Scene.setDeadline()
            for descriptor in Int32(3)..<512 { close(descriptor) }
            Limit.set(.openFiles, to: 8)
            do throws(ForkPool.Failure) {
                let pool = try way.start(Performer(), workers: 64)
                if try pool.map((0..<1000).map { .give($0) }) != Array(0..<1000) { _exit(1) }
                pool.close()
            } catch {
                _exit(2)
            }
            // Every descriptor is free again, too.
            _exit(dup(0) == 3 ? 0 : 3)
        }
        #expect(Process.wait(for: child) == 0)
    }
}
