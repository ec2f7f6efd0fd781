import Supervision

extension Mail {
    private static let keys = [
        "server", "starttls", "from", "to", "user", "password_file", "verify", "authorities",
        "timeout",
    ]

    init(_ place: Place, _ findings: inout Findings) {
        self.init(server: "smtp://localhost", from: "", to: [])
        let literal = Section(picking: ["password"], from: place).has("password")
        let keys = Mail.keys + (literal ? ["password"] : [])
        let section = Section(place, keys: keys, &findings)
        if literal {
            findings.error(place.child("password"), .secret(belongsInFileOf: "password_file"))
        }
        server = section.needed("server", or: server, &findings, mailServer)
        starttls = section.read("starttls", or: starttls, &findings, word)
        from = section.needed("from", or: from, &findings, mailAddress)
        if section.neededPlace("to", &findings) != nil {
            to = section.list("to", counts: 1...Mail.mostRecipients, &findings, mailAddress) ?? []
        }
        user = section.read("user", &findings, userName)
        passwordFile = section.read("password_file", &findings, absolutePath)
        verify = section.read("verify", or: verify, &findings, boolean)
        authorities = section.authorities(verify: verify, &findings)
        timeout = section.read("timeout", or: timeout, &findings, duration(NoticeRoute.timeouts))
        checkEncryption(section, &findings)
        checkLogin(section, &findings)
    }

    private func checkEncryption(_ section: Section, _ findings: inout Findings) {
        if let place = section.place("starttls"), isSMTPS {
            findings.error(
                place, Complaint("smtps:// is encrypted from the first byte", "leave it out"))
        }
        guard !isEncrypted else { return }
        for key in ["verify", "authorities"] {
            guard let place = section.place(key) else { continue }
            findings.error(
                place, Complaint("with 'starttls: off' there is no certificate", "leave it out"))
        }
    }

    private func checkLogin(_ section: Section, _ findings: inout Findings) {
        switch (section.place("user"), section.place("password_file")) {
        case (let place?, nil) where !section.has("password"):
            findings.error(
                place, Complaint("a user has a password", "name its file in 'password_file'"))
        case (nil, let place?):
            findings.error(place, Complaint("whose password is it?", "name that one in 'user'"))
        case (_?, let place?) where !isEncrypted && !staysHere:
            findings.error(
                place,
                Complaint(
                    "with 'starttls: off' whoever is on the way reads the password",
                    "write starttls: required, or smtps:// if the server has that"))
        default: break
        }
    }
}

/// A mail server's URL: a scheme, a host and perhaps a port.
private func mailServer(_ tree: Tree) throws(Complaint) -> String {
    let url = try text(tree)
    guard let authority = mailAuthority(of: url) else {
        throw Complaint(
            "the server does not begin with smtps:// or smtp://",
            "smtps:// where TLS comes first, mostly at port 465; smtp:// for STARTTLS, "
                + "mostly at port 587")
    }
    // The message must not show what it warns of.
    guard !authority.utf8.contains(UInt8(ascii: "@")) else {
        throw Complaint(
            "a user or a password in a URL ends up in logs",
            "take it out, and write 'user' and 'password_file'")
    }
    guard hostAndPort(String(authority)) != nil else {
        throw Complaint(
            "\(quoted(String(authority))) is not a host with or without a port, and nothing more",
            "write an IPv6 address in brackets")
    }
    return url
}

extension Mail {
    /// Whether nobody else can be on the way to the server.
    private var staysHere: Bool {
        let place = mailAuthority(of: server).flatMap { hostAndPort(String($0)) }
        return place.map { isThisMachine($0.host) } ?? false
    }
}

/// What stands behind the scheme.
private func mailAuthority(of url: String) -> Substring? {
    let scheme = ["smtp://", "smtps://"].first { url.lowercased().hasPrefix($0) }
    return scheme.map { url.dropFirst($0.count) }
}

/// `name@host`, in the plain form that every server takes. What it may hold can end neither a command
/// nor a header.
private func mailAddress(_ tree: Tree) throws(Complaint) -> String {
    let address = try text(tree)
    guard address.utf8.count <= Mail.longestAddress else {
        throw Complaint("the address is longer than \(Mail.longestAddress) bytes")
    }
    let parts = address.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, isLocalPart(parts[0]), isMailDomain(parts[1]) else {
        throw Complaint(
            "\(quoted(address)) is not a plain mail address",
            "write name@host in ASCII, without < and > or a person's name")
    }
    return address
}

private func isLocalPart(_ text: Substring) -> Bool {
    let marks = Array("!#$%&'*+-/=?^_`{|}~".utf8)
    let words = text.split(separator: ".", omittingEmptySubsequences: false)
    return text.utf8.count <= Mail.longestLocalPart
        && words.allSatisfy { word in
            !word.isEmpty
                && word.utf8.allSatisfy { isLetter($0) || isDigit($0) || marks.contains($0) }
        }
}

private func isMailDomain(_ text: Substring) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return text.utf8.count <= longestHostName
        && labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != minus
                && label.utf8.last != minus
                && label.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == minus }
        }
}

private func userName(_ tree: Tree) throws(Complaint) -> String {
    let name = try text(tree)
    guard (1...Mail.longestUser).contains(name.utf8.count),
        name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
    else {
        throw Complaint(
            "a user's name has 1 to \(Mail.longestUser) bytes and no control characters")
    }
    return name
}
