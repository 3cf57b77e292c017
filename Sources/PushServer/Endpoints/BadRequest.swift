internal import Channels
internal import HTTP

/// Why a request cannot be understood, in words for its sender.
struct BadRequest: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }

    var response: Response { .error(.badRequest, reason) }
}

extension RequestHead {
    /// All values of a parameter of the query.
    func parameters(_ name: StaticString) throws(BadRequest) -> [String] {
        do throws(QueryViolation) { return try queryValues(of: name) } catch { throw BadRequest(error.message) }
    }

    /// The value of a parameter that a request has once at most; nil if it has none.
    func parameter(_ name: StaticString) throws(BadRequest) -> String? {
        let values = try parameters(name)
        guard values.count <= 1 else { throw BadRequest("\(values.count) values of \(name)=: only one is possible") }
        return values.first
    }

    /// A parameter that is a channel, a user or the like: 1 to 255 bytes without control characters.
    func name(_ parameter: StaticString) throws(BadRequest) -> String? {
        guard let name = try self.parameter(parameter) else { return nil }
        if let problem = ChannelName.problem(with: name) { throw BadRequest("\(parameter)= \(problem)") }
        return name
    }

    /// Whether the query has a parameter with another name.
    func hasParameter(besides names: [StaticString]) throws(BadRequest) -> Bool {
        do throws(QueryViolation) { return try queryName(besides: names) != nil } catch {
            throw BadRequest(error.message)
        }
    }

    /// Refuses parameters with other names, which are probably misspelt.
    func allowParameters(_ names: StaticString...) throws(BadRequest) {
        try allowParameters(names)
    }

    /// Refuses parameters with other names.
    func allowParameters(_ names: [StaticString]) throws(BadRequest) {
        let other: String?
        do throws(QueryViolation) { other = try queryName(besides: names) } catch { throw BadRequest(error.message) }
        guard let other else { return }
        let known = names.isEmpty ? "there are none" : names.map { "\($0)" }.joined(separator: ", ")
        throw BadRequest("'\(HandshakeLog.loggable(other))' is no parameter here (\(known))")
    }
}
