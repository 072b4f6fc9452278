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
        // For scripts/perf-check alone, which lets `forkpool overhead` count with it.
        .library(name: "ForkPoolAllocations", type: .dynamic, targets: ["CForkAllocations"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0")
    ],
    targets: [
        // The shim: the only code that speaks to the kernel.
        .target(
            name: "CForkPool", path: "CInclude/CForkPool",
            // In a debug build, tests make its calls fail.
            cSettings: cSettings + [.define("CFORKPOOL_INJECTS", .when(configuration: .debug))]),
        // The floor: what plain C costs, for `forkpool overhead` alone.
        .target(name: "CForkFloor", path: "CInclude/CForkFloor", cSettings: cSettings),
        // System calls and allocations, which `forkpool overhead` counts too.
        .target(name: "CForkCount", path: "CInclude/CForkCount", cSettings: cSettings),
        .target(name: "CForkAllocations", path: "CInclude/CForkAllocations", cSettings: cSettings),
        .target(
            name: "ForkPool", dependencies: ["CForkPool"],
            exclude: ["Supervision/README.md", "Worker/README.md"], swiftSettings: swiftSettings),
        .executableTarget(
            name: "ForkPoolCLI",
            dependencies: [
                "ForkPool",
                "CForkFloor",
                "CForkCount",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings
        ),
        // Chaos and soak, for scripts/soak alone.
        .executableTarget(
            name: "ForkPoolSoak", dependencies: ["ForkPool", "ForkPoolTestSupport"], path: "Tests/Soak",
            swiftSettings: swiftSettings),
        // What scripts/fuzz runs; no product for others.
        .executableTarget(
            name: "ForkPoolFuzz", dependencies: ["ForkPool", "ForkPoolTestSupport"], path: "Tests/Fuzz",
            swiftSettings: swiftSettings),
        // This library's part in scripts/compare-peers.
        .executableTarget(
            name: "ForkPoolPeers", dependencies: ["ForkPool"], path: "Benchmarks/peers/swift",
            swiftSettings: swiftSettings),
        // What tests, soak and fuzz share.
        .target(
            name: "ForkPoolTestSupport", dependencies: ["CForkPool"], path: "Tests/Support",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolTests", dependencies: ["ForkPool", "CForkPool", "ForkPoolTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FaultTests", dependencies: ["ForkPool", "CForkPool", "ForkPoolTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolCLITests", dependencies: ["ForkPoolCLI", "ForkPoolTestSupport"], exclude: ["Help"],
            swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
