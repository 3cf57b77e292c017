internal import CYAML

/// A step in a document.
struct YAMLEvent {
    enum Kind {
        case text(String, isPlain: Bool)
        case listBegins, mappingBegins
        /// A list or a mapping ends.
        case ends
        case documentBegins, documentEnds
        case reference
        case streamEnds
        /// Nothing to act on.
        case other
    }

    let kind: Kind
    let position: YAMLPosition
    /// What the value has besides its content, such as `an anchor (&)`; nil for nothing.
    let ornament: String?

    init(_ event: yaml_event_t) {
        position = unsafe YAMLPosition(event.start_mark)
        var ornament: String?
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            unsafe ornament = YAMLEvent.ornament(scalar.anchor != nil, scalar.tag != nil)
            kind = unsafe .text(
                String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            unsafe ornament = YAMLEvent.ornament(
                event.data.sequence_start.anchor != nil, event.data.sequence_start.tag != nil)
            kind = .listBegins
        case YAML_MAPPING_START_EVENT:
            unsafe ornament = YAMLEvent.ornament(
                event.data.mapping_start.anchor != nil, event.data.mapping_start.tag != nil)
            kind = .mappingBegins
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: kind = .ends
        case YAML_DOCUMENT_START_EVENT: kind = .documentBegins
        case YAML_DOCUMENT_END_EVENT: kind = .documentEnds
        case YAML_ALIAS_EVENT: kind = .reference
        case YAML_STREAM_END_EVENT: kind = .streamEnds
        default: kind = .other
        }
        self.ornament = ornament
    }

    private static func ornament(_ hasAnchor: Bool, _ hasTag: Bool) -> String? {
        if hasAnchor { return "an anchor (&)" }
        return hasTag ? "a tag (!)" : nil
    }
}

extension YAMLPosition {
    /// libyaml counts from 0.
    init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
