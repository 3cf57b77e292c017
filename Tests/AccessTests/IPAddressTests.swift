import Testing

@testable import Access

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"), ("::1", "::1"), ("::", "::"),
        ("2001:DB8:0:0::1", "2001:db8::1"), ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
    ])
    func readsAndPrints(text: String, printed: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == printed)
        #expect(IPAddress(address.description) == address)
        #expect(address.isIPv4 == !printed.contains(":"))
    }

    @Test(arguments: [
        "", " ", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "[::1]", "::1::",
        "::1%eth0", "1.2.3.4\0", "localhost", "1.2.3.4/8", "١.2.3.4", "0x7f.1", "2130706433",
    ])
    func refuses(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("192.0.2.1", AddressGroup.ipv4(0xC000_0201)), ("::ffff:192.0.2.1", .ipv4(0xC000_0201)),
        ("2001:db8:1:2::1", .ipv6Network(0x2001_0DB8_0001_0002)),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", .ipv6Network(0x2001_0DB8_0001_0002)),
        ("2001:db8:1:3::1", .ipv6Network(0x2001_0DB8_0001_0003)), ("::1", .ipv6Network(0)),
    ])
    func aClientsAddressesAreOneGroup(text: String, group: AddressGroup) {
        #expect(IPAddress(text)?.group == group)
    }

    @Test(arguments: [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], ["9.255.255.255", "11.0.0.0", "::a00:0"]),
        ("192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "192.0.2.8", "::c000:207"]),
        ("192.0.2.6/31", ["192.0.2.6", "192.0.2.7"], ["192.0.2.5", "192.0.2.8"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.1.2.3"], ["::1", "::"]),
        ("::/0", ["::1", "ffff::"], ["1.2.3.4"]),
        ("::/64", ["::1"], ["1.2.3.4", "0:0:0:1::"]),
        ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::1"], ["2001:db8:8000::", "2001:db7::"]),
        ("2001:db8::1", ["2001:db8::1"], ["2001:db8::", "2001:db8::3"]),
        ("2001:db8::/127", ["2001:db8::1"], ["2001:db8::2"]),
    ])
    func ranges(text: String, members: [String], others: [String]) throws {
        let range = try AddressRange(parsing: text)
        for member in members { #expect(range.contains(try #require(IPAddress(member))), "\(member)") }
        for other in others { #expect(!range.contains(try #require(IPAddress(other))), "\(other)") }
        #expect(range.description == text)
    }

    @Test func aRangeIsWhatANaiveReaderFinds() throws {
        let base = try #require(IPAddress("a5a5:5a5a:1234:8765:a5a5:5a5a:1234:8765"))
        for length in 0...128 {
            var text = "\(base)/\(length)"
            if case .bitsBehindPrefix(let meant) = violation(text) { text = meant }
            let range = try AddressRange(parsing: text)
            for flipped in 0..<128 {
                let bit: UInt64 = 1 << UInt64(63 - flipped % 64)
                let high = flipped < 64 ? base.high ^ bit : base.high
                let low = flipped < 64 ? base.low : base.low ^ bit
                let isIn = range.contains(IPAddress(high: high, low: low))
                #expect(isIn == (flipped >= length), "\(text), bit \(flipped)")
            }
        }
    }

    @Test(
        arguments: [
            ("", .noAddress), ("10.0.0/8", .noAddress), ("a/8", .noAddress), ("/8", .noAddress),
            (" 10.0.0.0/8", .noAddress),
            ("10.0.0.0/", .badLength(most: 32)), ("10.0.0.0/33", .badLength(most: 32)),
            ("10.0.0.0/-1", .badLength(most: 32)),
            ("10.0.0.0/8/8", .badLength(most: 32)), ("10.0.0.0/255.0.0.0", .badLength(most: 32)),
            ("2001:db8::/129", .badLength(most: 128)), ("10.1.2.3/8", .bitsBehindPrefix(meant: "10.0.0.0/8")),
            ("2001:db8::1/64", .bitsBehindPrefix(meant: "2001:db8::/64")),
        ] as [(String, AddressRangeViolation)])
    func noRange(text: String, violation: AddressRangeViolation) {
        #expect(self.violation(text) == violation)
    }

    private func violation(_ text: String) -> AddressRangeViolation? {
        do throws(AddressRangeViolation) {
            _ = try AddressRange(parsing: text)
            return nil
        } catch {
            return error
        }
    }
}
