// swift-tools-version: 6.1
import PackageDescription

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// LLD says nothing of calls that nobody makes, and every toolchain for Linux has it.
let linker: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"], .when(platforms: [.linux], configuration: .release))]

/// A program that lives for milliseconds has no time for a loader that fills in 57,757 addresses.
let atFixedAddress: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-executable",
            // What FoundationEssentials, under ArgumentParser, needs. Only --static-swift-stdlib says so by itself.
            "-l_FoundationCShims", "-l_FoundationCollections", "-lswiftSynchronization",
        ],
        .when(platforms: [.linux], configuration: .release)
    )
]

let package = Package(
    name: "inter-session",
    platforms: [.macOS(.v15)],
    // Two programs have further names, which install-deps and the tests give them, see docs/ARCHITECTURE.md.
    products: [
        .executable(name: "client", targets: ["resident"]),
        .executable(name: "install-deps", targets: ["toolkit"]),
    ],
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
        .target(name: "InterSessionCore", dependencies: nio + ["Platform"]),
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
            ],
            linkerSettings: linker
        ),
        .executableTarget(
            name: "resident",
            dependencies: nio + [
                "AgentGateway", "InterSessionCore", "Platform", "ToolSupport", argumentParser,
                .product(name: "Logging", package: "swift-log"),
            ],
            linkerSettings: linker
        ),
        .executableTarget(
            name: "toolkit",
            dependencies: nio + ["InterSessionCore", "Platform", "ToolSupport", argumentParser],
            linkerSettings: linker + atFixedAddress
        ),
        // Building it builds all that is installed, at once.
        .executableTarget(
            name: "installation",
            dependencies: ["resident", "server", "toolkit"],
            linkerSettings: linker
        ),
        .executableTarget(
            name: "soak",
            dependencies: nio + ["InterSessionCore", "Platform", "ToolSupport", argumentParser],
            linkerSettings: linker
        ),
        .executableTarget(
            name: "bench",
            dependencies: nio + [
                "InterSessionCore", "Platform", "ToolSupport", argumentParser,
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                "nothing", "resident", "server", "toolkit",
            ],
            linkerSettings: linker
        ),
        .executableTarget(name: "nothing", linkerSettings: linker + atFixedAddress),
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
                "resident", "server", "toolkit",
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
