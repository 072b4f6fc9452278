import ForkPool

func add(_ x: Int, _ y: Int) -> Int {
    var state = UInt64(x + y)
    for _ in 0..<3_000_000 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
    }
    // Uses the last number, so that the compiler cannot leave the loop out.
    precondition(state != 0)
    return x + y
}

let pairs = [
    (10, 1), (10, 2), (10, 3), (10, 4), (10, 5),
    (3, 3), (2, 2), (1, 1), (1, 3), (4, 3),
]

for workers in [1, 10] {
    var sums: [Int] = []
    let time = try ContinuousClock().measure {
        sums = try ForkPool(workers: workers).map(pairs) { x, y in add(x, y) }
    }
    print(sums, time)
}
print("processors:", ForkPool.availableProcessors)
