import Bytes
import FuzzSupport

@testable import Access

/// The PROXY protocol's header, and other input in its place.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let outcome = input.random.sameHoweverCut(input.bytes) { Outcome($0) }
    expectEqual(outcome, NaiveProxyHeader.read(input.bytes), "a naive reader")
    if case .header(let header) = outcome {
        expect((0...input.bytes.count).contains(header.byteCount), "a header of \(header.byteCount) bytes")
        expect(header.byteCount <= ProxyHeader.maxBytes, "a header past the limit")
    }
    return 0
}

/// The result of reading a connection's first bytes.
enum Outcome: Equatable {
    case incomplete
    case header(ProxyHeader)
    case refused(ProxyHeaderViolation)

    /// With each piece, gives the reader everything that has arrived so far, as the server does.
    init(_ pieces: [[UInt8]]) {
        self = .incomplete
        var bytes: [UInt8] = []
        for piece in pieces where self == .incomplete {
            bytes += piece
            do throws(ProxyHeaderViolation) {
                if let header = try ProxyHeader.read(bytes.rawSpan) { self = .header(header) }
            } catch {
                self = .refused(error)
            }
        }
    }
}
