/// Why bytes are not a PROXY protocol header.
///
/// The connection must be closed, because its client is unknown.
public enum ProxyHeaderViolation: Error, CaseIterable, Sendable {
    /// The bytes begin with something else.
    case noHeader
    /// Version 1
    case lineTooLong
    case malformedLine
    /// Version 2
    case unknownVersion
    case unknownCommand
    case unknownFamily
    case tooLong
    case addressesCutShort
    case extensionCutShort

    /// One sentence for the log.
    public var message: String {
        switch self {
        case .noHeader: "there is no PROXY protocol header, which --listen proxy: asks for"
        case .lineTooLong: "the PROXY protocol line has more than 107 bytes"
        case .malformedLine: "the PROXY protocol line is malformed"
        case .unknownVersion: "the version of the PROXY protocol is neither 1 nor 2"
        case .unknownCommand: "the PROXY protocol command is neither LOCAL nor PROXY"
        case .unknownFamily: "the PROXY protocol header is not of a stream over TCP or a unix socket"
        case .tooLong: "the PROXY protocol header has more than \(ProxyHeader.maxBytes) bytes"
        case .addressesCutShort: "the PROXY protocol header is too short for its addresses"
        case .extensionCutShort: "an extension of the PROXY protocol header is longer than the header"
        }
    }
}
