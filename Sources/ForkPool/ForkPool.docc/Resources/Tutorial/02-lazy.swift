import Glibc

func add(_ x: Int, _ y: Int) -> Int {
    usleep(100_000)
    return x + y
}

let pairs = [
    (10, 1), (10, 2), (10, 3), (10, 4), (10, 5),
    (3, 3), (2, 2), (1, 1), (1, 3), (4, 3),
]

let start = ContinuousClock.now
for sum in pairs.lazy.map({ x, y in add(x, y) }) {
    print(sum, ContinuousClock.now - start)
}
