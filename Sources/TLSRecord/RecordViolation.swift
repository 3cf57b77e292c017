/// Why what the peer sent ends an established session.
public enum RecordViolation: Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    /// A record was not made with the session's key, or was changed on its way.
    case badRecordMAC
    /// A record, or what is in it, is longer than allowed.
    case recordOverflow
    /// A record or message of a type that has no place here.
    case unexpectedMessage
    /// A record of a type that must say something says nothing.
    case emptyFragment
    /// An alert that is not two bytes long.
    case malformedAlert
    /// A message that is not what its type says.
    case malformedMessage
    /// A key update that neither asks for one in return nor does not (RFC 8446 4.6.3).
    case illegalParameter
    /// A message behind a key change must begin a record of its own (RFC 8446 5.1).
    case messageAcrossKeyChange
    /// More changes of keys than the records of data justify; each costs a hundred times what it takes to send.
    case tooManyKeyUpdates
    /// TLS 1.2: the client wants another handshake.
    case renegotiation
    /// OpenSSL failed; out of memory as a rule.
    case libraryFailure

    /// The alert that tells the peer: RFC 8446 6.2; for a renegotiation RFC 5246 7.2.2.
    public var alert: UInt8 {
        switch self {
        case .badRecordMAC: 20
        case .recordOverflow: 22
        case .unexpectedMessage, .emptyFragment, .messageAcrossKeyChange, .tooManyKeyUpdates: 10
        case .illegalParameter: 47
        case .malformedAlert, .malformedMessage: 50
        case .renegotiation: 100
        case .libraryFailure: 80
        }
    }

    /// What is wrong, for a log.
    public var description: String {
        switch self {
        case .badRecordMAC: "decryption failed or bad record mac"
        case .recordOverflow: "a record is too long"
        case .unexpectedMessage: "an unexpected message"
        case .emptyFragment: "an empty fragment of a message"
        case .malformedAlert: "a malformed alert"
        case .malformedMessage: "a malformed message"
        case .illegalParameter: "an illegal value in a key update"
        case .messageAcrossKeyChange: "a message across a change of keys"
        case .tooManyKeyUpdates: "too many key updates for so little data"
        case .renegotiation: "renegotiation is off"
        case .libraryFailure: "decryption is out of memory"
        }
    }
}
