import FuzzSupport
import RedisBridge

/// Redis: the input is read as what Redis sends, as names, one a line, and as URLs, one a line.
///
/// Envelopes are made of the names and of all of it.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    checkStream(&input)
    let lines = input.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 7, omittingEmptySubsequences: false)
        .map { Array($0) }
    checkMap(lines)
    // The naive matcher takes a time that grows with the power of the stars.
    if lines.allSatisfy({ $0.count < 24 }) { checkPatterns(lines) }
    checkEnvelope(channel: String(decoding: lines[0], as: UTF8.self), payload: input.bytes)
    for line in lines {
        let text = String(decoding: line, as: UTF8.self)
        checkName(text)
        checkURL(text)
        checkEnvelope(channel: text, payload: line)
    }
    return 0
}
