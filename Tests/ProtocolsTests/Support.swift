import Bytes

/// The text of some bytes.
func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func isJSON(_ bytes: [UInt8]) -> Bool { JSON.isValid(bytes.rawSpan) }
