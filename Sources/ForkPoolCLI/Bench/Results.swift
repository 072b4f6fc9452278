/// Everything that a measurement says, for whatever writes it down.
struct Results {
    let verb: String
    let entries: [Measured]
    let comparisons: [Comparison]
    let noise: Noise
    /// What the order was drawn from.
    let seed: UInt64
    /// How many rounds were thrown away.
    let warmup: Int
    let seconds: Double
    /// What charts show.
    let metric: Metric
}
