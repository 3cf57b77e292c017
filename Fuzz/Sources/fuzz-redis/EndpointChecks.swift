import FuzzSupport

@testable import RedisBridge

/// A Redis URL is refused in words, or shown again without its password.
func checkURL(_ url: String) {
    guard let endpoint = try? RedisEndpoint(parsing: url) else { return }
    let shown = endpoint.description
    for step in LoginStep.steps(for: endpoint) { expect(!step.command.isEmpty, "an empty command") }
    guard case .tcp = endpoint.transport else { return }
    let again = try? RedisEndpoint(parsing: shown)
    expectEqual(again?.transport, endpoint.transport, "where \(shown) leads")
    expectEqual(again?.database, endpoint.database, "the database of \(shown)")
    expectEqual(again?.password, endpoint.password.map { _ in "***" }, "the password of \(shown)")
}
