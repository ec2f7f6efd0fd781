import JSON

extension NoticeRoute {
    /// The value of its member.
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("webhook")
        json.beginObject()
        switch webhook.address {
        case .url(let url): json.string("url", url)
        case .file(let path): json.string("url_file", path)
        }
        json.key("headers")
        json.beginObject()
        for header in webhook.headers {
            json.key(header.name)
            json.string(header.value)
        }
        json.endObject()
        json.string("authorization_file", ifSet: webhook.authorizationFile)
        json.bool("verify", webhook.verify)
        json.string("authorities", ifSet: webhook.authorities)
        json.string("timeout", webhook.timeout.configured)
        json.endObject()
        json.key("on")
        json.array(occasions) { $0.string($1.rawValue) }
        json.endObject()
    }
}
