internal import Bytes

/// The body of a response in gzip (RFC 1952), made of pieces that many bodies share.
///
/// A piece begins and ends with a byte, and refers to nothing before it. So it is compressed once, and any sequence of
/// pieces behind the header is a body. There is no end: the checksum would be one for each body
/// (docs/decisions/0030-gzip-streams.md).
public enum GzipBody {
    /// What a body begins with: no name, no time, and no extra fields.
    public static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
    /// The most bytes of a stored block (RFC 1951 section 3.2.4).
    static let maxBlockBytes = 65_535

    /// Appends a piece that a `Deflater` has compressed.
    public static func append(deflated piece: RawSpan, to body: inout [UInt8]) {
        body.append(piece)
        body.append(contentsOf: Deflater.tail)
    }

    /// Appends a piece that is not worth compressing, in stored blocks.
    public static func append(_ piece: RawSpan, to body: inout [UInt8]) {
        body.reserveCapacity(body.count + piece.byteCount + 5)
        var rest = piece
        while rest.byteCount > 0 {
            let block = rest.extracting(first: maxBlockBytes)
            let count = UInt16(block.byteCount)
            body.append(0)
            for number in [count, ~count] {
                body.append(UInt8(truncatingIfNeeded: number))
                body.append(UInt8(truncatingIfNeeded: number >> 8))
            }
            body.append(block)
            rest = rest.extracting(droppingFirst: block.byteCount)
        }
    }
}
