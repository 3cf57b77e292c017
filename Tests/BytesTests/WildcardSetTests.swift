import Bytes
import TestSupport
import Testing

@Suite struct WildcardSetTests {
    private static let names = ["", "a", "ab", "aé", "b", "é", "😀", "a.b", "ab*", "a*"]
    private static let wildcards = ["*", "a*", "ab*", "abc*", "a.*", "é*", "\u{FFFD}*", "b*"]

    /// Random insertions and removals against the definition.
    @Test func matchesLikeTheDefinition() {
        var random = SeededGenerator(seed: 1)
        var (set, naive) = (WildcardSet(), Set<String>())
        for _ in 0..<500 {
            guard let wildcard = Self.wildcards.randomElement(using: &random) else { continue }
            if Bool.random(using: &random) {
                set.insert(wildcard)
                naive.insert(wildcard)
            } else {
                set.remove(wildcard)
                naive.remove(wildcard)
            }
            #expect(set.isEmpty == naive.isEmpty)
            for name in Self.names {
                let expected = naive.filter { $0 != name && name.utf8.starts(with: $0.utf8.dropLast()) }
                #expect(set.matches(name).map(\.text) == expected.sorted { $0.utf8.count < $1.utf8.count }, "\(name)")
            }
        }
    }

    @Test func whatAPatternSaysOfAllNamesWithABeginning() {
        func texts(_ letters: [String], _ count: Int) -> [String] {
            (0..<count).reduce([""]) { all, _ in all + all.flatMap { text in letters.map { text + $0 } } }
        }
        let names = Set(texts(["a", "b"], 6))
        for pattern in Set(texts(["a", "b", "*"], 3)) {
            for prefix in Set(texts(["a", "b"], 2)) {
                let beginning = names.filter { $0.hasPrefix(prefix) }
                let matching = beginning.filter { Wildcard(pattern).matches($0) }
                #expect(
                    Wildcard(pattern).matchesAny(beginningWith: prefix) == !matching.isEmpty, "\(pattern) \(prefix)")
                #expect(
                    Wildcard(pattern).matchesAll(beginningWith: prefix) == (matching == beginning),
                    "\(pattern) \(prefix)")
            }
        }
    }
}
