import ArgumentParser
import Bytes

/// The defaults of serve's options in words, as the help has them.
enum OptionDefaults {
    static var texts: [String: String] {
        let dump = Array(ServeOptions._dumpHelp().utf8)
        guard let command = member(dump, "command"), let list = member(command, "arguments"),
            let elements = JSON.elements(list.rawSpan)
        else { return [:] }
        var texts: [String: String] = [:]
        for element in elements {
            let option = Array(list[element])
            guard case .string(let abstract)? = (try? JSONObject(parsing: option.rawSpan))?["abstract"],
                let names = member(option, "names"), let first = JSON.elements(names.rawSpan)?.first,
                case .string(let name)? = (try? JSONObject(parsing: Array(names[first]).rawSpan))?["name"]
            else { continue }
            texts["--\(name)"] = text(abstract)
        }
        return texts
    }

    /// The default in a text such as `MEANING (repeatable; default: TEXT)` with a period.
    private static func text(_ abstract: String) -> String? {
        guard let mark = abstract.ranges(of: "default: ").last, abstract.hasSuffix(").") else { return nil }
        return String(abstract[mark.upperBound...].dropLast(2))
    }

    private static func member(_ json: [UInt8], _ name: String) -> [UInt8]? {
        (try? JSONObject(parsing: json.rawSpan))?.rawRange(of: name).map { Array(json[$0]) }
    }
}
