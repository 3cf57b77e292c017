/// Why the server ends a connection at once: what the URL of the client asks for is not there.
public enum PusherRefusal: Error, Equatable, Sendable {
    case unknownApp
    case noVersion
    case unknownVersion
    case full(limit: Int)

    /// The versions of the protocol that are spoken.
    private static let versions = 5...7

    /// Checks the version that a client names.
    public static func check(version: String?) throws(PusherRefusal) {
        guard let version, !version.isEmpty else { throw .noVersion }
        guard let number = Int(version), versions ~= number else { throw .unknownVersion }
    }

    /// The code of the Close frame: clients come back only after the last one, and then after a second.
    public var code: UInt16 {
        switch self {
        case .unknownApp: 4001
        case .noVersion: 4008
        case .unknownVersion: 4007
        case .full: 4100
        }
    }

    /// The reason.
    public var reason: String {
        switch self {
        case .unknownApp: "there is no application with this key (--pusher-app)"
        case .noVersion: "the URL names no version of the protocol (protocol=7)"
        case .unknownVersion: "the versions of the protocol are 5, 6 and 7"
        case .full(let limit): "the application has \(limit) connections and no more (max-connections)"
        }
    }
}
