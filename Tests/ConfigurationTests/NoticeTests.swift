import Configuration
import JSON
import Supervision
import Testing

@Suite("routes for notices") struct NoticeTests {
    private func text(_ route: String) -> String {
        #"{"notices":{"ops":\#(route)},"services":{"a":{"command":["/a"]}}}"#
    }

    @Test("a whole route arrives, and a short one has its defaults") func whole() throws {
        let json = #"""
            {"webhook":{"url_file":"/run/url","headers":{"X-Team":"ops"},"authorities":"/ca.pem",
            "authorization_file":"/run/token","timeout":"3s"},"on":["incident.open"]}
            """#
        let whole = try configuration(text(json)).notices[0]
        #expect(whole.name == "ops")
        var webhook = Webhook(.file("/run/url"))
        webhook.headers = [.init("X-Team", "ops")]
        webhook.authorizationFile = "/run/token"
        webhook.authorities = "/ca.pem"
        webhook.timeout = .seconds(3)
        #expect(whole.way == .webhook(webhook))
        #expect(whole.secretFiles == ["/run/url", "/run/token"])
        #expect(whole.occasions == [.opened])
        let short = try configuration(text(#"{"webhook":{"url":"https://h/x"}}"#)).notices[0]
        #expect(short == NoticeRoute(name: "ops", .webhook(Webhook(.url("https://h/x")))))
        #expect(short.occasions.contains(.handedOver) && !short.occasions.contains(.opened))
        let all = #"{"webhook":{"url":"https://h/x"},"on":"all"}"#
        #expect(
            try configuration(text(all)).notices[0].occasions == NoticeRoute.Occasion.allCases)
    }

    @Test(
        "a wrong route is told",
        arguments: [
            ("{}", "notices.ops: exactly one of 'webhook', 'mail' is needed"),
            (
                #"{"webhook":{"url":"https://h"},"mail":{}}"#,
                "notices.ops: exactly one of 'webhook', 'mail' is needed"
            ),
            (#"{"webhook":{}}"#, "notices.ops.webhook: exactly one of 'url', 'url_file' is needed"),
            (
                #"{"webhook":{"url":"https://h","url_file":"/f"}}"#,
                "notices.ops.webhook: exactly one of 'url', 'url_file' is needed"
            ),
            (
                #"{"webhook":{"url":"ftp://h"}}"#,
                "notices.ops.webhook.url: the URL does not begin with http:// or https://"
            ),
            (
                #"{"webhook":{"url":"https://me:pw@h"}}"#,
                "notices.ops.webhook.url: a user or a password in a URL"
            ),
            (
                #"{"webhook":{"url_file":"secret"}}"#,
                "notices.ops.webhook.url_file: 'secret' is not an absolute path"
            ),
            (
                #"{"webhook":{"url":"https://h","headers":{"authorization":"x"}}}"#,
                "notices.ops.webhook.headers.authorization: a secret in the configuration"
            ),
            (
                #"{"webhook":{"url":"https://h","headers":{"Content-Length":"1"}}}"#,
                "notices.ops.webhook.headers.Content-Length: this header is regen's own"
            ),
            (
                #"{"webhook":{"url":"https://h","verify":false,"authorities":"/c"}}"#,
                "notices.ops.webhook.authorities: with 'verify: false' nobody is asked"
            ),
            (
                #"{"webhook":{"url":"https://h","timeout":"61s"}}"#,
                "notices.ops.webhook.timeout: 61s is outside of the allowed range 1s to 1m"
            ),
            (
                #"{"webhook":{"url":"https://h"},"on":["incident.opened"]}"#,
                "notices.ops.on[0]: 'incident.opened' is not one of incident.open, "
            ),
            (
                #"{"webhook":{"url":"https://h"},"on":"everything"}"#,
                "notices.ops.on: 'everything' is neither all nor a list of events"
            ),
            (
                #"{"webook":{"url":"https://h"}}"#,
                "unknown key 'webook' in notices.ops; did you mean 'webhook'?"
            ),
        ])
    func wrong(route: String, message: String) throws {
        let found = try errors(text(route))
        #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
    }

    private static let mail = #""server":"smtp://h:587","from":"a@h.example","to":["b@h"]"#

    @Test("mail arrives whole, and in short with its defaults") func mail() throws {
        let json = #"""
            {"mail":{"server":"smtp://127.0.0.1:25","starttls":"off","from":"a.b+c@h-1.example",
            "to":["d@localhost","e@h"],"user":"ü ser","password_file":"/run/pw","timeout":"3s"},
            "on":"all"}
            """#
        let whole = try configuration(text(json)).notices[0]
        var mail = Mail(
            server: "smtp://127.0.0.1:25", from: "a.b+c@h-1.example", to: ["d@localhost", "e@h"])
        mail.starttls = .off
        mail.user = "ü ser"
        mail.passwordFile = "/run/pw"
        mail.timeout = .seconds(3)
        #expect(whole.way == .mail(mail))
        #expect(whole.secretFiles == ["/run/pw"])
        let short = try configuration(text(#"{"mail":{\#(Self.mail)}}"#)).notices[0]
        let plain = Mail(server: "smtp://h:587", from: "a@h.example", to: ["b@h"])
        #expect(short == NoticeRoute(name: "ops", .mail(plain)))
        #expect(plain.isEncrypted && plain.timeout == .seconds(30) && !mail.isEncrypted)
    }

    /// What is wrong, as `check` says it, and what it says to do.
    @Test(
        "each mistake in mail has its place and words",
        arguments: [
            (
                #""server":"mail.example""#, "server: the server does not begin with smtps:// or",
                "smtps:// where TLS comes first"
            ),
            (
                #""server":"http://h""#,
                "server: the server does not begin with smtps:// or smtp://", "587"
            ),
            (
                #""server":"smtp://me:pw@h""#,
                "server: a user or a password in a URL ends up in logs", "'password_file'"
            ),
            (
                #""server":"smtp://h/x""#, "server: 'h/x' is not a host with or without a port",
                "IPv6"
            ),
            (#""server":"smtp://h:0""#, "server: 'h:0' is not a host", "IPv6"),
            (#""server":"smtps://h\r\nQUIT""#, "server: 'h\\u{d}\\u{a}QUIT' is not a host", "IPv6"),
            (#""server":"smtps://""#, "server: '' is not a host", "IPv6"),
            (#""starttls":"maybe""#, "starttls: 'maybe' is not one of required, off", ""),
            (
                #""server":"smtps://h","starttls":"required""#, "starttls: smtps:// is encrypted",
                "leave it out"
            ),
            (
                #""starttls":"off","verify":true"#,
                "verify: with 'starttls: off' there is no certificate", "leave"
            ),
            (
                #""starttls":"off","authorities":"/c""#,
                "authorities: with 'starttls: off' there is no", "leave"
            ),
            (
                #""verify":false,"authorities":"/c""#,
                "authorities: with 'verify: false' nobody is asked", ""
            ),
            (#""user":"u""#, "user: a user has a password", "name its file in 'password_file'"),
            (#""password_file":"/p""#, "password_file: whose password is it?", "'user'"),
            (
                #""user":"u","password_file":"p""#, "password_file: 'p' is not an absolute path",
                "begin it"
            ),
            (
                #""user":"u","password":"hunter2""#,
                "password: a secret in the configuration can be read",
                "name that in 'password_file'"
            ),
            (
                #""user":"u","password_file":"/p","starttls":"off""#,
                "password_file: with 'starttls: off' whoever is on the way reads the password",
                "write starttls: required"
            ),
            (
                #""user":"u\nv","password_file":"/p""#,
                "user: a user's name has 1 to 256 bytes and no control", ""
            ),
            (
                #""from":"Regen <a@h>""#, "from: 'Regen <a@h>' is not a plain mail address",
                "without < and >"
            ),
            (#""from":"a@h\r\nBcc: c@h""#, "from: 'a@h\\u{d}\\u{a}Bcc: c@h' is not a plain", ""),
            (#""to":[]"#, "to: 1 to 16 elements are allowed, not 0", ""),
            (#""to":"b@h""#, "to: a list is needed, not 'b@h'", "write [a, b]"),
            (#""to":["b@h","c"]"#, "to[1]: 'c' is not a plain mail address", ""),
            (#""timeout":"61s""#, "timeout: 61s is outside of the allowed range 1s to 1m", ""),
            (
                #""servr":"x""#, "unknown key 'servr' in notices.ops.mail; did you mean 'server'?",
                ""
            ),
        ])
    func wrongMail(change: String, message: String, hint: String) throws {
        let key = change.prefix { $0 != ":" }
        let rest = Self.mail.split(separator: /,(?=")/).filter { !$0.hasPrefix(key) }
        let json = #"{"mail":{\#((rest + [change[...]]).joined(separator: ","))}}"#
        let found = try errors(text(json))
        let start = message.hasPrefix("unknown") ? message : "notices.ops.mail.\(message)"
        let told = try #require(found.first { $0.hasPrefix(start) }, "\(found)")
        #expect(told.contains(hint) && !told.contains("hunter2") && !told.contains("pw@"))
        #expect(found.count == 1, "\(found)")
    }

    @Test("what is missing is named") func missing() throws {
        let found = try errors(text(#"{"mail":{}}"#))
        for key in ["server", "from", "to"] {
            #expect(found.contains("notices.ops.mail: '\(key)' is missing"), "\(found)")
        }
        #expect(found.count == 3)
    }

    @Test(
        "an address can end neither a command nor a header, and is bounded",
        arguments: [
            "", "@", "a@", "@h", "a@b@c", "a b@h", "a@h h", "<a@h>", "a@h>", "a@h\r", "a@h\n",
            "a@\th",
            "a,b@h", "\"a\"@h", ".a@h", "a.@h", "a..b@h", "a@.h", "a@h.", "a@h..i", "a@-h", "a@h-",
            "a@h_i", "ä@h", "a@ö.example", "a@[127.0.0.1]", "a(b)@h", "a;b@h", "a:b@h", "a\\b@h",
            "a@h\u{7f}", String(repeating: "a", count: 65) + "@h",
            "a@" + String(repeating: "h", count: 64),
            "a@" + Array(repeating: "hhhhhhh", count: 32).joined(separator: "."),
        ])
    func badAddress(address: String) throws {
        var json = JSONWriter()
        json.string("to", address)
        let quoted = String(decoding: json.bytes, as: UTF8.self).drop { $0 != ":" }.dropFirst()
        let mail = #"{"mail":{"server":"smtp://h","from":\#(quoted),"to":["b@h"]}}"#
        let found = try errors(text(mail))
        #expect(found.count == 1 && found[0].hasPrefix("notices.ops.mail.from: "), "\(found)")
    }

    @Test(
        "a password goes unencrypted to this machine alone",
        arguments: [
            ("localhost", true), ("127.0.0.1:25", true), ("127.8.9.10", true), ("[::1]:587", true),
            ("localhost.example", false), ("127.0.0.1.example", false), ("127.0.0", false),
            ("10.0.0.1", false), ("[::2]", false), ("127.0.0.999", false),
        ])
    func loopback(host: String, isFine: Bool) throws {
        let mail = """
            "server":"smtp://\(host)","starttls":"off","from":"a@h","to":["b@h"],"user":"u",\
            "password_file":"/p"
            """
        #expect(try errors(text(#"{"mail":{\#(mail)}}"#)).isEmpty == isFine)
    }

    @Test("names are plain, and there are not too many") func names() throws {
        let services = #""services":{"a":{"command":["/a"]}}"#
        let wrong = try errors(
            #"{"notices":{"a b":{"webhook":{"url":"https://h"}}},\#(services)}"#)
        #expect(wrong.first?.hasPrefix("'a b' is not a route's name") == true, "\(wrong)")
        func many(_ count: Int) -> String {
            let routes = (1...count).map { #""r\#($0)":{"webhook":{"url":"https://h"}}"# }
            return #"{"notices":{\#(routes.joined(separator: ","))},\#(services)}"#
        }
        #expect(try errors(many(NoticeRoute.most)) == [])
        #expect(try errors(many(NoticeRoute.most + 1)).count == 1)
    }
}
