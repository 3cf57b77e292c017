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

// The dependencies of every executable: a command line and a log.
let command: [Target.Dependency] = [
    .product(name: "ArgumentParser", package: "swift-argument-parser"),
    .product(name: "Logging", package: "swift-log"),
]

let package = Package(
    name: "pushd",
    products: [
        // The modules that Fuzz/, a separate package, tests.
        .library(
            name: "Modules",
            targets: [
                "Access", "Broker", "Bytes", "Channels", "HTTP", "Protocols", "PushServer", "RedisBridge",
                "TestSupport", "TLSRecord", "Tokens", "WebSocket", "YAML",
            ]),
        // A libuv loop: plain callbacks (WSLoop), and Swift's tasks on it (AsyncLoop).
        .library(name: "WSLoop", targets: ["AsyncLoop", "WSLoop"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .target(name: "Bytes", swiftSettings: lifetimes),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "HTTP", dependencies: ["Bytes"], swiftSettings: settings),
        .target(name: "Access", dependencies: ["Bytes", "Channels", "COpenSSL", "HTTP"], swiftSettings: settings),
        .target(name: "WebSocket", dependencies: ["Bytes", "COpenSSL", "CZlib", "HTTP"], swiftSettings: settings),
        .target(
            name: "Channels",
            dependencies: ["Bytes", "WebSocket", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        .target(name: "Protocols", dependencies: ["Access", "Bytes", "Channels"], swiftSettings: settings),
        .target(name: "Tokens", dependencies: ["Access", "Bytes", "Channels", "COpenSSL"], swiftSettings: settings),
        .systemLibrary(name: "CUring", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .target(name: "TLSRecord", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "WSLoop", dependencies: ["COpenSSL", "CUV", "CUring", "TLSRecord"], swiftSettings: settings),
        .target(
            name: "AsyncLoop",
            dependencies: ["Bytes", "WSLoop", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        // Pass the commit to include it in the build: BUILD_COMMIT=$(git rev-parse --short HEAD) swift build …
        .target(
            name: "CBuild",
            cSettings: [.define("BUILD_COMMIT", to: "\"\(Context.environment["BUILD_COMMIT"] ?? "")\"")]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        // It loads libcurl when that is needed.
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("dl")]),
        .target(
            name: "Hooks",
            dependencies: [
                "Access", "Broker", "Bytes", "CCurl", "Channels", "WSLoop",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .target(name: "Broker", swiftSettings: settings),
        .target(
            name: "RedisBridge",
            dependencies: [
                "Broker", "Bytes", "CHiredis", "COpenSSL", "WSLoop",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            resources: [.embedInCode("Streams/streams.lua")],
            swiftSettings: settings),
        .target(
            name: "PushServer",
            dependencies: [
                "Access", "Broker", "Bytes", "CBuild", "Channels", "HTTP", "Hooks", "Protocols", "RedisBridge",
                "Tokens",
                "WebSocket", "WSLoop",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.embedInCode("Resources/demo.html")],
            swiftSettings: settings),
        .target(
            name: "Bench",
            dependencies: [
                "Bytes", "HTTP", "RedisBridge", "WebSocket", "WSLoop",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),
        .target(name: "CProcess"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: settings),
        .executableTarget(
            name: "pushd",
            dependencies: [
                "Access", "Bench", "Bytes", "CBuild", "Channels", "CProcess", "Hooks", "HTTP", "Protocols",
                "PushServer", "RedisBridge", "Tokens", "WebSocket", "WSLoop", "YAML",
            ] + command,
            swiftSettings: settings),
        .executableTarget(
            name: "echo-server", dependencies: ["Access", "PushServer", "WSLoop"] + command, path: "examples/echo",
            swiftSettings: settings),
        .executableTarget(
            name: "chat-server", dependencies: ["PushServer", "WSLoop"] + command, path: "examples/chat",
            resources: [.embedInCode("Resources/room.html")], swiftSettings: settings),
        .executableTarget(
            name: "ws-cat",
            dependencies: [
                "Bytes", "CBuild", "HTTP", "WSLoop", "WebSocket",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "examples/cat", swiftSettings: settings),
        .executableTarget(
            name: "pipeline",
            dependencies: [
                "AsyncLoop", "Bytes", "CZlib", "WSLoop",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "examples/pipeline", exclude: ["README.md"], swiftSettings: settings),
        .executableTarget(
            name: "loop-bench", dependencies: ["AsyncLoop", "Bytes", "HTTP", "WSLoop"],
            path: "Tests/Benchmarks/loop/program",
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["Broker", "Bytes", "WSLoop"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(name: "BytesTests", dependencies: ["Bytes", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "AccessTests", dependencies: ["Access", "Bytes", "Channels", "HTTP", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "TokensTests", dependencies: ["Access", "Bytes", "Channels", "COpenSSL", "TestSupport", "Tokens"],
            swiftSettings: settings),
        .testTarget(name: "HTTPTests", dependencies: ["Bytes", "HTTP", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "WebSocketTests", dependencies: ["Bytes", "HTTP", "WebSocket", "TestSupport"], swiftSettings: settings
        ),
        .testTarget(
            name: "TLSRecordTests", dependencies: ["Bytes", "COpenSSL", "TLSRecord", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "WSLoopTests", dependencies: ["Bytes", "COpenSSL", "TLSRecord", "TestSupport", "WSLoop"],
            swiftSettings: settings),
        .testTarget(
            name: "HooksTests",
            dependencies: ["Access", "Broker", "Bytes", "Channels", "Hooks", "TestSupport", "WSLoop"],
            swiftSettings: settings),
        .testTarget(
            name: "AsyncLoopTests", dependencies: ["AsyncLoop", "TestSupport", "WSLoop"], swiftSettings: settings),
        .testTarget(name: "BrokerTests", dependencies: ["Broker", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "RedisBridgeTests", dependencies: ["Broker", "Bytes", "RedisBridge", "WSLoop", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ChannelsTests", dependencies: ["Bytes", "Channels", "WebSocket", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ProtocolsTests", dependencies: ["Access", "Bytes", "Channels", "Protocols", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "PushServerTests",
            dependencies: [
                "Access", "Broker", "Bytes", "Channels", "Hooks", "HTTP", "PushServer", "RedisBridge", "TestSupport",
                "WebSocket", "WSLoop",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "BenchTests",
            dependencies: ["Bench", "Bytes", "HTTP", "TestSupport", "WebSocket"],
            swiftSettings: settings),
        .testTarget(name: "YAMLTests", dependencies: ["YAML"], swiftSettings: settings),
        .testTarget(
            name: "PushdTests",
            dependencies: [
                "Access", "Bench", "Bytes", "Hooks", "Protocols", "pushd", "PushServer", "RedisBridge", "WebSocket",
                "WSLoop", "YAML",
            ]
                + command,
            swiftSettings: settings),
    ]
)
