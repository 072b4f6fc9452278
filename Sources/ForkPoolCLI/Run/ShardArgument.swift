// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool

/// The value of `--shard`: `2/8`, or where to read it.
enum ShardArgument: Equatable {
    /// From the variables of a scheduler, an array or a CI matrix.
    case auto
    /// From those, or from those of the tasks of `srun`.
    case srun
    case given(ForkPool.Shard)

    /// Reads a value.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        switch text {
        case "auto": self = .auto
        case "srun": self = .srun
        default:
            let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map(Self.number)
            guard numbers.count == 2, let index = numbers[0], let count = numbers[1] else {
                throw ValidationError(
                    "a shard has the form I/N, such as 0/4 for the first of four; or it is auto, or srun.")
            }
            guard index < count else {
                throw ValidationError("a shard of \(count) is from 0/\(count) to \(max(count, 1) - 1)/\(count).")
            }
            self = .given(ForkPool.Shard(index: index, count: count))
        }
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(digits) : nil
    }

    /// The shard of this process; nil if its environment names none.
    ///
    /// - Throws: `ValidationError` if the environment names one and not all of it.
    func shard() throws -> ForkPool.Shard? {
        do throws(ForkPool.Failure) {
            return switch self {
            case .given(let shard): shard
            case .auto: try .fromEnvironment()
            case .srun: try .fromEnvironment(countsSlurmTasks: true)
            }
        } catch {
            throw ValidationError("\(error).")
        }
    }
}
#endif
