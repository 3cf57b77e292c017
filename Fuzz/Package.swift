// swift-tools-version: 6.2
// Built by script/fuzz, which also passes the sanitizers and -enable-testing to pushd's modules.
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// libFuzzer provides main and calls `LLVMFuzzerTestOneInput`.
func fuzzer(_ name: String) -> Target {
    .executableTarget(
        name: "fuzz-\(name)", dependencies: ["FuzzSupport", .product(name: "Modules", package: "pushd")],
        swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
}

let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "pushd", path: "..")],
    targets: [
        .target(
            name: "FuzzSupport", dependencies: [.product(name: "Modules", package: "pushd")], swiftSettings: settings),
        fuzzer("http"), fuzzer("frames"), fuzzer("deflate"), fuzzer("commands"), fuzzer("redis"), fuzzer("records"),
        fuzzer("hub"), fuzzer("proxy"), fuzzer("tokens"), fuzzer("cursors"), fuzzer("yaml"),
    ]
)
