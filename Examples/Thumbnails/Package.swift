// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let package = Package(
    name: "Thumbnails",
    dependencies: [.package(name: "forkpool", path: "../.."), .package(path: "../Support")],
    targets: [
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .yum(["libpng-devel"])]),
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .yum(["libjpeg-turbo-devel"])]),
        // libjpeg reports an error by a function that must not return, so its caller uses setjmp, which Swift cannot.
        .target(name: "CPictures", dependencies: ["CJPEG"]),
        .executableTarget(
            name: "Thumbnails",
            dependencies: [
                "CPNG", "CPictures", .product(name: "ForkPool", package: "forkpool"),
                .product(name: "ExampleSupport", package: "Support"),
            ]),
    ]
)
