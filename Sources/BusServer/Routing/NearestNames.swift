/// What somebody may have meant who mistyped a name.
enum NearestNames {
    private static let most = 3

    /// The names that differ least, the nearest first: by a third of the name's length at most.
    static func to(_ target: String, among names: some Sequence<String>) -> [String] {
        guard target.utf8.count <= 64 else { return [] }
        let near = names.compactMap { name -> (name: String, distance: Int)? in
            let distance = distance(Array(target.utf8), Array(name.utf8))
            return distance <= max(1, name.utf8.count / 3) ? (name, distance) : nil
        }
        return near.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(most).map(\.name)
    }

    /// Insertions, deletions, replacements and swaps of neighbours that make one of the other (optimal string
    /// alignment).
    private static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var older: [Int] = []
        var old = Array(0...second.count)
        for (row, byte) in first.enumerated() {
            var new = [row + 1]
            for (column, other) in second.enumerated() {
                var best = min(old[column] + (byte == other ? 0 : 1), old[column + 1] + 1, new[column] + 1)
                if row > 0, column > 0, byte == second[column - 1], first[row - 1] == other {
                    best = min(best, older[column - 1] + 1)
                }
                new.append(best)
            }
            (older, old) = (old, new)
        }
        return old[second.count]
    }
}
