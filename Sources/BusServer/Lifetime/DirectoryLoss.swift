/// Notices that the data directory was removed under a running server. Belongs to the event loop.
///
/// What is open stays usable, so nothing would tell: but no tool finds the server any more, and the mail ends with it.
final class DirectoryLoss {
    private let isThere: () -> Bool
    private let onLoss: () -> Void
    private var isLost = false

    /// - Parameter onLoss: called once.
    init(isThere: @escaping () -> Bool, onLoss: @escaping () -> Void) {
        self.isThere = isThere
        self.onLoss = onLoss
    }

    /// Must be called now and then.
    func check() {
        guard !isLost, !isThere() else { return }
        isLost = true
        onLoss()
    }
}
