import ForkPool
import Glibc

var total = 0
let increment = { (number: Int) in
    usleep(100_000)
    total += number
    print("worker \(ForkPool.worker!.index): sub total so far \(total)")
}

try ForkPool(workers: 2).forEach([3, 2, 9, 1], increment)
print("total in the parent: \(total)")
