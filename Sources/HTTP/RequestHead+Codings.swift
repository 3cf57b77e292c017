extension RequestHead {
    /// Whether the client names gzip among the content codings that it takes (RFC 9110 section 12.5.3).
    public var acceptsGzip: Bool {
        listValues(of: "accept-encoding").contains { element in
            let parts = element.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard parts.first == "gzip" || parts.first == "x-gzip" else { return false }
            return !parts.dropFirst().contains(where: RequestHead.isWeightOfNothing)
        }
    }

    /// Whether a parameter says that its element is not acceptable: `q=0`, with up to three decimals.
    private static func isWeightOfNothing(_ parameter: String) -> Bool {
        parameter.hasPrefix("q=") && parameter.dropFirst(2).allSatisfy { "0.".contains($0) }
    }
}
