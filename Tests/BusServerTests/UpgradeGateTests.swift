import NIOHTTP1
import Testing

@testable import BusServer

@Suite("upgrade gate")
struct UpgradeGateTests {
    private static let good: [(String, String)] = [
        ("Host", "127.0.0.1:9473"), ("Upgrade", "websocket"), ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
    ]

    private func refusal(
        _ change: (inout HTTPHeaders) -> Void = { _ in },
        method: HTTPMethod = .GET,
        path: String = "/"
    ) -> UInt? {
        var headers = HTTPHeaders(Self.good)
        change(&headers)
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        return UpgradeGate.refusal(of: head)?.status.code
    }

    @Test("an upgrade from this machine passes", arguments: ["127.0.0.1", "localhost:80", "[::1]:9473", "127.9.9.9:1"])
    func passes(host: String) {
        #expect(refusal({ $0.replaceOrAdd(name: "Host", value: host) }) == nil)
    }

    @Test("a web page is refused, whatever origin it has", arguments: ["http://evil.example", "null", ""])
    func origin(value: String) {
        #expect(refusal({ $0.add(name: "origin", value: value) }) == 403)
    }

    @Test(
        "a host that is not loopback is refused",
        arguments: ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost:80:80", "[::2]", "0.0.0.0", ""]
    )
    func host(value: String) {
        #expect(refusal({ $0.replaceOrAdd(name: "Host", value: value) }) == 403)
    }

    @Test("no host, or two, is refused")
    func hostCount() {
        #expect(refusal({ $0.remove(name: "Host") }) == 403)
        #expect(refusal({ $0.add(name: "Host", value: "localhost") }) == 403)
    }

    @Test("what is no upgrade is told so")
    func noUpgrade() {
        #expect(refusal({ $0.remove(name: "Upgrade") }) == 426)
        #expect(refusal({ $0.replaceOrAdd(name: "Upgrade", value: "h2c") }) == 426)
        #expect(refusal({ $0.remove(name: "Connection") }) == 426)
        #expect(refusal(method: .POST) == 426)
        #expect(refusal(path: "/other") == 404)
        #expect(refusal({ $0.remove(name: "Sec-WebSocket-Key") }) == 400)
        #expect(refusal({ $0.replaceOrAdd(name: "Sec-WebSocket-Version", value: "8") }) == 400)
    }
}
