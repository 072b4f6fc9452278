import CForkFloor

/// Children of the floor that stay, for as long as this lives; one at a time does.
final class WarmFloor {
    private let workers: Int32

    /// Forks the children.
    init(workers: Int) {
        self.workers = Int32(workers)
        cforkfloor_warm(self.workers)
    }

    deinit {
        cforkfloor_warm(0)
    }

    /// Kills and reaps the children, and forks new ones.
    func replace() {
        cforkfloor_warm(workers)
    }

    /// Hands a number to a child, and takes it back.
    func call() {
        keep(cforkfloor_warm_call(1))
    }

    /// Maps over inputs, `chunk` at a time.
    func map(_ inputs: [Int64], chunk: Int) {
        unsafe cforkfloor_warm_map(inputs, Int64(inputs.count), Int64(chunk))
    }

    /// Fills the slots of big results, and reads a byte of each page.
    func fill(_ count: Int, size: Int) {
        cforkfloor_warm_fill(Int64(count), size)
        touchFloor(count * size)
    }
}

/// Reads a byte of each page that the floor left.
func touchFloor(_ size: Int) {
    guard let bytes = unsafe cforkfloor_region(0) else { return }
    keep(touch(unsafe UnsafeBufferPointer(start: bytes, count: size).span))
}
