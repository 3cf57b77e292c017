internal import Broker

/// The library of functions with which other programs publish (`FCALL pushd_publish 1 CHANNEL PAYLOAD`).
///
/// The rules for histories are a part of it, so that those programs need not know them.
enum StreamLibrary {
    /// The library's text, for `FUNCTION LOAD`.
    ///
    /// - Parameter prefix: of the channels' names in Redis.
    static func text(_ rules: [StreamRule], prefix: String, publishCommand: String) -> String {
        let lines = rules.map { "  { \(pattern($0, prefix))\(limits($0)) }," }.joined(separator: "\n")
        return """
            #!lua name=pushd
            \(functions)
            local publish_command = '\(publishCommand)'
            local rules = {
            \(lines)
            }
            \(registration)
            """
    }

    /// The script without its last lines, which choose a command.
    private static var functions: String {
        let lines = StreamScript.text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.prefix { !$0.hasPrefix("local commands") }.joined(separator: "\n")
    }

    private static let registration = #"""
        redis.register_function('pushd_publish', function(keys, arguments)
          local channel, payload, key = keys[1], arguments[1], arguments[2]
          if #keys ~= 1 or not payload then
            return redis.error_reply('ERR use FCALL pushd_publish 1 CHANNEL PAYLOAD [KEY]')
          end
          for _, rule in ipairs(rules) do
            if string.find(channel, rule[1]) then
              if not rule[2] then break end
              return publish(channel, payload, rule[2], rule[3], publish_command, key)
            end
          end
          redis.call(publish_command, channel, key and envelope('p', '0', 0, '0', key, payload) or payload)
          return false
        end)
        """#

    private static func limits(_ rule: StreamRule) -> String {
        rule.limits.map { ", \($0.maxMessages), \($0.maxAgeSeconds)" } ?? ""
    }

    /// A Lua pattern for the names in Redis, in quotes.
    private static func pattern(_ rule: StreamRule, _ prefix: String) -> String {
        "'^" + quoted(prefix, isPattern: false) + quoted(rule.pattern, isPattern: true) + "$'"
    }

    /// All bytes but letters and digits are escaped: for the pattern by `%`, and for the string by their number.
    private static func quoted(_ text: String, isPattern: Bool) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(byte))
            case UInt8(ascii: "*") where isPattern: ".*"
            case 128...: escape(byte)
            default: "%" + escape(byte)
            }
        }.joined()
    }

    private static func escape(_ byte: UInt8) -> String {
        let digits = String(byte)
        return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
