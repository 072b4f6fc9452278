// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A right to buy at the strike, whose payoff is the average price over some days minus the strike.
struct AsianOption {
    var spot = 100.0
    var strike = 100.0
    var rate = 0.05
    var volatility = 0.2
    var years = 1.0
    var days = 64

    /// Sums of payoffs over some paths: of the arithmetic average, and of the geometric one, whose price is known.
    struct Payoffs: BitwiseCopyable, Equatable {
        var paths = 0
        var arithmetic = 0.0
        var geometric = 0.0
        var geometricSquares = 0.0

        static func + (one: Payoffs, other: Payoffs) -> Payoffs {
            Payoffs(
                paths: one.paths + other.paths, arithmetic: one.arithmetic + other.arithmetic,
                geometric: one.geometric + other.geometric,
                geometricSquares: one.geometricSquares + other.geometricSquares)
        }
    }

    /// Follows the price along some paths.
    func simulate(paths: Int, using generator: inout some RandomNumberGenerator) -> Payoffs {
        let step = years / Double(days)
        let drift = (rate - volatility * volatility / 2) * step
        let spread = volatility * step.squareRoot()
        let discount = exp(-rate * years)
        var payoffs = Payoffs(paths: paths)
        for _ in 0..<paths {
            var logarithm = log(spot)
            var sum = 0.0
            var sumOfLogarithms = 0.0
            for _ in 0..<days / 2 {
                let normals = generator.nextNormals()
                for normal in [normals.0, normals.1] {
                    logarithm += drift + spread * normal
                    sum += exp(logarithm)
                    sumOfLogarithms += logarithm
                }
            }
            payoffs.arithmetic += discount * max(0, sum / Double(days) - strike)
            let geometric = discount * max(0, exp(sumOfLogarithms / Double(days)) - strike)
            payoffs.geometric += geometric
            payoffs.geometricSquares += geometric * geometric
        }
        return payoffs
    }

    /// The price where the average is a geometric one, by the formula of Kemna and Vorst.
    var geometricPrice: Double {
        let days = Double(days)
        let mean = log(spot) + (rate - volatility * volatility / 2) * years * (days + 1) / (2 * days)
        let variance = volatility * volatility * years * (days + 1) * (2 * days + 1) / (6 * days * days)
        let distance = (mean - log(strike)) / variance.squareRoot()
        func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }
        return exp(-rate * years)
            * (exp(mean + variance / 2) * normal(distance + variance.squareRoot()) - strike * normal(distance))
    }
}
