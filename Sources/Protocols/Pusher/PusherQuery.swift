internal import Access
internal import Bytes

/// The query of a request to Pusher's HTTP API, which has its signature.
///
/// `auth_signature` is the HMAC of the method, the path and all other parameters, sorted by name. They include the MD5
/// of the body, so that a request is known to be allowed before its body is read.
public struct PusherQuery: Sendable {
    /// How old a request may be, and how far ahead its sender's clock.
    public static let maxSkewSeconds = 600
    private static let version = "1.0"
    private static let maxParameters = 32

    /// Values by names in small letters.
    private let values: [String: String]

    /// Reads a query; no parameter may be there twice, as readers differ about which one counts.
    public init(parsing query: String) throws(PusherAPIViolation) {
        var values: [String: String] = [:]
        for parameter in query.split(separator: "&") {
            let end = parameter.firstIndex(of: "=") ?? parameter.endIndex
            guard let name = PusherQuery.decoded(parameter[..<end])?.lowercased(),
                let value = PusherQuery.decoded(parameter[end...].dropFirst())
            else { throw .badQuery }
            guard values.updateValue(value, forKey: name) == nil else { throw .repeatedParameter }
            guard values.count <= PusherQuery.maxParameters else { throw .badQuery }
        }
        self.values = values
    }

    /// A parameter; nil if it is not there.
    public subscript(name: String) -> String? { values[name] }

    /// Checks the signature.
    ///
    /// - Parameters:
    ///   - paths: the path as it has come, and what it may have been for the sender.
    ///   - hasBody: whether a body follows, which must be signed too.
    ///   - now: the time in seconds of Unix time.
    public func check(
        _ method: String, _ paths: [String], hasBody: Bool, of app: PusherApp, at now: Int
    ) throws(PusherAPIViolation) {
        guard values["auth_version"] == PusherQuery.version else { throw .badVersion }
        guard values["auth_key"] == app.key else { throw .badKey }
        guard let time = values["auth_timestamp"].flatMap({ Int($0) }),
            now.subtractingReportingOverflow(time).overflow == false,
            -PusherQuery.maxSkewSeconds...PusherQuery.maxSkewSeconds ~= now - time
        else { throw .badTime }
        guard !hasBody || values["body_md5"] != nil else { throw .bodyNotSigned }
        let signature = values["auth_signature"] ?? ""
        guard paths.contains(where: { app.accepts(signature, of: text(method, $0)) }) else { throw .badSignature }
    }

    /// Checks that a body is the one that was signed.
    public func check(body: [UInt8]) throws(PusherAPIViolation) {
        guard let digest = values["body_md5"] else {
            guard body.isEmpty else { throw .bodyNotSigned }
            return
        }
        guard TextSigner.md5(of: body) == digest else { throw .otherBody }
    }

    /// What is signed.
    private func text(_ method: String, _ path: String) -> String {
        let signed = values.filter { $0.key != "auth_signature" }.sorted { $0.key < $1.key }
        return "\(method)\n\(path)\n" + signed.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
    }

    private static func decoded(_ text: Substring) -> String? {
        PercentEncoding.decode(Array(text.utf8)[...], plusIsSpace: true)
            .flatMap { String(validating: $0, as: UTF8.self) }
    }
}
