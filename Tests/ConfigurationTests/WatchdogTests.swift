import Configuration
import Supervision
import Testing

private func whole(_ members: String) -> String {
    #"{"watchdog":{\#(members)},"services":{"a":{"command":["/a"],"user":"a"}}}"#
}

@Suite("the configuration of the watchdog") struct WatchdogTests {
    @Test("without its key no device is touched, and with it the defaults hold") func defaults()
        throws
    {
        let without = #"{"services":{"a":{"command":["/a"]}}}"#
        #expect(try configuration(without).watchdog == nil)
        #expect(
            try configuration(#"{"watchdog":null,"# + without.dropFirst()).watchdog == nil)
        #expect(try configuration(whole("")).watchdog == WatchdogPolicy())
        #expect(WatchdogPolicy().timeout == .seconds(30))
        #expect(WatchdogPolicy().ledgerStall == .minutes(5))
    }

    @Test("its keys arrive at their values") func keys() throws {
        let read = try configuration(
            whole(
                #""device":["/dev/watchdog1","/dev/w"],"timeout":"1m","ledger_stall":"90s","#
                    + #""pretimeout":"15s","test":true"#))
        #expect(
            read.watchdog
                == WatchdogPolicy(
                    devices: ["/dev/watchdog1", "/dev/w"], timeout: .minutes(1),
                    ledgerStall: .seconds(90), pretimeout: .seconds(15), isTest: true))
        let one = try configuration(whole(#""device":"/dev/watchdog1""#)).watchdog
        #expect(one == WatchdogPolicy(devices: ["/dev/watchdog1"]))
    }

    @Test(
        "what is at its bound is allowed",
        arguments: [
            #""timeout":"10s""#, #""timeout":"1h""#, #""ledger_stall":"10s""#,
            #""ledger_stall":"1d""#,
            #""pretimeout":"7s""#, #""timeout":"1h","pretimeout":"15m""#,
        ]) func bounds(members: String) throws
    {
        #expect(try errors(whole(members)) == [])
    }

    @Test(
        "what is wrong is told where it stands, with the next step",
        arguments: [
            (#""timeout":"9s""#, "watchdog.timeout: 9s is outside of the allowed range 10s to 1h"),
            (#""timeout":"61m""#, "watchdog.timeout: 61m is outside"),
            (
                #""timeout":"10500ms""#,
                "watchdog.timeout: 10500ms is not a whole number of seconds"
            ),
            (
                #""timeout":30"#,
                "watchdog.timeout: '30' is not a duration; write a whole number and"
            ),
            (
                #""ledger_stall":"9s""#,
                "watchdog.ledger_stall: 9s is outside of the allowed range 10s to 1d"
            ),
            (#""ledger_stall":"25h""#, "watchdog.ledger_stall: 25h is outside"),
            (
                #""pretimeout":"8s""#,
                "watchdog.pretimeout: 8s is more than a quarter of 'timeout' (30s); write at most 7s"
            ),
            (#""device":"watchdog0""#, "watchdog.device: 'watchdog0' is not an absolute path"),
            (#""device":["/a",3]"#, "watchdog.device[1]: '3' is not an absolute path"),
            (#""device":[]"#, "watchdog.device: 1 to 8 elements are allowed, not 0"),
            (
                #""device":["/a","/a"]"#,
                "watchdog.device: a device is there twice; keep one of them"
            ),
            (#""test":"yes""#, "watchdog.test: 'yes' is neither true nor false"),
            (#""timout":"30s""#, "unknown key 'timout' in watchdog; did you mean 'timeout'?"),
        ]) func wrong(members: String, message: String) throws
    {
        let found = try errors(whole(members))
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(found)")
    }

    @Test("a test is no protection, and that is said") func test() throws {
        var warnings: [ConfigurationError] = []
        _ = try configuration(whole(#""test":true"#), warnings: &warnings)
        #expect(
            warnings.map { "\($0)" } == [
                "watchdog.test: no device is opened: nothing resets a machine that hangs; "
                    + "remove it when you have seen enough"
            ])
    }
}
