extension Webhook {
    private static let keys = [
        "url", "url_file", "headers", "authorization_file", "verify", "authorities", "timeout",
    ]

    init(_ place: Place, _ findings: inout Findings) {
        self.init(.file("/"))
        let section = Section(place, keys: Webhook.keys, &findings)
        switch section.exactlyOne(of: ["url", "url_file"], &findings) {
        case "url": address = .url(section.read("url", or: "", &findings, webAddress))
        case "url_file":
            address = .file(section.read("url_file", or: "/", &findings, absolutePath))
        default: break
        }
        headers = HTTPProbe.headers(section, &findings)
        authorizationFile = section.read("authorization_file", &findings, absolutePath)
        verify = section.read("verify", or: verify, &findings, boolean)
        authorities = section.authorities(verify: verify, &findings)
        timeout = section.read("timeout", or: timeout, &findings, duration(NoticeRoute.timeouts))
        checkHeaders(section, &findings)
    }

    private func checkHeaders(_ section: Section, _ findings: inout Findings) {
        guard let place = section.place("headers") else { return }
        for header in headers {
            switch header.name.lowercased() {
            case "authorization":
                findings.error(
                    place.child(header.name), .secret(belongsInFileOf: "authorization_file"))
            case "content-length", "transfer-encoding":
                findings.error(
                    place.child(header.name),
                    Complaint("this header is regen's own", "leave it out"))
            default: break
            }
        }
    }
}
