// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "Simulation",
    traits: [.trait(name: "Hosts", description: "Runs on many hosts, by MPI.")],
    dependencies: [
        .package(
            name: "forkpool", path: "../..", traits: [.trait(name: "MPI", condition: .when(traits: ["Hosts"]))])
    ],
    targets: [
        .executableTarget(
            name: "Simulation",
            dependencies: [
                .product(name: "ForkPool", package: "forkpool"),
                .product(name: "ForkPoolCluster", package: "forkpool"),
            ])
    ]
)
