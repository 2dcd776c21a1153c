/// For a peer that only sends: what comes for it is acknowledged, where the peer acknowledges, and forgotten.
package struct IgnoringSink: MessageSink {
    package init() {}

    package func take(_ mail: [IncomingMail]) -> Handover { .received }
}
