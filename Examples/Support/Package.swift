// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "Support",
    products: [.library(name: "ExampleSupport", targets: ["ExampleSupport"])],
    targets: [
        .target(name: "ExampleSupport", swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
