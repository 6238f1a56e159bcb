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

/// A folder of `Sources/`. The harness never imports the sandbox; only the tools see both.
enum Group: String {
    case core = "Core", harness = "Harness", sandbox = "Sandbox", tools = "Tools"
}

/// Leaves the checks for overlapping accesses to debug builds, where all tests run: in the modules of which every probe and write is
/// made, they are a tenth of its cost.
let hot: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

func module(
    _ group: Group, _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil, isHot: Bool = false
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/\(group.rawValue)/\(name)", resources: resources,
        swiftSettings: isHot ? settings + hot : settings)
}

/// Keeps what nobody needs out of a release: symbols and debugging information, exports, functions that are there twice.
/// `docs/performance.md` has the sizes. Debug builds keep all.
let small: [LinkerSetting] = [
    .unsafeFlags(
        ["--strip-all", "--no-export-dynamic", "--icf=safe"].flatMap { ["-Xlinker", $0] },
        .when(platforms: [.linux], configuration: .release))
]

func program(_ group: Group, _ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/\(group.rawValue)/\(name)", swiftSettings: settings, linkerSettings: small)
}

func systemLibrary(_ group: Group, _ name: String, _ pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/\(group.rawValue)/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// The tests of one module, under `Tests/Unit/<name>Tests`.
func unitTests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, path: "Tests/Unit/\(name)Tests", resources: resources,
        swiftSettings: settings)
}

/// Tests of the built programs, as users run them.
func endToEndTests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: ["aftershock", "sandbox-sql"] + dependencies, path: "Tests/EndToEnd/\(name)", swiftSettings: settings)
}

/// A library that only tests use.
func testSupport(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Tests/Support/\(name)", swiftSettings: settings)
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
    static let subprocess = product(name: "Subprocess", package: "swift-subprocess")
    static let system = product(name: "SystemPackage", package: "swift-system")
    static let yams = product(name: "Yams", package: "Yams")
    static let histogram = product(name: "Histogram", package: "hdrhistogram-swift")
    static let mustache = product(name: "Mustache", package: "swift-mustache")
    static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
}

let package = Package(
    name: "aftershock",
    products: [
        .executable(name: "aftershock", targets: ["aftershock"]),
        .executable(name: "sandbox-sql", targets: ["sandbox-sql"]),
        // For the package in Benchmarks/.
        .library(name: "Probing", targets: ["Probe", "Journal", "TDS"]),
        // For the package in Tests/Fuzz/.
        .library(
            name: "Decoders",
            targets: [
                "JSON", "Kubernetes", "TDS", "Experiment", "Fault", "Journal", "Verdict", "Report", "SandboxStore", "SandboxAPI",
                "SandboxSQL",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    ],
    targets: [
        // Core: protocols and formats, of use to both sides.
        systemLibrary(.core, "CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
        module(.core, "Certificates", [.nioSSL, .x509, .crypto]),
        module(.core, "Files"),
        module(.core, "JSON"),
        module(.core, "Secrets"),
        module(
            .core, "Kubernetes",
            ["Files", "JSON", "KubernetesAPI", "Network", "Secrets", "CCurl", .nioCore, .x509, .crypto, .subprocess, .system, .yams]),
        module(.core, "KubernetesAPI"),
        module(.core, "Network", [.nioCore]),
        module(.core, "TDS", ["Files", "Network", .nioCore, .nioPosix, .nioTLS, .nioSSL, .crypto], isHot: true),

        // Harness: runs experiments and judges them.
        systemLibrary(.harness, "CXML2", "libxml-2.0", apt: "libxml2-dev"),
        module(.harness, "Experiment", ["JSON", .yams]),
        module(.harness, "Fault", ["Experiment", "Journal", "Kubernetes", "KubernetesAPI", "JSON", "Secrets", .subprocess, .system]),
        module(.harness, "Fleet", ["Experiment", "JSON"]),
        module(.harness, "Journal", ["Files", "JSON", "Secrets", .system]),
        module(.harness, "Ledger", ["Experiment", "Journal", "Probe", "TDS", .nioCore]),
        module(
            .harness, "Probe", ["Experiment", "Journal", "Network", "Secrets", "TDS", .nioCore, .nioPosix, .subprocess, .system],
            isHot: true),
        module(
            .harness, "Report", ["Experiment", "Files", "Journal", "Verdict", "CXML2", "JSON", .mustache],
            resources: ["HTML/Page/page.mustache", "HTML/Page/page.css", "HTML/Page/page.js"].map { .embedInCode($0) }
                + [
                    "results", "journal", "comparison", "doctor", "history", "history-line", "plan", "restore", "validation",
                    "verdict-change",
                ].map { .embedInCode("Schemas/\($0).schema.json") }),
        module(
            .harness, "Run",
            [
                "Experiment", "Files", "Journal", "JSON", "Kubernetes", "KubernetesAPI", "Network", "Secrets", "TDS", "Probe", "Ledger",
                "Fault", "Verdict",
                .nioCore, .nioPosix,
            ]),
        module(.harness, "Verdict", ["Experiment", "Journal", "JSON", "KubernetesAPI", .histogram]),

        // Sandbox: an embedded Kubernetes and a stand-in for SQL Server.
        systemLibrary(.sandbox, "CSQLite", "sqlite3", apt: "libsqlite3-dev"),
        .systemLibrary(name: "CSeccomp", path: "Sources/Sandbox/CSeccomp"),
        module(.sandbox, "SandboxStore", ["JSON", "KubernetesAPI", .nioCore]),
        module(
            .sandbox, "SandboxAPI",
            [
                "SandboxStore", "Certificates", "JSON", "KubernetesAPI", "Network", .nioCore, .nioPosix, .nioHTTP1, .nioWebSocket, .nioSSL,
                .crypto,
            ]),
        module(.sandbox, "SandboxControllers", ["SandboxStore", "JSON", "KubernetesAPI"]),
        module(.sandbox, "SandboxNodes", ["SandboxStore", "JSON", "KubernetesAPI", "Network", .nioCore, .nioPosix, .subprocess, .system]),
        module(
            .sandbox, "Sandbox",
            ["SandboxStore", "SandboxAPI", "SandboxControllers", "SandboxNodes", "JSON", .nioCore, .nioPosix, .yams]),
        module(.sandbox, "DatabaseFlaws"),
        module(
            .sandbox, "SandboxSQL",
            [
                "Certificates", "DatabaseFlaws", "TDS", "CSQLite", "CSeccomp", .nioCore, .nioPosix, .nioTLS, .nioSSL, .crypto,
                .argumentParser,
            ]),
        program(.sandbox, "sandbox-sql", ["SandboxSQL", .argumentParser]),

        // Tools: what people start.
        module(
            .tools, "Calibration",
            ["Certificates", "Journal", "Network", "Probe", "TDS", "Verdict", .nioCore, .nioPosix, .nioTLS, .nioSSL]),
        module(
            .tools, "Commands",
            [
                "Calibration", "JSON", "Experiment", "Fault", "Files", "Fleet", "Journal", "Kubernetes", "Network", "Probe", "Secrets",
                "TDS",
                "Verdict",
                "Report", "Run",
                "DatabaseFlaws", "Sandbox", "SandboxStore", .nioPosix,
                .yams, .argumentParser,
            ]),
        program(.tools, "aftershock", ["Commands"]),

        testSupport("Checkout"),
        testSupport("JournalScript", ["Journal", "Verdict"]),
        testSupport("Proxies", [.nioCore, .nioPosix, .nioSSL]),
        testSupport("JUnitReading", ["Checkout", "CXML2"]),
        testSupport("Programs", [.subprocess, .system]),
        testSupport("SandboxFixtures", ["SandboxStore", "SandboxAPI", "SandboxControllers", "JSON", .nioCore, .nioHTTP1]),

        unitTests("Calibration", ["Journal", "Network", "Verdict", .nioCore, .nioPosix]),
        unitTests("Commands", ["Checkout", "Experiment", "Fault", "Journal", "Kubernetes", .argumentParser]),
        unitTests("Experiment", ["JSON"]),
        unitTests("Fault", ["Checkout", "Experiment", "JSON", "Journal", "Kubernetes", "Secrets"]),
        unitTests("Files"),
        unitTests("Fleet", ["Checkout", "Experiment", "JSON"]),
        unitTests("JSON"),
        unitTests("KubernetesAPI"),
        unitTests("Journal", ["JSON", "Secrets"]),
        unitTests(
            "Kubernetes",
            [
                "Calibration", "Certificates", "JSON", "Journal", "KubernetesAPI", "Programs", "Proxies", "Secrets", .nioCore, .nioPosix,
                .nioSSL,
                .crypto, .subprocess,
            ],
            resources: [.copy("Fixtures")]),
        unitTests("Ledger", ["Journal", "Probe", "TDS", "sandbox-sql", "Programs", .nioCore, .nioPosix]),
        unitTests("Probe", ["Calibration", "Certificates", "Experiment", "Journal", "Secrets", "TDS", .nioCore, .nioPosix]),
        unitTests("Secrets"),
        unitTests("Report", ["Checkout", "Experiment", "JournalScript", "JUnitReading", "Journal", "JSON", "Verdict"]),
        unitTests(
            "Run", ["Calibration", "Experiment", "Fault", "Journal", "JSON", "Kubernetes", "Ledger", "TDS", "Verdict", .nioCore, .nioPosix]),
        unitTests(
            "Sandbox",
            [
                "SandboxStore", "SandboxAPI", "SandboxControllers", "SandboxNodes", "SandboxFixtures", "Checkout", "JSON", .nioCore,
                .nioPosix, .nioHTTP1, .subprocess,
            ]),
        unitTests("SandboxStore", ["SandboxControllers", "SandboxFixtures", "JSON"]),
        unitTests("SandboxAPI", ["SandboxControllers", "SandboxStore", "SandboxFixtures", "JSON", "KubernetesAPI", .nioCore, .nioHTTP1]),
        unitTests("SandboxControllers", ["SandboxNodes", "SandboxStore", "SandboxFixtures", "JSON", "KubernetesAPI"]),
        unitTests("SandboxNodes", ["SandboxStore", "SandboxFixtures", .nioCore, .nioPosix]),
        unitTests("SandboxSQL", ["DatabaseFlaws", "TDS", .nioCore, .nioPosix]),
        unitTests(
            "TDS", ["Certificates", "Network", "sandbox-sql", "Programs", .nioCore, .nioPosix, .nioEmbedded, .nioTLS, .nioSSL]),
        unitTests("Verdict", ["JournalScript", "Experiment", "Journal", "JSON", "KubernetesAPI"], resources: [.copy("StoredRuns")]),

        endToEndTests(
            "CommandTests",
            ["Checkout", "Programs", "JUnitReading", "JournalScript", "Journal", "Report", "Verdict", "JSON", .nioCore, .nioPosix]),
        endToEndTests("ClusterTests", ["Checkout", "Programs", "JUnitReading", "JSON"]),
        endToEndTests("FlawTests", ["Checkout", "Programs", "JUnitReading", "JSON", .subprocess]),
        endToEndTests(
            "StopTests",
            [
                "Checkout", "Proxies", "Programs", "JUnitReading", "Fault", "Journal", "JSON", "Kubernetes", "TDS", "Verdict", .nioPosix,
                .subprocess,
            ]),
    ]
)
