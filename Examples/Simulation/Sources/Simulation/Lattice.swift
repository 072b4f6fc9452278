// SPDX-License-Identifier: Apache-2.0

/// A square lattice whose sites are open or closed.
struct Lattice {
    let side: Int
    private var isOpen: [Bool]

    /// Opens each site with a probability.
    init(side: Int, density: Double, using generator: inout some RandomNumberGenerator) {
        self.side = side
        isOpen = (0..<side * side).map { _ in Double(generator.next() >> 11) * 0x1p-53 < density }
    }

    /// Whether open sites that are neighbours lead from the top to the bottom.
    func conducts() -> Bool {
        var isReached = isOpen.map { _ in false }
        var path: [Int] = []
        func reach(_ site: Int) {
            guard isOpen[site], !isReached[site] else { return }
            isReached[site] = true
            path.append(site)
        }
        for site in 0..<side { reach(site) }
        while let site = path.popLast() {
            if site >= side * (side - 1) { return true }
            reach(site + side)
            if site % side > 0 { reach(site - 1) }
            if site % side < side - 1 { reach(site + 1) }
            if site >= side { reach(site - side) }
        }
        return false
    }
}
