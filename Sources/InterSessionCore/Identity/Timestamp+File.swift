import Platform

extension File {
    /// When the file was last written, by the clock of whoever keeps it; nil when there is none.
    package static func modificationTime(_ path: String) -> Timestamp? {
        secondsOfLastWrite(path).map { Timestamp(microseconds: UInt64($0) * 1_000_000) }
    }
}
