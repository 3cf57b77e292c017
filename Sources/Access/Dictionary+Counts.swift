extension Dictionary where Value == Int {
    /// Decrements the count of a key, and removes the key at 0.
    mutating func countDown(_ key: Key) {
        guard let count = self[key] else { return }
        self[key] = count > 1 ? count - 1 : nil
    }
}
