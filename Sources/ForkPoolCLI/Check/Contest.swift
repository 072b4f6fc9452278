/// One comparison of a check: what it has to go by, what is known, and whether the gate would find a slower head.
struct Contest {
    /// What head's runs are compared with.
    enum Base {
        /// Runs of a command that was measured beside it.
        case command(Int)
        /// Runs from a file.
        case file(Measured)
    }

    /// The numbers of the commands in the measurement.
    let head: Int
    let base: Base
    private(set) var verdict = PairedGate.Verdict.more(PairedGate.looks[0])
    private(set) var findsCanary = false

    init(head: Int, base: Base) {
        self.head = head
        self.base = base
    }

    /// Whether runs of base and head are pairs.
    var isPaired: Bool {
        if case .command = base { true } else { false }
    }

    /// The commands to run for it.
    var commands: [Int] {
        if case .command(let base) = base { [base, head] } else { [head] }
    }

    func base(in measured: [Measured]) -> Measured {
        switch base {
        case .command(let number): measured[number]
        case .file(let base): base
        }
    }

    /// The ratio of head to base.
    func ratio(in measured: [Measured], _ metric: Metric, error: Double) -> Ratio {
        let (head, base) = (measured[head], base(in: measured))
        return isPaired
            ? Ratio(pairs: head.ratios(to: base, metric), error: error)
            : Ratio(of: head.values(metric), to: base.values(metric), error: error)
    }

    /// Whether nothing more is to be learnt.
    func isDecided(withCanary: Bool) -> Bool {
        switch verdict {
        case .slower, .inconclusive: true
        case .passed: findsCanary || !withCanary
        case .more: false
        }
    }

    /// Takes note of a verdict; what was decided stays.
    mutating func note(_ new: PairedGate.Verdict) {
        if case .more = verdict { verdict = new }
    }

    /// Tries whether the gate would find a head that is slower than base by twice what is allowed, with the noise that is
    /// here.
    ///
    /// - Parameters:
    ///   - ratio: The ratio that was seen.
    ///   - gate: The gate.
    mutating func tryCanary(_ ratio: Ratio, _ gate: PairedGate) {
        guard !findsCanary, let interval = ratio.interval else { return }
        // As if head were base, and then so much slower.
        let factor = gate.canary / ratio.estimate
        let slower = interval.lowerBound * factor...interval.upperBound * factor
        findsCanary = gate.judge(slower, after: 0, isLast: true) == .slower
    }
}
