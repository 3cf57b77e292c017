internal import Hooks
internal import Tokens

/// Why keys for tokens were not fetched.
enum KeySetFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// No response.
    case fetch(FetchFailure)
    /// A response with another status than 200; redirects are not followed.
    case status(Int)
    /// A response that is no key set, or one with keys that cannot be used.
    case unusable(TokenKeyViolation)

    /// The reason in words.
    var description: String {
        switch self {
        case .fetch(let failure): failure.description
        case .status(let status): "the status is \(status) and not 200"
        case .unusable(let violation): violation.description
        }
    }
}

extension HTTPFetched {
    /// The response with status 200.
    static func ok(_ result: Result<HTTPFetched, FetchFailure>) throws(KeySetFailure) -> HTTPFetched {
        switch result {
        case .failure(let failure): throw .fetch(failure)
        case .success(let fetched) where fetched.status != 200: throw .status(fetched.status)
        case .success(let fetched): return fetched
        }
    }
}
