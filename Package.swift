// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]
// Only Bytes declares functions that return a span (`[UInt8].rawSpan`).
let lifetimes: [SwiftSetting] = settings + [.enableExperimentalFeature("Lifetimes")]

let package = Package(
    name: "pushd",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .target(name: "Bytes", swiftSettings: lifetimes),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "HTTP", dependencies: ["Bytes"], swiftSettings: settings),
        .target(name: "WebSocket", dependencies: ["Bytes", "COpenSSL", "HTTP"], swiftSettings: settings),
        .target(
            name: "Channels",
            dependencies: ["Bytes", "WebSocket", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        .target(name: "WSLoop", dependencies: ["CUV"], swiftSettings: settings),
    ]
)
