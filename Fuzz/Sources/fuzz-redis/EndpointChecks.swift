import FuzzSupport

@testable import RedisBridge

/// A Redis URL is refused, or its description parses again, with the password hidden.
func checkURL(_ url: String) {
    guard let endpoint = try? RedisEndpoint(parsing: url) else { return }
    let shown = endpoint.description
    for step in (try? endpoint.login.steps()) ?? [] { expect(!step.command.words.isEmpty, "an empty command") }
    expect(!endpoint.servers.isEmpty, "no server")
    // Paths and master names are shown decoded.
    if case .single(.unix) = endpoint.topology { return }
    if case .sentinel = endpoint.topology { return }
    let again = try? RedisEndpoint(parsing: shown)
    expectEqual(again?.topology, endpoint.topology, "where \(shown) leads")
    expectEqual(again?.database, endpoint.database, "the database of \(shown)")
    expectEqual(again?.password, endpoint.password.map { _ in "***" }, "the password of \(shown)")
}
