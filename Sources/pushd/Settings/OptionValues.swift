import Access
import Glibc
import PushServer
import RedisBridge

/// Reads one option from the command line or else from the environment, where `--redis-prefix` is PUSHD_REDIS_PREFIX.
struct OptionValues {
    let environment: [String: String]

    /// The text of an option; nil if it is given nowhere.
    ///
    /// An empty variable counts as not given.
    func text(_ option: String, _ given: String?) -> String? {
        if let given { return given }
        let value = environment[OptionValues.variable(option)]
        return value?.isEmpty == true ? nil : value
    }

    /// What the user called an option: its variable, if it was read from there.
    func name(_ option: String, _ given: String?) -> String {
        let variable = OptionValues.variable(option)
        return given == nil && environment[variable] != nil ? variable : option
    }

    /// A value that `parse` understands; a secret one is not shown.
    ///
    /// - Parameter remedy: says what to write instead of a value that `parse` does not understand.
    func one<Value>(
        _ option: String, _ given: String?, _ expected: String, isSecret: Bool = false,
        remedy: (String) -> String? = { _ in nil }, _ parse: (String) -> Value?
    ) throws(SettingViolation) -> Value? {
        guard let text = text(option, given) else { return nil }
        return try value(of: text, name(option, given), expected, isSecret: isSecret, remedy: remedy, parse)
    }

    /// The texts of a repeatable option; a variable holds them separated by commas.
    func texts(_ option: String, _ given: [String]) -> [String] {
        given.isEmpty ? text(option, nil)?.split(separator: ",").map(String.init) ?? [] : given
    }

    /// The values of a repeatable option that `parse` understands; nil if there are none.
    func each<Value>(
        _ option: String, _ given: [String], _ expected: String, isSecret: Bool = false,
        remedy: (String) -> String? = { _ in nil }, _ parse: (String) -> Value?
    ) throws(SettingViolation) -> [Value]? {
        let name = name(option, given.first)
        var values: [Value] = []
        for text in texts(option, given) {
            values.append(try value(of: text, name, expected, isSecret: isSecret, remedy: remedy, parse))
        }
        return values.isEmpty ? nil : values
    }

    private func value<Value>(
        of text: String, _ name: String, _ expected: String, isSecret: Bool, remedy: (String) -> String?,
        _ parse: (String) -> Value?
    ) throws(SettingViolation) -> Value {
        if let value = parse(text) { return value }
        throw SettingViolation(
            option: name, value: isSecret && !text.isEmpty ? "***" : text, expected: expected, remedy: remedy(text))
    }

    /// The values of a repeatable option whose parser says what is wrong with a text.
    func usable<Value, Violation: Error>(
        _ option: String, _ given: [String], _ parse: (String) throws(Violation) -> Value
    ) throws(SettingViolation) -> [Value] {
        var values: [Value] = []
        for text in texts(option, given) {
            do throws(Violation) {
                values.append(try parse(text))
            } catch {
                throw SettingViolation(option: name(option, given.first), value: text, expected: "usable: \(error)")
            }
        }
        return values
    }

    /// A whole number in a range.
    func number(_ option: String, _ given: String?, _ range: ClosedRange<Int>) throws(SettingViolation) -> Int? {
        try one(option, given, OptionValues.wholeNumber(range)) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A limit: a whole number in a range, with `:dry` behind it if it is only to be counted.
    func limit(_ option: String, _ given: String?, _ range: ClosedRange<Int>) throws(SettingViolation) -> Limit? {
        let expected = "\(OptionValues.wholeNumber(range)), with :dry behind it if it is only to be counted"
        return try one(option, given, expected) { text in
            let (text, isEnforced) = OptionValues.withoutDry(text)
            return Int(text).flatMap { range.contains($0) ? Limit($0, isEnforced: isEnforced) : nil }
        }
    }

    /// Cuts `:dry` off a limit's value.
    static func withoutDry(_ text: String) -> (text: String, isEnforced: Bool) {
        let mark = ":dry"
        return text.hasSuffix(mark) ? (String(text.dropLast(mark.count)), false) : (text, true)
    }

    private static func wholeNumber(_ range: ClosedRange<Int>) -> String {
        let upTo = range.upperBound == Int.max ? "" : " to \(range.upperBound)"
        return "a whole number from \(range.lowerBound)\(upTo)"
    }

    /// A size in bytes; K, M and G are powers of 1024.
    func bytes(_ option: String, _ given: String?, _ range: ClosedRange<Int>) throws(SettingViolation) -> Int? {
        let upTo = range.upperBound == Int.max ? "" : " to \(Units.text(bytes: range.upperBound))"
        let expected = "a size from \(Units.text(bytes: range.lowerBound))\(upTo), such as 65536, 64KiB or 1M"
        return try one(option, given, expected) { text in
            Units.bytes(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A time of at most a day: seconds, or with a unit.
    func seconds(_ option: String, _ given: String?, orZero: Bool = false) throws(SettingViolation) -> Duration? {
        let expected = "a time \(orZero ? "from" : "above") 0 to 24h, such as 30 (seconds), 500ms, 5s, 2m or 1h"
        return try one(option, given, expected) { text in
            guard let time = Units.time(text), time <= .seconds(86_400), orZero || time > .zero else { return nil }
            return time
        }
    }

    /// A switch: on if given; in the environment true or false, 1 or 0, on or off.
    func flag(_ option: String, _ given: Bool) throws(SettingViolation) -> Bool {
        if given { return true }
        return try one(option, nil, "true or false") { text -> Bool? in
            switch text.lowercased() {
            case "1", "true", "yes", "on": true
            case "0", "false", "no", "off": false
            default: nil
            }
        } ?? false
    }

    /// Where Redis is.
    func redis(_ option: String, _ given: String?) throws(SettingViolation) -> RedisEndpoint? {
        guard let url = text(option, given) else { return nil }
        do throws(RedisURLViolation) {
            return try RedisEndpoint(parsing: url)
        } catch {
            throw SettingViolation(
                option: name(option, given), value: OptionValues.hidingPassword(url),
                expected: "usable: \(error.description)", remedy: OptionValues.redisURL(meantBy: url))
        }
    }

    /// The URL of `localhost:6379`; what has an `@` may hold a password and is not shown.
    private static func redisURL(meantBy text: String) -> String? {
        guard !text.contains("://"), !text.contains("@") else { return nil }
        let url = "redis://\(text)"
        return (try? RedisEndpoint(parsing: url)).map { _ in "write \(url)" }
    }

    /// Keys that are given themselves and in files with one a line.
    func keys(_ option: String, _ given: [String], files: [String]) throws(SettingViolation) -> [String] {
        let fileOption = option + "-file"
        let remedy = { (text: String) in text.isEmpty ? "the key is empty" : nil }
        var keys = try each(option, given, OptionValues.keyForm, isSecret: true, remedy: remedy, OptionValues.key) ?? []
        for file in texts(fileOption, files) {
            keys += try KeyFile(file, of: name(fileOption, files.first)).keys
        }
        // A variable that was to hold a key and is empty must not leave the door open.
        for option in [option, fileOption] where keys.isEmpty {
            let variable = OptionValues.variable(option)
            guard let value = environment[variable] else { continue }
            throw SettingViolation(
                option: variable, value: value, expected: OptionValues.keyForm,
                remedy: "the key is empty: leave the variable out if there is to be none")
        }
        return keys
    }

    private static let keyForm = "a key without spaces"

    /// A key; nil if no header field can carry it as one word.
    static func key(_ text: String) -> String? {
        text.isEmpty || text.utf8.contains { $0 <= 0x20 || $0 == 0x7F } ? nil : text
    }

    /// A URL as it may be shown: what stands before the last `@` can be a password.
    private static func hidingPassword(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else { return url }
        return "***" + url[at...]
    }

    private static func variable(_ option: String) -> String {
        VariableNames.prefix + option.dropFirst(2).uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}

/// The environment of the process.
enum Environment {
    static var current: [String: String] {
        var variables: [String: String] = [:]
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe next += 1
        }
        return variables
    }
}
