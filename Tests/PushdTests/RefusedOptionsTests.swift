import Testing

@testable import pushd

/// What is said about options that cannot be used.
@Suite struct RefusedOptionsTests {
    @Test(arguments: [
        ("--listen", "nowhere"), ("--listen", "127.0.0.1:65536"), ("--listen", "tls:unix:/x"),
        ("--listen", "tls:127.0.0.1:1"),
        ("--tls-cert", "/x"), ("--tls-key", "/x"), ("--tls-client-ca", "/x"),
        ("--redis", "http://a"), ("--redis", "redis://a:0"),
        ("--redis", ""), ("--redis-pattern", ""), ("--redis-silence", "0"), ("--redis-connect-timeout", "x"),
        ("--redis-ca", "/etc/hosts"), ("--redis-map", "ab"), ("--redis-map", "=b"), ("--redis-map", "a="),
        ("--workers", "0"),
        ("--workers", "1025"), ("--workers", "two"), ("--max-connections", "0"), ("--max-message", "0"),
        ("--max-message", "1073741825"), ("--max-publish", "0"), ("--max-channels", "0"), ("--max-channels", "65537"),
        ("--outbox-limit", "0"), ("--outbox-budget", "lots"), ("--slow-consumer", "drop-database"),
        ("--slow-consumer", "=conflate"), ("--slow-consumer", "a="), ("--slow-consumer", "conflate=a"),
        ("--max-message-rate", "0"), ("--max-message-rate", "5:"), ("--max-message-rate", "5:shout"),
        ("--stall-timeout", "0"), ("--max-connect-rate", "-1"),
        ("--compression", "yes"),
        ("--ping-interval", "0"), ("--pong-timeout", "x"), ("--handshake-timeout", "86401"), ("--drain", "-1"),
        ("--channel", "a.*"),
        ("--log-level", "loud"), ("--log-format", "xml"), ("--allow-origin", "example.org"),
        ("--allow-origin", "https://example.org/"), ("--allow-origin", "https://"),
        ("--allow-origin", "https://a.*.example"), ("--allow-host", "example.org:8081"), ("--allow-host", "http://a"),
        ("--admin", "nowhere:port"), ("--admin", "tls:127.0.0.1:1"),
    ])
    func aBadValueIsNamedWithItsOption(option: String, value: String) throws {
        let problem = try refusal(of: [option, value])
        #expect(problem.hasPrefix("\(option): '\(value)' is not "))
        #expect(!problem.contains("\n"))
    }

    @Test(arguments: [
        ("--allow-origin", "example.org", "write https://example.org"),
        ("--allow-origin", "http://example.org:81/app?x", "write http://example.org:81"),
        ("--allow-host", "https://example.org/", "write example.org"),
        ("--allow-host", "example.org:8081", "write example.org"),
        ("--publish-key", "", "the key is empty"),
        ("--log-level", "verbose", "one of trace, debug, info, notice, warning, error, critical"),
        ("--outbox-limit", "lots", "64KiB or 1M"), ("--drain", "later", "500ms, 5s, 2m or 1h"),
    ])
    func aBadValueIsToldWithWhatToWrite(option: String, value: String, remedy: String) throws {
        #expect(try refusal(of: [option, value]).hasSuffix(remedy))
    }

    @Test(arguments: ["TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA", "REDIS_CA", "REDIS_CERT", "REDIS_KEY"])
    func aVariableWithoutItsOtherIsNamed(name: String) throws {
        #expect(try refusal(of: [], ["PUSHD_" + name: "/x"]).hasPrefix("PUSHD_\(name): "))
    }

    @Test func secureAddressesFromAVariableWithoutACertificate() throws {
        #expect(try refusal(of: [], ["PUSHD_LISTEN": "tls:127.0.0.1:1"]).hasPrefix("PUSHD_LISTEN: "))
    }
}
