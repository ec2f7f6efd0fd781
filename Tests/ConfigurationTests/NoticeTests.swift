import Configuration
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
        #expect(whole.webhook.address == .file("/run/url"))
        #expect(whole.webhook.headers == [.init("X-Team", "ops")])
        #expect(whole.webhook.authorizationFile == "/run/token")
        #expect(whole.webhook.authorities == "/ca.pem")
        #expect(whole.webhook.timeout == .seconds(3))
        #expect(whole.occasions == [.opened])
        let short = try configuration(text(#"{"webhook":{"url":"https://h/x"}}"#)).notices[0]
        #expect(short == NoticeRoute(name: "ops", webhook: Webhook(.url("https://h/x"))))
        #expect(short.occasions.contains(.handedOver) && !short.occasions.contains(.opened))
        let all = #"{"webhook":{"url":"https://h/x"},"on":"all"}"#
        #expect(
            try configuration(text(all)).notices[0].occasions == NoticeRoute.Occasion.allCases)
    }

    @Test(
        "a wrong route is told",
        arguments: [
            ("{}", "notices.ops: 'webhook' is missing"),
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
