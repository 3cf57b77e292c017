internal import Bytes

/// The human-readable text in the body of an error response.
public enum ErrorBody {
    /// A JSON object with the member `error`.
    public static func json(_ message: String) -> [UInt8] {
        var object = JSONObjectWriter()
        object.member("error", message)
        return object.finish()
    }

    /// The member `error` of a JSON object, or else the whole body; nil if the body is empty.
    ///
    /// The text is quoted and escaped, so that text from another server always stays on one line.
    public static func text(_ body: [UInt8]) -> String? {
        if case .string(let text)? = (try? JSONObject(parsing: body.rawSpan))?["error"] { return text.debugDescription }
        var text = String(decoding: body, as: UTF8.self)[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? nil : String(text).debugDescription
    }
}
