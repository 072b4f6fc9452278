/// Runs work and says how many seconds it took.
func timed<T, E: Error>(_ work: () throws(E) -> T) throws(E) -> (value: T, seconds: Double) {
    let start = ContinuousClock.now
    let value = try work()
    return (value, start.secondsSince)
}

extension ContinuousClock.Instant {
    /// The seconds from this instant until now.
    var secondsSince: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - self).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
