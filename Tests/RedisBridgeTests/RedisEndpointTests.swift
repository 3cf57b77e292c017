import Testing

@testable import RedisBridge

struct RedisEndpointTests {
    @Test(arguments: [
        ("redis://localhost", "redis://localhost:6379"),
        ("redis://localhost/", "redis://localhost:6379"),
        ("redis://127.0.0.1:7000", "redis://127.0.0.1:7000"),
        ("redis://redis.example:1/15", "redis://redis.example:1/15"),
        ("redis://h:65535/0", "redis://h:65535"),
        ("redis://[::1]", "redis://[::1]:6379"),
        ("redis://[2001:db8::1]:7000/2", "redis://[2001:db8::1]:7000/2"),
        ("redis://:secret@h", "redis://:***@h:6379"),
        ("redis://user:secret@h:1/2", "redis://user:***@h:1/2"),
        ("redis://user:s@cret@h", "redis://user:***@h:6379"),
        ("rediss://h", "rediss://h:6379"),
        ("redis+sentinel://:secret@a,b:1,[::1]/mymaster/2", "redis+sentinel://:***@a:26379,b:1,[::1]:26379/mymaster/2"),
        ("rediss+sentinel://a/m", "rediss+sentinel://a:26379/m"),
        ("redis+cluster://u:secret@a:7000,b", "redis+cluster://u:***@a:7000,b:6379"),
        ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock"),
        ("redis+unix:///run/redis.sock?db=3", "redis+unix:///run/redis.sock?db=3"),
        ("redis+unix://user:secret@/run/r%20s.sock", "redis+unix://user:***@/run/r s.sock"),
    ])
    func readsAndPrintsWithoutThePassword(url: String, printed: String) throws {
        let endpoint = try RedisEndpoint(parsing: url)
        #expect(endpoint.description == printed)
        #expect(!"\(endpoint)".contains("secret"))
        #expect(!String(reflecting: endpoint).contains("secret"))
    }

    @Test(arguments: [
        ("redis://:p%40ss%3A%2F%25@h", nil, "p@ss:/%"),
        ("redis://us%65r:p:q@h", "user", "p:q"),
        ("redis://user:s@cret@h", "user", "s@cret"),
        ("redis://:%C3%A9@h", nil, "é"),
        ("redis://h", nil, nil),
        ("redis://user@h", "user", nil),
        ("redis+unix://a:b@/s", "a", "b"),
    ])
    func decodesTheLogin(url: String, user: String?, password: String?) throws {
        let endpoint = try RedisEndpoint(parsing: url)
        #expect(endpoint.user == user)
        #expect(endpoint.password == password)
    }

    @Test(arguments: [
        ("http://h", RedisURLViolation.unknownScheme("http")),
        ("rediss+unix:///s", .unknownScheme("rediss+unix")),
        ("redis://a,b", .badHost),
        ("redis+sentinel://a", .missingMaster),
        ("redis+sentinel://a/", .missingMaster),
        ("redis+sentinel://a,,b/m", .badHost),
        ("redis+sentinel://a/m/x", .badDatabase("x")),
        ("redis+sentinel:///m", .badHost),
        ("redis+cluster://a/1", .clusterHasNoDatabases),
        ("redis+cluster://a:x", .badPort),
        ("Redis://h", .unknownScheme("Redis")),
        ("localhost:6379", .unknownScheme(nil)),
        ("localhost", .unknownScheme(nil)),
        ("", .unknownScheme(nil)),
        ("redis:/h", .unknownScheme(nil)),
        ("redis://", .badHost),
        ("redis:///3", .badHost),
        ("redis://:p@", .badHost),
        ("redis://:6379", .badHost),
        ("redis://a b", .badHost),
        ("redis://[::1", .badHost),
        ("redis://[::1]x", .badHost),
        ("redis://[1.2.3.4]", .badHost),
        ("redis://[name]", .badHost),
        ("redis://h:", .badPort),
        ("redis://h:0", .badPort),
        ("redis://h:65536", .badPort),
        ("redis://h:+1", .badPort),
        ("redis://h:x", .badPort),
        ("redis://::1", .badHost),
        ("redis://h/x", .badDatabase("x")),
        ("redis://h/-1", .badDatabase("-1")),
        ("redis://h/1/2", .badDatabase("1/2")),
        ("redis://h?db=1", .unexpectedPart),
        ("redis://h/1?x=1", .unexpectedPart),
        ("redis://h#1", .unexpectedPart),
        ("redis://user:@h", .missingPassword),
        ("redis://:%4@h", .badEscape),
        ("redis://:%zz@h", .badEscape),
        ("redis://:%", .badPort),
        ("redis://:%FF@h", .badEscape),
        ("redis+unix://", .badPath),
        ("redis+unix://host/path", .badPath),
        ("redis+unix://relative", .badPath),
        ("redis+unix:///s?x=1", .unexpectedPart),
        ("redis+unix:///s?db=", .badDatabase("")),
        ("redis+unix:///" + String(repeating: "a", count: 107), .badPath),
    ])
    func refuses(url: String, violation: RedisURLViolation) {
        // If the host is missing and the port is bad, either may be reported.
        let accepted: [RedisURLViolation] =
            url.hasPrefix("redis://:%") || url == "redis://::1" ? [violation, .badHost] : [violation]
        #expect { try RedisEndpoint(parsing: url) } throws: { error in
            (error as? RedisURLViolation).map(accepted.contains) ?? false
        }
    }

}
