internal import Bytes

/// The text for people in the body of an error response.
public enum ErrorBody {
    /// The member `error` of a JSON object, or else the whole text; nil if the body is empty.
    ///
    /// It is in quotes and escaped, so that another server's words cannot write more than one line.
    public static func text(_ body: [UInt8]) -> String? {
        if case .string(let text)? = (try? JSONObject(parsing: body.rawSpan))?["error"] { return text.debugDescription }
        var text = String(decoding: body, as: UTF8.self)[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return text.isEmpty ? nil : String(text).debugDescription
    }
}
