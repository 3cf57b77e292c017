public import TestSupport

/// A message as a client sends it (RFC 6455 section 5.2): masked, in up to nine frames, with pings between them.
public func clientFrames(
    _ opcode: UInt8, _ message: [UInt8], isCompressed: Bool = false, _ random: inout SeededGenerator
) -> [UInt8] {
    let fragments = Bool.random(using: &random) ? [message] : random.pieces(of: message)
    var frames: [UInt8] = []
    for (index, fragment) in fragments.enumerated() {
        let fin: UInt8 = index == fragments.count - 1 ? 0x80 : 0
        let first = index == 0 ? opcode | (isCompressed ? 0x40 : 0) : 0
        if index == 1 { frames += clientFrame(0x89, Array("ping".utf8), &random) }
        frames += clientFrame(fin | first, fragment, &random)
    }
    return frames
}

private func clientFrame(_ first: UInt8, _ payload: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    let key = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
    let (form, lengthBytes) = payload.count < 126 ? (payload.count, 0) : payload.count < 65_536 ? (126, 2) : (127, 8)
    let length = (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) }
    return [first, 0x80 | UInt8(form)] + length + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
}
