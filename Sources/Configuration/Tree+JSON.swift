public import JSON

extension Tree {
    /// The tree of a JSON text, without positions: the reader of JSON does not keep them.
    public init(_ json: JSONValue) {
        switch json {
        case .null: self.init(.scalar("null", quoted: false))
        case .bool(let value): self.init(.scalar(value ? "true" : "false", quoted: false))
        case .integer(let value): self.init(.scalar(String(value), quoted: false))
        case .real(let value): self.init(.scalar("\(value)", quoted: false))
        case .string(let value): self.init(.scalar(value, quoted: true))
        case .array(let values): self.init(.sequence(values.map { Tree($0) }))
        case .object(let members):
            self.init(.mapping(members.map { Member($0.key, Tree($0.value)) }))
        }
    }
}
