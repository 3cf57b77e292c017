import Protocols

/// A file with applications of Pusher's clients, one per line.
struct PusherAppFile {
    let path: String
    let apps: [PusherApp]

    /// Reads the file; its secrets are never part of an error.
    init(_ path: String) throws(ValueViolation) {
        let lines = try KeyFile.lines(of: path).map(\.text)
        self.path = path
        apps = lines.compactMap { PusherApp($0) }
        guard apps.count == lines.count else {
            throw ValueViolation(value: path, expected: "usable: each line is \(ValueSyntax<PusherApp>.pusherAppForm)")
        }
    }
}

extension ValueSyntax where Value == PusherApp {
    /// An application of Pusher's clients.
    static var pusherApp: ValueSyntax {
        ValueSyntax("id:key:secret") { text throws(ValueViolation) in
            if let app = PusherApp(text) { return app }
            throw ValueViolation(
                value: text.isEmpty ? "" : "***", expected: pusherAppForm,
                remedy: text.isEmpty ? "the key is empty" : nil)
        }
    }

    /// What an application is, in an error.
    static var pusherAppForm: String {
        "ID:KEY:SECRET, of letters, digits, - and _, and a secret without spaces; then, behind spaces, "
            + "max-connections=N, max-members=N, max-client-events=N, subscription-count=on, webhook=URL"
    }
}

extension ValueSyntax where Value == PusherAppFile {
    /// A file with applications, which is read immediately.
    static var pusherAppFile: ValueSyntax {
        ValueSyntax("file", text: \.path) { path throws(ValueViolation) in try PusherAppFile(path) }
    }
}
