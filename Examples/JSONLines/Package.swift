// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "JSONLines",
    dependencies: [.package(name: "forkpool", path: "../.."), .package(path: "../Support")],
    targets: [
        .executableTarget(
            name: "JSONLines",
            dependencies: [
                .product(name: "ForkPool", package: "forkpool"), .product(name: "ExampleSupport", package: "Support"),
            ])
    ]
)
