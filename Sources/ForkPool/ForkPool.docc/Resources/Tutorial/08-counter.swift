import ForkPool
import Glibc

let total = SharedCounter()
let increment = { (number: Int) in
    usleep(100_000)
    let subtotal = total.add(number)
    print("worker \(ForkPool.worker!.index): sub total so far \(subtotal)")
}

try ForkPool(workers: 2).forEach([3, 2, 9, 1], increment)
print("total in the parent: \(total.value)")
