// SPDX-License-Identifier: Apache-2.0

/// A calculator as such code often is: right for what its author thought of, and a trap for the rest.
enum Calculator {
    /// What is wrong with an expression, as far as the calculator notices.
    enum Mistake: Error, Codable, CustomStringConvertible {
        case unknown(word: String)
        case empty

        var description: String {
            switch self {
            case .unknown(let word): "what is \"\(word)\"?"
            case .empty: "there is no expression"
            }
        }
    }

    /// Works out an expression in reverse Polish notation: `3 4 + 2 *` is 14.
    ///
    /// It traps on a division by zero (`1 0 /`), on an overflow and on a missing operand, and takes for ever for `90 fib`.
    static func evaluate(_ expression: String) throws(Mistake) -> Int {
        var stack: [Int] = []
        for word in expression.split(separator: " ") {
            switch word {
            case "+": stack.append(stack.removeLast() + stack.removeLast())
            case "*": stack.append(stack.removeLast() * stack.removeLast())
            case "/":
                let divisor = stack.removeLast()
                stack.append(stack.removeLast() / divisor)
            case "fib": stack.append(fibonacci(stack.removeLast()))
            default:
                guard let number = Int(word) else { throw .unknown(word: String(word)) }
                stack.append(number)
            }
        }
        guard let result = stack.last else { throw .empty }
        return result
    }

    private static func fibonacci(_ number: Int) -> Int {
        number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2)
    }
}
