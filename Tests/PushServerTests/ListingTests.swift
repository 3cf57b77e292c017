import Testing

@testable import PushServer

@Suite struct ListingTests {
    private func listing(_ names: [String], _ page: ListPage = ListPage()) -> Listing {
        var listing = Listing(page)
        for name in names { listing.add(.init(name: name)) }
        return listing
    }

    private func names(_ listing: Listing) -> [String] { listing.entries.map(\.name) }

    @Test func namesAreInTheOrderOfTheirBytes() {
        let listing = listing(["b", "a", "é", "e\u{301}", "B"])
        #expect(names(listing).map { Array($0.utf8) } == ["B", "a", "b", "e\u{301}", "é"].map { Array($0.utf8) })
        #expect(listing.end == nil)
    }

    @Test func aFullPageEndsWithItsLastName() {
        let listing = listing(["d", "b", "c", "a"], ListPage(limit: 2))
        #expect(names(listing) == ["a", "b"] && listing.end == "b")
    }

    @Test func aPageWithRoomForAllHasNoEnd() {
        let listing = listing(["b", "a"], ListPage(limit: 2))
        #expect(names(listing) == ["a", "b"] && listing.end == nil)
    }

    @Test func aPageBeginsBehindAName() {
        #expect(names(listing(["a", "b", "c"], ListPage(after: "a"))) == ["b", "c"])
    }

    @Test func entriesWithOneNameAreCountedTogether() {
        var sum = listing(["a"])
        sum.merge(listing(["a", "b"]))
        #expect(sum.entries == [.init(name: "a", count: 2), .init(name: "b", count: 1)] && sum.count == 3)
    }

    @Test func aLargeListIsCut() {
        var listing = Listing(ListPage(limit: 1000))
        for name in ["a", "b", "c"] { listing.add(.init(name: name, text: .init(repeating: 0, count: 100_000))) }
        #expect(names(listing) == ["a", "b"] && listing.end == "b")
        var single = Listing()
        single.add(.init(name: "a", text: .init(repeating: 0, count: 1_000_000)))
        #expect(names(single) == ["a"] && single.end == nil)
    }

    /// All pages of several loops' lists together are what one list of everything would be.
    @Test(arguments: 0..<200)
    func pagesOfSeveralLoopsMissNothing(round: Int) {
        var random = SystemRandomNumberGenerator()
        let loops = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            (0..<Int.random(in: 0...12, using: &random)).map { _ in "n\(Int.random(in: 0...15, using: &random))" }
        }
        let expected = Dictionary(loops.joined().map { ($0, 1) }, uniquingKeysWith: +)
        var found: [String: Int] = [:]
        var page = ListPage(limit: Int.random(in: 1...5, using: &random))
        while true {
            var joined = Listing(page)
            for names in loops { joined.merge(listing(names, page)) }
            #expect(joined.entries.count <= page.limit)
            for entry in joined.entries { found[entry.name, default: 0] += entry.count }
            guard let end = joined.end else { break }
            page.after = end
        }
        #expect(found == expected)
    }
}
