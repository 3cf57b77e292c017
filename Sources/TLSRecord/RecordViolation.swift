/// Why input from the peer ends an established session.
public enum RecordViolation: Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
    /// A record was not encrypted with the session's key, or was changed in transit.
    case badRecordMAC
    /// A record or its content is longer than allowed.
    case recordOverflow
    /// A record or message whose type is not allowed here.
    case unexpectedMessage
    /// An empty record of a type that must have content.
    case emptyFragment
    /// An alert that is not two bytes long.
    case malformedAlert
    /// A message whose content does not fit its type.
    case malformedMessage
    /// A key update whose request field is neither 0 nor 1 (RFC 8446 4.6.3).
    case illegalParameter
    /// A message after a key change does not begin a new record (RFC 8446 5.1).
    case messageAcrossKeyChange
    /// More key updates than the data records justify; processing one costs a hundred times more than sending it.
    case tooManyKeyUpdates
    /// TLS 1.2: the client asks for another handshake.
    case renegotiation
    /// OpenSSL failed, usually because it is out of memory.
    case libraryFailure

    /// The alert to send to the peer: RFC 8446 6.2; for a renegotiation RFC 5246 7.2.2.
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

    /// The violation, for a log.
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
