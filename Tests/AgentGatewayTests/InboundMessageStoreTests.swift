import InterSessionCore
import NIOCore
import TestSupport
import Testing

@testable import AgentGateway

/// Messages from outside that wait on disk.
@Suite("inbound message store")
struct InboundMessageStoreTests {
    @Test("two keys that look alike and differ in their bytes are two messages")
    func normalization() async throws {
        try await TemporaryDirectory.with { path in
            var store = try InboundMessageStore(path: "\(path)/mail")
            let composed = try InboundMessage(ByteBuffer(string: #"{"key":"b/caf\u00e9","text":"1"}"#))
            let decomposed = try InboundMessage(ByteBuffer(string: #"{"key":"b/cafe\u0301","text":"2"}"#))
            try store.add(composed, as: MessageID(rowID: 1))
            #expect(store.contains(composed) && !store.contains(decomposed))
        }
    }
}
