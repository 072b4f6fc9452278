// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "CrashproofServer",
    dependencies: [
        .package(name: "forkpool", path: "../.."),
        .package(path: "../Support"),
        // Without its traits: this server needs neither all of Foundation nor a file of settings.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.14.0"),
    ],
    targets: [
        .executableTarget(
            name: "CrashproofServer",
            dependencies: [
                .product(name: "ForkPool", package: "forkpool"),
                .product(name: "ExampleSupport", package: "Support"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ])
    ]
)
