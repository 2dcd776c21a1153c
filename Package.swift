// swift-tools-version: 6.1
import PackageDescription

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// Each has a folder in Sources/toolkit. They are one program under many names, see docs/ARCHITECTURE.md.
let tools = [
    "auto-start", "client", "disconnect", "doctor", "gateway", "inbox", "install-deps", "list", "log", "rename", "send",
    "session-start", "show", "whoami",
]

let package = Package(
    name: "inter-session",
    platforms: [.macOS(.v15)],
    products: tools.map { .executable(name: $0, targets: ["toolkit"]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
    ],
    targets: [
        .target(name: "CPlatform"),
        .target(name: "SystemCalls", dependencies: ["CPlatform"]),
        .target(
            name: "Platform",
            dependencies: [
                "SystemCalls",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .target(name: "InterSessionCore", dependencies: nio + ["Platform", "SystemCalls"]),
        .target(name: "ToolSupport", dependencies: ["InterSessionCore", "Platform", argumentParser]),
        .target(
            name: "BusServer",
            dependencies: nio + [
                "InterSessionCore", "Platform",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "AgentGateway",
            dependencies: nio + [
                "InterSessionCore", "Platform",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .executableTarget(
            name: "server",
            dependencies: nio + [
                "BusServer", "InterSessionCore", "Platform", "ToolSupport", argumentParser,
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .executableTarget(
            name: "toolkit",
            dependencies: nio + [
                "AgentGateway", "InterSessionCore", "Platform", "ToolSupport", argumentParser,
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .executableTarget(
            name: "soak",
            dependencies: nio + ["InterSessionCore", "Platform", "ToolSupport", argumentParser]
        ),
        .executableTarget(
            name: "bench",
            dependencies: nio + [
                "InterSessionCore", "Platform", "ToolSupport", argumentParser,
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                "nothing", "server", "toolkit",
            ]
        ),
        .executableTarget(
            name: "nothing",
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(platforms: [.linux], configuration: .release))]
        ),
        .target(name: "TestSupport", dependencies: nio + ["InterSessionCore", "Platform"], path: "Tests/TestSupport"),
        .testTarget(
            name: "InterSessionCoreTests",
            dependencies: nio + ["InterSessionCore", "Platform", "TestSupport", "ToolSupport"]
        ),
        .testTarget(
            name: "BusServerTests",
            dependencies: nio + [
                "BusServer",
                "InterSessionCore",
                "Platform",
                "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        .testTarget(
            name: "AgentGatewayTests",
            dependencies: nio + [
                "AgentGateway",
                "InterSessionCore",
                "Platform",
                "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ToolTests",
            dependencies: [
                "InterSessionCore",
                "Platform",
                "TestSupport",
                "ToolSupport",
                "server", "toolkit",
            ],
            exclude: ["Peer"]
        ),
    ]
)

// Built by .ci/fuzz alone: it has no main of its own, libFuzzer does.
if Context.environment["INTER_SESSION_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "fuzz",
            dependencies: nio + ["InterSessionCore", "Platform"],
            path: "Fuzz/Sources",
            swiftSettings: [.unsafeFlags(["-parse-as-library"])]
        )
    )
}

for target in package.targets where !["CPlatform", "nothing"].contains(target.name) {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
        ]
}
