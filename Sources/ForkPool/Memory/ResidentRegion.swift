internal import CForkPool
internal import Glibc

/// Owns the shared memory of a resident pool, for as long as anybody reads a result in it.
final class ResidentRegion: Sendable {
    /// The most bytes for states, slots and inputs.
    private static let largestHeap = 32 << 30
    /// The most bytes of an arena, and an eighth of what all together have.
    private static let largestArena = 16 << 30
    /// A reservation that would leave less than this is a refusal.
    private static let smallest = 1 << 20

    private let mapping: Mapping
    let memory: ResidentMemory
    /// What workers that map the memory by themselves inherit, or nil.
    var descriptor: Int32? { mapping.descriptor }

    /// Reserves memory for `workers` workers; asks for less and less where the system grants no large reservation.
    ///
    /// - Parameters:
    ///   - workers: The number of workers.
    ///   - named: Whether the memory has a descriptor.
    /// - Throws: The refusal.
    init(workers: Int, named: Bool) throws(SystemError) {
        var heap = Self.largestHeap
        var arena = Self.blocks(min(Self.largestArena, 8 * Self.largestArena / workers))
        let token = UInt64.random(in: 1 ... .max)
        while true {
            // Nothing is read through this one: it measures.
            let shape = ResidentMemory.Shape(token: token, workers: workers, heapSize: heap, arenaSize: arena)
            let size = unsafe ResidentMemory(base: UnsafeMutableRawPointer(bitPattern: 4096)!, shape: shape).size
            let mapping: Mapping
            do throws(SystemError) {
                mapping = named ? try Mapping(namedSize: size) : try Mapping(size: size)
            } catch {
                guard error.code == SystemError.noMemory, heap / 2 >= Self.smallest else { throw error }
                heap /= 2
                arena = Self.blocks(arena / 2)
                continue
            }
            memory = unsafe ResidentMemory(base: mapping.base, shape: shape)
            self.mapping = mapping
            memory.writeShape()
            return
        }
    }

    /// Gives pages back to the system; they read as zero afterwards.
    func discard(_ range: Range<Int>) {
        mapping.discard(range)
    }

    /// Whole blocks, in whole pages.
    private static func blocks(_ size: Int) -> Int {
        let unit = max(ResidentMemory.blockSize, Mapping.pageSize)
        return max(size / unit, max(4 * ResidentMemory.blockSize / unit, 1)) * unit
    }
}
