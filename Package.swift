// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A module under `Sources/` and, unless it has none, its tests under `Tests/<name>Tests`.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, resources: resources, swiftSettings: settings)
}

func systemLibrary(_ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

extension Target.Dependency {
    static let nioCore = product(name: "NIOCore", package: "swift-nio")
    static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
    static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
    static let nioTLS = product(name: "NIOTLS", package: "swift-nio")
    static let nioWebSocket = product(name: "NIOWebSocket", package: "swift-nio")
    static let nioSSL = product(name: "NIOSSL", package: "swift-nio-ssl")
    static let x509 = product(name: "X509", package: "swift-certificates")
    static let crypto = product(name: "Crypto", package: "swift-crypto")
    static let logging = product(name: "Logging", package: "swift-log")
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let system = product(name: "SystemPackage", package: "swift-system")
    static let yams = product(name: "Yams", package: "Yams")
    static let histogram = product(name: "Histogram", package: "hdrhistogram-swift")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
    name: "aftershock",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "aftershock", targets: ["aftershock"]),
        .executable(name: "sandbox-sql", targets: ["SandboxSQL"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        systemLibrary("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
        systemLibrary("CXML2", "libxml-2.0", apt: "libxml2-dev"),
        systemLibrary("CSQLite", "sqlite3", apt: "libsqlite3-dev"),

        module("JSON"),
        module("Experiment", ["JSON", .yams]),
        module("Journal", ["JSON", "Experiment", .system]),
        module("TDS", [.nioCore, .nioPosix, .nioTLS, .nioSSL]),
        module(
            "Kubernetes",
            ["JSON", "CCurl", .nioCore, .nioPosix, .nioWebSocket, .nioSSL, .crypto, .subprocess, .yams]),
        module("Probe", ["Experiment", "Journal", "TDS", .nioCore, .nioPosix]),
        module("Ledger", ["Experiment", "Journal", "Probe", "TDS", .nioCore]),
        module("Fault", ["Experiment", "Journal", "Kubernetes", "JSON", .subprocess, .system]),
        module("Verdict", ["Experiment", "Journal", .histogram]),
        module("Report", ["Experiment", "Journal", "Verdict", "CXML2", "JSON", .mustache]),
        module(
            "Calibration", ["Journal", "Probe", "TDS", "Verdict", "JSON", .nioCore, .nioPosix, .nioTLS, .nioSSL, .x509, .crypto]),
        module("Run", ["Experiment", "Journal", "Kubernetes", "TDS", "Probe", "Ledger", "Fault", "Verdict", "Report"]),
        module(
            "Sandbox",
            [
                "JSON", .nioCore, .nioPosix, .nioHTTP1, .nioWebSocket, .nioSSL, .x509, .crypto, .subprocess, .system,
                .yams,
            ]),
        program("SandboxSQL", ["TDS", "CSQLite", .nioCore, .nioPosix, .nioTLS, .nioSSL, .x509, .crypto, .argumentParser]),
        program(
            "aftershock",
            [
                "Calibration", "JSON", "Experiment", "Journal", "Kubernetes", "TDS", "Verdict", "Report", "Run", "Sandbox", .nioPosix,
                .yams, .argumentParser,
            ]),

        tests("JSON"),
        tests("Experiment", ["JSON"]),
        tests("Journal", ["JSON"]),
        tests("TDS", ["SandboxSQL", "Programs", .nioCore, .nioPosix, .nioEmbedded, .nioSSL, .x509, .crypto]),
        tests(
            "Kubernetes", ["JSON", "Programs", .nioCore, .nioPosix, .nioSSL, .x509, .crypto, .subprocess], resources: [.copy("Fixtures")]),
        tests("Probe", ["Calibration", "Experiment", "Journal", "TDS", .nioCore, .nioPosix]),
        tests("Ledger", ["Experiment", "Journal", "Probe", "TDS", "SandboxSQL", "Programs", .nioCore, .nioPosix]),
        tests("Calibration", ["Journal", "Probe", "TDS", "Verdict", .nioCore, .nioPosix]),
        tests("Fault", ["Experiment", "Kubernetes"]),
        .target(
            name: "JournalScript", dependencies: ["Experiment", "Journal", "Verdict"], path: "Tests/JournalScript", swiftSettings: settings),
        .target(name: "JUnitReading", dependencies: ["CXML2"], path: "Tests/JUnitReading", swiftSettings: settings),
        .target(name: "Programs", dependencies: [.subprocess, .system], path: "Tests/Programs", swiftSettings: settings),
        tests("Verdict", ["JournalScript", "Experiment", "Journal", "JSON"]),
        tests("Report", ["JournalScript", "JUnitReading", "Experiment", "Journal", "JSON", "Verdict"]),
        tests("Run", ["Calibration", "Experiment", "Journal", "JSON", "Kubernetes", "TDS", .nioCore, .nioPosix]),
        tests("Sandbox", ["JSON", "Kubernetes", .nioCore, .nioPosix, .nioHTTP1, .nioSSL, .subprocess]),
        tests("SandboxSQL", ["TDS", .nioCore, .nioPosix]),
        // Of no module: the built programs, as users run them.
        .testTarget(
            name: "FlawTests", dependencies: ["aftershock", "SandboxSQL", "Programs", "JUnitReading", "JSON", .subprocess],
            swiftSettings: settings),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "aftershock", "SandboxSQL", "Programs", "JUnitReading", "JournalScript", "Journal", "Report", "JSON", .nioCore, .nioPosix,
            ], swiftSettings: settings),
        // The same against a sandbox that outlives the harness.
        .testTarget(
            name: "StopTests",
            dependencies: [
                "aftershock", "SandboxSQL", "Programs", "JUnitReading", "Fault", "Journal", "JSON", "Kubernetes", .subprocess, .system,
            ],
            swiftSettings: settings),
    ]
)
