import ForkPool
import Glibc

let weigh = { (number: Int) in
    usleep(100_000)
    return number
}

let total = try ForkPool(workers: 2).map([3, 2, 9, 1], weigh).reduce(0, +)
print("total in the parent: \(total)")
