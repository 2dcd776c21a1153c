import InterSessionCore
import Logging

/// The last step of a message in the server: written down, it goes to the sockets of its recipients.
final class Delivery {
    private let registry: Registry
    private let logger: Logger

    init(registry: Registry, logger: Logger) {
        self.registry = registry
        self.logger = logger
    }

    func deliver(_ accepted: AcceptedMessage, _ outcome: Result<Void, any Error>) {
        switch outcome {
        case .success:
            // Encoded once; the recipients share the buffer.
            let frame = ServerFrame.message(accepted.message).encode()
            for recipient in accepted.recipients { registry[recipient]?.connection.write(encoded: frame) }
        case .failure(let error):
            logger.error("a message could not be written down, its sender was told: \(error)")
            let reason = "the message could not be stored (\(error)); free some space and send it again"
            accepted.sender.write(WireError.storageFull(reason).frame(ref: accepted.ref))
        }
        accepted.sender.settle(bytes: accepted.message.text.utf8.count)
    }
}
