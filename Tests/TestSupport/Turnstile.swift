/// Lets so many through at once. Hundreds of tests that each have a bus would otherwise start together, and run out of
/// time on each other and of the 1024 files with which Foundation can start a process.
actor Turnstile {
    private var places: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) {
        self.places = places
    }

    func enter() async {
        guard places == 0 else {
            places -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// The place goes to whoever has waited longest.
    func leave() {
        if waiting.isEmpty {
            places += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
