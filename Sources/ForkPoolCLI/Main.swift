import ForkPool
import Glibc
let pool = ForkPool(workers: 2)
@main struct A { static func main() async { sy()
 let t = try! await pool.map(0..<5) { $0 * 2 }
    print(t)
    let task = Task { do { _ = try await pool.map(0..<2) { _ in sleep(30) } } catch { print("cancel:", error) } }
    try? await Task.sleep(nanoseconds: 50_000_000); task.cancel(); await task.value }
static func sy() {
  do {
    print(try pool.map([(1,2),(3,4)]) { x, y in x + y })
    let r = pool.mapResults(0..<8) { i -> Int in
      if i == 1 { exit(3) }; if i == 2 { fatalError("boom") }; if i == 3 { kill(getpid(), SIGKILL) }
      if i == 4 { struct E: Error {}; throw E() }
      if i == 5 { func f(_ x: Int) -> Int { x < 0 ? 0 : f(x+1) + 1 }; return f(0) }
      if i == 6 { let a = [1]; return a[i] }
      return i }
    for x in r { print(x) }
    try pool.forEach(0..<3) { print("w", $0) }
    print(try pool.withMapped(0..<1000, { Double($0) }) { (s: Span<Double>) in s.count })
    let f = try pool.fill(count: 4, slot: 10, of: Float.self) { i, out in for j in out.indices { out[j] = Float(i) } }
    print(Array(f)[9], f[10], f[39])
    do { _ = try pool.map(0..<100) { i -> Int in if i == 37 { throw CancellationError() }; return i } } catch { print(error) }
    let n = SharedCounter(); try pool.forEach(0..<15) { _ in n.add(1) }; print(n.value)
    let v = SharedValue(0); try pool.forEach(0..<1000) { _ in v.withLock { $0 += 1 } }; print(v.value)
  } catch { print("FAILED", error) }
} }
