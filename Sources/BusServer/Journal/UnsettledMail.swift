/// How much accepted mail may wait for the disk.
enum UnsettledMail {
    /// A peer that sends faster than the disk writes is not read from while this much of it is being written: the
    /// others wait for it. A single message may be larger.
    static let most = 1536 * 1024

    /// About as much mail, in bytes of text, as is written at once. While it is, the next is read and routed: without a
    /// bound all that a sender may have unsettled is one batch, and the loop and the disk wait for each other in turn,
    /// which cost a quarter of the throughput.
    static let batch = most / 2

    /// What a message counts for: its text, and what storing any message costs. A large one counts twice, so that the
    /// next of them is not taken in before it is written: each keeps the loop and the disk busy for milliseconds.
    ///
    /// - Parameter bytes: of its text.
    static func weight(ofMessage bytes: Int) -> Int {
        bytes < 256 * 1024 ? bytes + 512 : bytes * 2
    }
}
