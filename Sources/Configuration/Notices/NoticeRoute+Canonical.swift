import JSON

extension NoticeRoute {
    /// The value of its member.
    func write(into json: inout JSONWriter) {
        json.beginObject()
        switch way {
        case .webhook(let webhook):
            json.key("webhook")
            webhook.write(into: &json)
        case .mail(let mail):
            json.key("mail")
            mail.write(into: &json)
        }
        json.key("on")
        json.array(occasions) { $0.string($1.rawValue) }
        json.endObject()
    }
}

extension Webhook {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch address {
        case .url(let url): json.string("url", url)
        case .file(let path): json.string("url_file", path)
        }
        json.key("headers")
        json.beginObject()
        for header in headers {
            json.key(header.name)
            json.string(header.value)
        }
        json.endObject()
        json.string("authorization_file", ifSet: authorizationFile)
        json.bool("verify", verify)
        json.string("authorities", ifSet: authorities)
        json.string("timeout", timeout.configured)
        json.endObject()
    }
}

extension Mail {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("server", server)
        if !isSMTPS { json.string("starttls", starttls.rawValue) }
        json.string("from", from)
        json.key("to")
        json.array(to) { $0.string($1) }
        json.string("user", ifSet: user)
        json.string("password_file", ifSet: passwordFile)
        if isEncrypted {
            json.bool("verify", verify)
            json.string("authorities", ifSet: authorities)
        }
        json.string("timeout", timeout.configured)
        json.endObject()
    }
}
