/// Who is meant by `to`, as docs/PROTOCOL.md has it.
extension ModelBus {
    struct Refusal: Error { let code: String }

    /// - Parameter holds: a session that is away may be meant.
    func resolve(
        _ target: String,
        from sender: ModelSession,
        holds: Bool
    ) -> Result<ModelSession, Refusal> {
        if let exact = sessions.first(where: { $0.id == target }) ?? named(target) {
            let isReachable = exact !== sender && (exact.connection != nil || holds)
            return isReachable ? .success(exact) : .failure(Refusal(code: "unknown_peer"))
        }
        for isHere in holds ? [true, false] : [true] {
            let others = sessions.filter { $0 !== sender && ($0.connection != nil) == isHere }
            let byName = others.filter { $0.name?.hasPrefix(target) ?? false }
            let byID = target.utf8.count >= 4 ? others.filter { $0.id.hasPrefix(target) } : []
            let matches = byName.isEmpty ? byID : byName
            if matches.count > 1 { return .failure(Refusal(code: "ambiguous")) }
            if let match = matches.first { return .success(match) }
        }
        return .failure(Refusal(code: "unknown_peer"))
    }
}
