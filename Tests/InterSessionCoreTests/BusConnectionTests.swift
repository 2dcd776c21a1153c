import NIOCore
import NIOPosix
import Platform
import TestSupport
import Testing

@testable import InterSessionCore

@Suite("connection")
struct BusConnectionTests {
    @Test("a server that dies before it accepts a connection ends it", arguments: [false, true])
    func deadServer(diesFirst: Bool) async throws {
        try await TemporaryDirectory.with { directory in
            let path = "\(directory)/bus.sock"
            let listener = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.autoRead, value: false)
                .bind(unixDomainSocketPath: path).get()
            let socket = try UnixSocket.connect(path)
            if diesFirst { try await listener.close() }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    await #expect(throws: (any Error).self) {
                        try await withDeadline(.seconds(5), else: BusError.noAnswer) {
                            try await BusConnection.withConnection(on: socket) { _, _ in }
                        }
                    }
                }
                if !diesFirst { try await listener.close() }
                try await tasks.waitForAll()
            }
        }
    }
}
