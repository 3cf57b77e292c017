import Bytes
import Testing

@testable import TLSRecord

@Suite struct TrafficKeysTests {
    /// A different key, IV, nonce or additional data makes a different record.
    @Test(arguments: RecordSuite.all)
    func recordsAreThoseOfTheDefinition(suite: RecordSuite) throws {
        for sequence in [0, 1, 0xFF, 0x100, 0x01_0203_0405_0607, 0xFFFF_FFFF_0000_0000] as [UInt64] {
            let secret = Secret(suite, sequence: sequence)
            let peer = try Peer(secret)
            var naive = NaiveRecords(secret)
            for content in [[], [7], Array("hello".utf8), [UInt8](repeating: 0, count: 1000)] as [[UInt8]] {
                #expect(peer.data(content) == naive.record(23, content))
                #expect(peer.record(.alert, content) == naive.record(21, content))
                #expect(peer.record(.handshake, content) == naive.record(22, content))
            }
        }
    }

    /// The key blocks of NIST's test vectors for SP 800-135 (TLS 1.2, SHA-256 and SHA-384, count 0).
    @Test(arguments: KeyBlock.published)
    fileprivate func keyBlocksOfTLS12ArePublished(block: KeyBlock) throws {
        #expect(naivePRF(block.hash, block.masterSecret, "key expansion", block.randoms, 128) == block.bytes)
        for aead in RecordSuite.AEAD.allCases {
            let suite = RecordSuite(version: .tls12, aead: aead, hash: block.hash)
            let pair = try #require(
                TrafficKeys.pair(suite, masterSecret: block.masterSecret, randoms: block.randoms, sequences: (1, 1)))
            // RFC 5246 6.3: without MAC keys there are two keys and two IVs, the client's first.
            let (keyBytes, ivBytes) = aead == .aes128GCM ? (16, 4) : aead == .aes256GCM ? (32, 4) : (32, 12)
            var parts = block.bytes[...]
            let values = [keyBytes, keyBytes, ivBytes, ivBytes].map { count in
                defer { parts = parts.dropFirst(count) }
                return Array(parts.prefix(count))
            }
            var client = NaiveRecords(suite, key: values[0], iv: values[2], sequence: 1)
            var server = NaiveRecords(suite, key: values[1], iv: values[3], sequence: 1)
            #expect(sealed(pair.client) == client.record(23, [1, 2, 3]))
            #expect(sealed(pair.server) == server.record(23, [1, 2, 3]))
        }
    }

    /// A missing secret must not result in a key that everybody knows.
    @Test(arguments: RecordSuite.ofTLS13, [0, 31, 33, 47, 49])
    func aSecretIsAsLongAsTheHash(suite: RecordSuite, byteCount: Int) {
        let secret = [UInt8](repeating: 1, count: byteCount)
        #expect(TrafficKeys(suite, secret: secret.rawSpan) == nil)
    }

    /// RFC 8446 7.2; the first of these is from Botan's tests, which continue RFC 8448's trace.
    @Test func updatesOfTheTraceAreKnown() throws {
        let updates = [
            (
                "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
                "fcdfcc72725aaee48bf64e4fd8b749cdbdbab39d90da0b26e2245ca6ea167207"
            ),
            (
                "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
                "51921b8aa3001976eb401d0a4319a8516416a6c56001a357e5d162031e84f916"
            ),
        ]
        for (first, second) in updates {
            let keys = try Secret(.aes128, hex(first), sequence: 7).keys()
            #expect(keys.update())
            #expect(keys.sequence == 0)
            var naive = NaiveRecords(Secret(.aes128, hex(second)))
            #expect(sealed(keys) == naive.record(23, [1, 2, 3]))
        }
    }

    @Test(arguments: RecordSuite.all.filter { $0.version == .tls13 })
    func updatesAreThoseOfTheDefinition(suite: RecordSuite) throws {
        var secret = Secret(suite)
        let keys = try secret.keys()
        for _ in 0..<3 {
            #expect(keys.update())
            let bytes = Array(secret.bytes.prefix(suite.hash.byteCount))
            secret.bytes = naiveExpandLabel(suite.hash, bytes, "traffic upd", suite.hash.byteCount)
            var naive = NaiveRecords(secret)
            for number in 0..<3 {
                #expect(keys.sequence == UInt64(number))
                #expect(sealed(keys) == naive.record(23, [1, 2, 3]))
            }
        }
    }

    private func sealed(_ keys: TrafficKeys) -> [UInt8] {
        let suite = keys.suite
        var record = [UInt8](repeating: 0, count: suite.prefixBytes) + [1, 2, 3]
        record += [UInt8](repeating: 0, count: suite.suffixBytes)
        var sealer = RecordSealer(keys)
        let isSealed = unsafe record.withUnsafeMutableBytes { bytes in
            var span = unsafe bytes.mutableBytes
            return sealer.seal(.applicationData, &span, with: RecordCiphers())
        }
        #expect(isSealed)
        return record
    }
}

private struct KeyBlock {
    let hash: RecordSuite.Hash
    let masterSecret: [UInt8]
    /// The server's random, then the client's.
    let randoms: [UInt8]
    let bytes: [UInt8]

    static let published = [
        KeyBlock(
            hash: .sha256,
            masterSecret: hex(
                "202c88c00f84a17a20027079604787461176455539e705be730890602c289a5001e34eeb3a043e5d52a65e66125188bf"),
            randoms: hex(
                """
                ae6c806f8ad4d80784549dff28a4b58fd837681a51d928c3e30ee5ff14f39868
                62e1fd91f23f558a605f28478c58cf72637b89784d959df7e946d3f07bd1b616
                """),
            bytes: hex(
                """
                d06139889fffac1e3a71865f504aa5d0d2a2e89506c6f2279b670c3e1b74f531016a2530c51a3a0f7e1d6590d0f0566b
                2f387f8d11fd4f731cdd572d2eae927f6f2f81410b25e6960be68985add6c38445ad9f8c64bf8068bf9a6679485d966f
                1ad6f68b43495b10a683755ea2b858d70ccac7ec8b053c6bd41ca299d4e51928
                """)),
        KeyBlock(
            hash: .sha384,
            masterSecret: hex(
                "b4d49bfa87747fe815457bc3da15073d6ac73389e703079a3503c09e14bd559a5b3c7c601c7365f6ea8c68d3d9596827"),
            randoms: hex(
                """
                1b1c8568344a65c30828e7483c0e353e2c68641c9551efae6927d9cd627a107c
                954b5fe1849c2ede177438261f099a2fcd884d001b9fe1de754364b1f6a6dd8e
                """),
            bytes: hex(
                """
                10fd89ef689c7ef033387b8a8f3e5e8e7c11f680f6bdd71fbac3246a73e98d45d03185dde686e6b2369e4503e9dc5a6d
                2cee3e2bf2fa3f41d3de57dff3e197c8a9d5f74cc2d277119d894f8584b07a0a5822f0bd68b3433ec6adaf5c9406c5f3
                ddbb71bbe17ce98f3d4d5893d3179ef369f57aad908e2bf710639100c3ce7e0c
                """)),
    ]
}
