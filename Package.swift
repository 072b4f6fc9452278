// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
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

/// In a debug build, tests make the calls of the shims fail.
let injects: [CSetting] = [.define("CFORKPOOL_INJECTS", .when(configuration: .debug))]

let package = Package(
    name: "forkpool",
    products: [
        .library(name: "ForkPool", targets: ["ForkPool"]),
        .library(name: "ForkPoolFoundation", targets: ["ForkPoolFoundation"]),
        .library(name: "ForkPoolTesting", targets: ["ForkPoolTesting"]),
        .library(name: "ForkPoolCluster", targets: ["ForkPoolCluster"]),
        .executable(name: "forkpool", targets: ["ForkPoolCLI"]),
    ],
    traits: [
        // No default: a package that uses the library alone resolves and fetches no other package.
        .trait(name: "Command", description: "Builds the forkpool command, which needs swift-argument-parser."),
        .trait(
            name: "MPI",
            description: "Lets ForkPoolCluster use several hosts, which needs libopenmpi-dev or libmpich-dev."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0")
    ],
    targets: [
        // The shim: the only code that speaks to the kernel.
        .target(
            name: "CForkPool", path: "CInclude/CForkPool", cSettings: cSettings + injects),
        // The same for the command. It shares the library's internal.h and with it the table of calls that can be made to
        // fail: there is one such table in a process, and no header of it is public.
        .target(
            name: "CForkLaunch", dependencies: ["CForkPool"], path: "CInclude/CForkLaunch",
            cSettings: cSettings + injects + [.headerSearchPath("../CForkPool")]),
        // The floor: what plain C costs, for `forkpool overhead` alone.
        .target(name: "CForkFloor", path: "CInclude/CForkFloor", cSettings: cSettings),
        // System calls, which `forkpool overhead` counts too. scripts/build-command makes a library of CForkAllocations.
        .target(name: "CForkCount", path: "CInclude/CForkCount", cSettings: cSettings),
        .target(
            name: "ForkPool", dependencies: ["CForkPool"],
            exclude: [
                "Deadlock/README.md", "Journal/README.md", "Pool/README.md", "Region/README.md", "Worker/README.md",
            ],
            swiftSettings: swiftSettings),
        // What the library cannot be without Foundation: its failures as LocalizedError.
        .target(name: "ForkPoolFoundation", dependencies: ["ForkPool"], swiftSettings: swiftSettings),
        // What fails in a worker's body becomes an issue of the test that forked it. Alone to import Testing and XCTest.
        .target(name: "ForkPoolTesting", dependencies: ["ForkPool"], swiftSettings: swiftSettings),
        // Maps over several hosts: one host without the trait MPI.
        .target(
            name: "ForkPoolCluster",
            dependencies: ["ForkPool", .target(name: "CForkMPI", condition: .when(traits: ["MPI"]))],
            swiftSettings: swiftSettings),
        // The shim: the only code that speaks to MPI. It is empty without the trait.
        .target(
            name: "CForkMPI", dependencies: [.target(name: "CSystemMPI", condition: .when(traits: ["MPI"]))],
            path: "CInclude/CForkMPI", cSettings: cSettings + [.define("FORKPOOL_MPI", .when(traits: ["MPI"]))]),
        // Where MPI is: `mpi-c` is the MPI that the system takes by default.
        .systemLibrary(
            name: "CSystemMPI", path: "CInclude/CSystemMPI", pkgConfig: "mpi-c",
            providers: [.apt(["libopenmpi-dev"]), .yum(["openmpi-devel"])]),
        // How the command starts, guards and captures programs.
        .target(
            name: "ForkPoolLaunch", dependencies: ["ForkPool", "CForkPool", "CForkLaunch"],
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "ForkPoolCLI",
            dependencies: [
                "ForkPool",
                "ForkPoolCluster",
                "ForkPoolLaunch",
                "CForkFloor",
                "CForkCount",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser", condition: .when(traits: ["Command"])),
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
        // What scripts/cluster-test starts on its hosts.
        .executableTarget(
            name: "ForkPoolHosts", dependencies: ["ForkPool", "ForkPoolCluster"], path: "Tests/Hosts",
            swiftSettings: swiftSettings),
        // This library's part in scripts/compare-peers.
        .executableTarget(
            name: "ForkPoolPeers", dependencies: ["ForkPool"], path: "Benchmarks/peers/swift",
            swiftSettings: swiftSettings),
        // What values cost beside Foundation's coders, for scripts/compare-coders alone.
        .executableTarget(
            name: "ForkPoolCoders", dependencies: ["ForkPool"], path: "Benchmarks/coding",
            swiftSettings: swiftSettings),
        // What lines and no-ops cost in streams, for scripts/compare-streams alone.
        .executableTarget(
            name: "ForkPoolStreams", dependencies: ["ForkPool"], path: "Benchmarks/streams",
            swiftSettings: swiftSettings),
        // What tests, soak and fuzz share.
        .target(
            name: "ForkPoolTestSupport", dependencies: ["CForkPool"], path: "Tests/Support",
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolTests", dependencies: ["ForkPool", "ForkPoolLaunch", "CForkPool", "ForkPoolTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolFoundationTests", dependencies: ["ForkPool", "ForkPoolFoundation"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolTestingTests", dependencies: ["ForkPool", "ForkPoolTesting"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolClusterTests", dependencies: ["ForkPool", "ForkPoolCluster", "ForkPoolTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "FaultTests", dependencies: ["ForkPool", "ForkPoolLaunch", "CForkPool", "ForkPoolTestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "ForkPoolCLITests", dependencies: ["ForkPoolCLI", "ForkPoolTestSupport"], exclude: ["Help"],
            swiftSettings: swiftSettings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17
)
