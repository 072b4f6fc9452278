// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "UnsafeC",
    dependencies: [.package(name: "forkpool", path: "../.."), .package(path: "../Support")],
    targets: [
        .target(name: "CRecords"),
        .executableTarget(
            name: "UnsafeC",
            dependencies: [
                "CRecords", .product(name: "ForkPool", package: "forkpool"),
                .product(name: "ExampleSupport", package: "Support"),
            ]),
    ]
)
