// SPDX-License-Identifier: Apache-2.0
#if Command
/// The words after `--` on the command line, which argument-parser does not separate from the arguments before it.
enum AfterTerminator {
    static let words = Array(CommandLine.arguments.drop { $0 != "--" }.dropFirst())
}
#endif
