internal import Access
internal import Bytes
internal import Channels

extension HookAnswer {
    /// An answer is kept for an hour at most.
    private static let maxCacheSeconds = 3600
    private static let maxReasonBytes = 255
    private static let maxSeconds = 1e9

    /// Reads the answer to a question.
    ///
    /// One that allows is read strictly: a misspelt member could give a right, or keep one for too long. One that
    /// refuses always refuses.
    init(parsing body: [UInt8], to kind: HookKind) throws(AnswerViolation) {
        let text = body.rawSpan
        let object: JSONObject
        do throws(JSONViolation) {
            object = try JSONObject(parsing: text)
        } catch {
            throw .badJSON(error.message)
        }
        guard case .bool(let isAllowed) = object["allow"] else {
            throw .malformed(member: "allow", expected: "true or false")
        }
        self.init(isAllowed: isAllowed)
        guard isAllowed else {
            if case .string(let text) = object["reason"], text.utf8.count <= HookAnswer.maxReasonBytes { reason = text }
            cacheSeconds = (try? HookAnswer.cacheSeconds(of: object, text)) ?? 0
            return
        }
        var known: Set<String> = []
        for name in object.names {
            guard known.insert(name).inserted else { throw .repeated(member: name) }
            // Libraries write null for what is not there.
            if name != "allow", object[name] != .null { try set(name, of: object, text, kind) }
        }
    }

    private mutating func set(
        _ name: String, of object: JSONObject, _ text: RawSpan, _ kind: HookKind
    ) throws(AnswerViolation) {
        switch (name, kind) {
        case ("cache_s", _): cacheSeconds = try HookAnswer.cacheSeconds(of: object, text)
        case ("user", .connect): user = try HookAnswer.user(of: object)
        case ("info", .connect): info = HookAnswer.raw(name, of: object, text)
        case ("channels", .connect): channels = try HookAnswer.channels(of: object, text)
        case ("grants", .connect): grants = try HookAnswer.grants(of: object, text)
        case ("expires_s", .connect): expirySeconds = max(try HookAnswer.seconds(name, of: object, text), 1)
        default: throw .unknown(member: name)
        }
    }

    private static func user(of object: JSONObject) throws(AnswerViolation) -> String {
        guard case .string(let user) = object["user"], ChannelName.isValid(user) else {
            throw .malformed(member: "user", expected: "a name of 1 to 255 bytes without control characters")
        }
        return user
    }

    private static func channels(of object: JSONObject, _ text: RawSpan) throws(AnswerViolation) -> [String] {
        guard let names = JSON.strings(raw("channels", of: object, text).rawSpan),
            names.allSatisfy({ ChannelName.isValid($0) })
        else { throw .malformed(member: "channels", expected: "a list of channel names") }
        return names
    }

    private static func grants(of object: JSONObject, _ text: RawSpan) throws(AnswerViolation) -> Grants {
        do throws(Grants.Violation) {
            return try Grants(parsing: raw("grants", of: object, text).rawSpan)
        } catch {
            throw .malformed(member: "grants", expected: "an object of grants: it \(error.message)")
        }
    }

    private static func cacheSeconds(of object: JSONObject, _ text: RawSpan) throws(AnswerViolation) -> Int {
        guard object["cache_s"] != nil else { return 0 }
        return min(try seconds("cache_s", of: object, text), maxCacheSeconds)
    }

    /// Backends subtract times, so a fraction is possible.
    private static func seconds(
        _ name: String, of object: JSONObject, _ text: RawSpan
    ) throws(AnswerViolation) -> Int {
        guard case .number(let range) = object[name], let digits = text.extracting(range).text,
            let seconds = Double(digits), (0...maxSeconds).contains(seconds)
        else { throw .malformed(member: name, expected: "a number of seconds") }
        return Int(seconds)
    }

    private static func raw(_ name: String, of object: JSONObject, _ text: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        if let range = object.rawRange(of: name) { bytes.append(text.extracting(range)) }
        return bytes
    }
}
