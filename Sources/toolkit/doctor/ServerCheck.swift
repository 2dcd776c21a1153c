import InterSessionCore
import NIOCore
import Platform
import ToolSupport

/// The server: whether one runs, whose port it is, and whether it answers.
struct ServerCheck {
    private static let patience: Duration = .seconds(2)

    private let directory: DataDirectory
    private let options: BusOptions

    init(_ directory: DataDirectory, _ options: BusOptions) {
        self.directory = directory
        self.options = options
    }

    func findings() async -> [Finding] {
        guard let settings = try? options.settings(directory) else { return [] }
        let port = settings.port
        let isRunning = (try? FileLock.tryLock(directory.serverLock(port: port))) ?? nil == nil
        guard File.exists(directory.path), isRunning else { return [notRunning(port)] + stale(port) }
        return [await answer(port), version(port), socket(port), tcp(port), log]
    }

    /// A server goes without the port when another program has it.
    private func tcp(_ port: Int) -> Finding {
        guard let isServed = meta(port)?.servesTCP, !isServed else { return .ok("TCP", "port \(port)") }
        return .warning(
            "TCP",
            "another program listens on port \(port); our own tools do without, clients in other languages do not",
            fix: "stop it (ss -ltnp | grep :\(port) names it), or choose another port (INTER_SESSION_PORT)"
        )
    }

    private func notRunning(_ port: Int) -> Finding {
        guard FreePort.isTaken(port) else {
            return .ok("server", "none runs on port \(port); the first client starts it")
        }
        return .error(
            "server",
            "another program listens on port \(port)",
            fix: "stop it (ss -ltnp | grep :\(port) names it), or choose another port (INTER_SESSION_PORT)"
        )
    }

    private func stale(_ port: Int) -> [Finding] {
        guard File.exists(directory.serverMeta(port: port)) else { return [] }
        return [
            .warning(
                "server",
                "the last server on port \(port) was killed and left its files",
                fix: "none needed: the next one replaces them"
            )
        ]
    }

    private func answer(_ port: Int) async -> Finding {
        let clock = ContinuousClock()
        let begin = clock.now
        do {
            let (sessions, gateways) =
                try await Observer(options).askIfUp([.list(all: false)], within: Self.patience) {
                    if case .listing(let sessions, let gateways, _) = $0 {
                        (sessions.count, gateways.count)
                    } else {
                        nil
                    }
                } ?? (-1, 0)
            guard sessions >= 0 else {
                return .error(
                    "server",
                    "one holds the lock of port \(port) and does not listen",
                    fix:
                        "look at \(directory.serverLog); if it stays so: kill \(meta(port).map { "\($0.processID)" } ?? "its process")"
                )
            }
            let milliseconds = Int((clock.now - begin) / .milliseconds(1))
            return .ok(
                "server",
                "answers on port \(port) after \(milliseconds) ms, \(sessions) sessions, \(gateways) gateways"
            )
        } catch {
            return .error(
                "server",
                "it runs on port \(port) and gives no answer (\(error))",
                fix:
                    "look at \(directory.serverLog), then kill \(meta(port).map { "\($0.processID)" } ?? "its process"); clients start another"
            )
        }
    }

    private func meta(_ port: Int) -> ServerMeta? { ServerMeta(port: port, in: directory) }

    private func version(_ port: Int) -> Finding {
        guard let meta = meta(port) else {
            return .warning("server version", "it has not said yet", fix: "run doctor again in a moment")
        }
        guard meta.version == InterSession.version else {
            return .warning(
                "server version",
                "the server (process \(meta.processID)) is \(meta.version), this program \(InterSession.version)",
                fix: "kill \(meta.processID); clients start one of their own version, and no mail is lost"
            )
        }
        return .ok("server version", "\(meta.version), process \(meta.processID)")
    }

    private func socket(_ port: Int) -> Finding {
        let path = directory.socket(port: port)
        guard let mode = File.mode(path) else {
            return .error("socket", "there is no \(path)", fix: "kill the server's process; clients start another")
        }
        guard mode & 0o077 == 0 else {
            return .warning(
                "socket",
                "\(path) is open to other users, whom the server refuses",
                fix: "chmod 600 '\(path)'"
            )
        }
        return .ok("socket", path)
    }

    private var log: Finding {
        let tail = (try? File.tail(directory.serverLog, count: 64 * 1024)) ?? []
        let errors = String(decoding: tail, as: UTF8.self).split(separator: "\n").filter { $0.contains(" error ") }
        guard let last = errors.last else { return .ok("server.log", "no errors of late") }
        return .warning(
            "server.log",
            "\(errors.count) errors of late, the last: \(last.prefix(200))",
            fix: "read \(directory.serverLog)"
        )
    }
}
