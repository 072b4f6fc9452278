// swift-tools-version: 6.2
import PackageDescription

/// Settings shared by every Swift target of the package.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Settings shared by every C target of the package.
let cSettings: [CSetting] = [
    .define("_GNU_SOURCE"),
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "forkpool",
    products: [
        .library(name: "ForkPool", targets: ["ForkPool"]),
        .executable(name: "forkpool", targets: ["ForkPoolCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0")
    ],
    targets: [
        // The shim: the only code that speaks to the kernel.
        .target(name: "CForkPool", path: "CInclude/CForkPool", cSettings: cSettings),
        // The floor: what plain C costs, for `forkpool overhead` alone.
        .target(name: "CForkFloor", path: "CInclude/CForkFloor", cSettings: cSettings),
        .target(
            name: "ForkPool", dependencies: ["CForkPool"], exclude: ["Worker/README.md"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "ForkPoolCLI",
            dependencies: [
                "ForkPool",
                "CForkFloor",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(name: "ForkPoolTests", dependencies: ["ForkPool", "CForkPool"], swiftSettings: swiftSettings),
        .testTarget(name: "FaultTests", dependencies: ["ForkPool", "CForkPool"], swiftSettings: swiftSettings),
        .testTarget(name: "ForkPoolCLITests", dependencies: ["ForkPoolCLI"], swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
