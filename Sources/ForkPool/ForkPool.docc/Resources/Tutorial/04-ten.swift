import ForkPool
import Glibc

func add(_ x: Int, _ y: Int) -> Int {
    usleep(100_000)
    return x + y
}

let pairs = [
    (10, 1), (10, 2), (10, 3), (10, 4), (10, 5),
    (3, 3), (2, 2), (1, 1), (1, 3), (4, 3),
]

var sums: [Int] = []
let time = try ContinuousClock().measure {
    sums = try ForkPool(workers: 10).map(pairs) { x, y in add(x, y) }
}
print(sums, time)
