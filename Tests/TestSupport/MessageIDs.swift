/// The ids of messages in what a tool has printed.
extension StringProtocol {
    /// The id behind the first `msg=`; nil where there is none.
    package var messageID: String? {
        String(self).firstMatch(of: /msg=([a-z0-9]+)/).map { String($0.1) }
    }
}
