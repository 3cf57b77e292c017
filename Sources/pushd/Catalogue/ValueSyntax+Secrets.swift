import RedisBridge

extension ValueSyntax where Value == String {
    /// A secret that a header field can carry as one word.
    static var key: ValueSyntax {
        ValueSyntax("key") { text throws(ValueViolation) in
            if KeyFile.isKey(text) { return text }
            throw ValueViolation(
                value: text.isEmpty ? "" : "***", expected: KeyFile.keyForm,
                remedy: text.isEmpty ? "the key is empty" : nil)
        }
    }
}

extension ValueSyntax where Value == KeyFile {
    /// A file with keys, which is read immediately.
    static var keyFile: ValueSyntax {
        ValueSyntax("file", text: \.path) { path throws(ValueViolation) in try KeyFile(path) }
    }
}

extension ValueSyntax where Value == RedisEndpoint {
    /// Where Redis is.
    static var redisURL: ValueSyntax {
        ValueSyntax("url") { url throws(ValueViolation) in
            do throws(RedisURLViolation) {
                return try RedisEndpoint(parsing: url)
            } catch {
                throw ValueViolation(
                    value: hidingPassword(url), expected: "usable: \(error)", remedy: redisURL(meantBy: url))
            }
        }
    }

    /// The URL for `localhost:6379`; a text with an `@` may contain a password and is not shown.
    private static func redisURL(meantBy text: String) -> String? {
        guard !text.contains("://"), !text.contains("@") else { return nil }
        let url = "redis://\(text)"
        return (try? RedisEndpoint(parsing: url)).map { _ in "write \(url)" }
    }

    /// A URL that is safe to show: the part before the last `@` may be a password.
    private static func hidingPassword(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else { return url }
        return "***" + url[at...]
    }
}
