// SPDX-License-Identifier: Apache-2.0
import Glibc

// Feeds the parent scribbled memory and the decoder wrong bytes; scripts/fuzz runs it.

let order = FuzzOrder(CommandLine.arguments)
if order.isChild {
    switch order.mode {
    case .region: RegionFuzz.run(order)
    case .decoder: DecoderFuzz.run(order)
    }
} else {
    exit(FuzzDriver.run(order) ? 0 : 1)
}
