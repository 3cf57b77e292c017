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

    /// A value that `parse` understands; a secret one is not shown.
    func one<Value>(
        _ option: String, _ given: String?, _ expected: String, isSecret: Bool = false, _ parse: (String) -> Value?
    ) throws(SettingViolation) -> Value? {
        guard let text = text(option, given) else { return nil }
        guard let value = parse(text) else {
            throw SettingViolation(option: option, value: isSecret ? "***" : text, expected: expected)
        }
        return value
    }

    /// The values of a repeatable option, nil if there are none; a variable holds them separated by commas.
    func each<Value>(
        _ option: String, _ given: [String], _ expected: String, isSecret: Bool = false, _ parse: (String) -> Value?
    ) throws(SettingViolation) -> [Value]? {
        let texts = given.isEmpty ? text(option, nil)?.split(separator: ",").map(String.init) ?? [] : given
        var values: [Value] = []
        for text in texts {
            if let value = try one(option, text, expected, isSecret: isSecret, parse) { values.append(value) }
        }
        return values.isEmpty ? nil : values
    }

    /// A whole number in a range.
    func number(_ option: String, _ given: String?, _ range: ClosedRange<Int>) throws(SettingViolation) -> Int? {
        try one(option, given, OptionValues.wholeNumber(range)) { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A limit: a whole number in a range, with `:dry` behind it if it is only to be counted.
    func limit(_ option: String, _ given: String?, _ range: ClosedRange<Int>) throws(SettingViolation) -> Limit? {
        try one(option, given, "\(OptionValues.wholeNumber(range)), and :dry") { text in
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

    /// A time in seconds, with a fraction if need be.
    func seconds(_ option: String, _ given: String?, orZero: Bool = false) throws(SettingViolation) -> Duration? {
        let expected = orZero ? "a number of seconds from 0" : "a number of seconds above 0"
        return try one(option, given, "\(expected) to 86400") { text in
            guard let seconds = Double(text), seconds <= 86_400, orZero ? seconds >= 0 : seconds > 0 else { return nil }
            return .seconds(seconds)
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

    /// Addresses to listen on, nil if there are none.
    func addresses(_ option: String, _ given: [String]) throws(SettingViolation) -> [ListenAddress]? {
        var addresses: [ListenAddress] = []
        for text in try each(option, given, "an address", { $0 }) ?? [] {
            do throws(ListenAddressViolation) {
                addresses.append(try ListenAddress(parsing: text))
            } catch {
                throw SettingViolation(option: option, value: text, expected: "usable: \(error)")
            }
        }
        return addresses.isEmpty ? nil : addresses
    }

    /// Proxies that are trusted.
    func proxies(_ option: String, _ given: [String]) throws(SettingViolation) -> [TrustedProxy] {
        var proxies: [TrustedProxy] = []
        for text in try each(option, given, "a range of addresses", { $0 }) ?? [] {
            do throws(AddressRangeViolation) {
                proxies.append(try TrustedProxy(parsing: text))
            } catch {
                throw SettingViolation(option: option, value: text, expected: "usable: \(error)")
            }
        }
        return proxies
    }

    /// Where Redis is.
    func redis(_ option: String, _ given: String?) throws(SettingViolation) -> RedisEndpoint? {
        guard let url = text(option, given) else { return nil }
        do throws(RedisURLViolation) {
            return try RedisEndpoint(parsing: url)
        } catch {
            throw SettingViolation(
                option: option, value: OptionValues.hidingPassword(url), expected: "usable: \(error.description)")
        }
    }

    /// Keys that are given themselves and in files with one a line.
    func keys(_ option: String, _ given: [String], files: [String]) throws(SettingViolation) -> [String] {
        let fileOption = option + "-file"
        var keys = try each(option, given, OptionValues.keyForm, isSecret: true, OptionValues.key) ?? []
        for file in try each(fileOption, files, "a file", { $0 }) ?? [] {
            keys += try KeyFile(file, of: fileOption).keys
        }
        // A variable that was to hold a key and is empty must not leave the door open.
        for option in [option, fileOption] where keys.isEmpty {
            guard let value = environment[OptionValues.variable(option)] else { continue }
            throw SettingViolation(option: option, value: value, expected: OptionValues.keyForm)
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
        "PUSHD_" + option.dropFirst(2).uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
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
