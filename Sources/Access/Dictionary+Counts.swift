extension Dictionary where Value == Int {
    /// Counts one less under a key, and forgets the key with the last one.
    mutating func countDown(_ key: Key) {
        guard let count = self[key] else { return }
        self[key] = count > 1 ? count - 1 : nil
    }
}
