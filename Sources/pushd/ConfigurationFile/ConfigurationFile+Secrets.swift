import Glibc

/// Values that nobody else may see.
enum Secrets {
    /// Shown instead of a secret.
    static let mask = "***"
    /// The options that are secrets; what names a file with one is none.
    static let options: Set<String> = ["--publish-key", "--api-key", "--pusher-app"]

    /// Whether a value is a secret, or a URL with a password.
    static func isSecret(_ text: String, of option: String) -> Bool {
        options.contains(option) || password(in: text) != nil
    }

    /// A value that is safe to show, and still one of the option.
    static func masked(_ text: String, of option: String) -> String {
        if option == "--pusher-app" { return maskedApp(text) }
        if options.contains(option) { return mask }
        guard let password = password(in: text) else { return text }
        return text[..<password.lowerBound] + mask + text[password.upperBound...]
    }

    /// An application without its secret, and with its options.
    private static func maskedApp(_ text: String) -> String {
        let words = text.split(separator: " ")
        let parts = words.first?.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) ?? []
        guard parts.count == 3 else { return mask }
        let rest = words.dropFirst().map { " " + masked(String($0), of: "") }
        return "\(parts[0]):\(parts[1]):\(mask)" + rest.joined()
    }

    /// The password in a URL, or what stands alone in its place.
    private static func password(in text: String) -> Range<String.Index>? {
        guard let scheme = text.firstRange(of: "://"), let at = text.lastIndex(of: "@"), at > scheme.upperBound else {
            return nil
        }
        let colon = text[scheme.upperBound..<at].firstIndex(of: ":")
        return (colon.map { text.index(after: $0) } ?? scheme.upperBound)..<at
    }
}

extension ConfigurationFile {
    /// A warning if every user of the machine can read secrets in it.
    var exposure: String? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & S_IROTH != 0 else { return nil }
        let secrets = entries.filter { option, entry in
            entry.values.contains { Secrets.isSecret($0.text, of: option) }
        }
        guard let first = secrets.values.min(by: { $0.position < $1.position }) else { return nil }
        return "every user of this machine can read the secret of \(first.key) in \(path): chmod o-r, or keep secrets "
            + "in files of their own (\(Secrets.options.sorted().map { "\($0)-file" }.joined(separator: ", ")))"
    }
}
