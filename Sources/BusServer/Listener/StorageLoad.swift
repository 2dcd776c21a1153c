/// What messages count for that are not stored yet, for the peer that sent them and in a batch of the journal.
enum StorageLoad {
    /// Of one peer. Who sends faster than the disk writes is not read from while so much is being written: the others
    /// wait for it. A single message may be larger.
    static let mostOfPeer = 1536 * 1024

    /// Its text, and what storing any message costs. A large one counts twice, so that the next of them is not taken in
    /// before it is written: each keeps the loop and the disk busy for milliseconds.
    static func weight(ofMessage bytes: Int) -> Int {
        bytes < 256 * 1024 ? bytes + 512 : bytes * 2
    }
}
