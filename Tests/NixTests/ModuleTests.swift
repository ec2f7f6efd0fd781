import Foundation
import Testing

@Suite("services.regen", .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
struct ModuleTests {
    // MARK: - What comes of a right configuration

    @Test("one word protects a service: the configuration is fine, and nothing is complained of")
    func oneWord() throws {
        let machine = Machine()
        #expect(try machine.assertions() == [])
        #expect(try machine.warnings() == [])
        let checked = try machine.checked()
        #expect(checked.code == 0, "\(checked.output)\(checked.error)")
        let services = try #require(try machine.settings()["services"] as? [String: [String: Any]])
        #expect(services["nginx"]?["unit"] as? String == "nginx.service")
        let probes = try #require(services["nginx"]?["probes"] as? [[String: Any]])
        let http = try #require(probes.first?["http"] as? [String: Any])
        #expect(http["url"] as? String == "http://127.0.0.1:80/")
    }

    @Test("each name that protect has probes for makes a fine configuration") func protect() throws
    {
        let names = [
            "caddy", "forgejo", "gitea", "grafana", "home-assistant", "httpd", "mysql", "nginx",
            "postgresql", "prometheus", "sshd", "other",
        ]
        let machine = Machine(
            module: """
                {
                  services.regen.enable = true;
                  services.regen.protect = [ \(names.map { "\"\($0)\"" }.joined(separator: " ")) ];
                }
                """)
        let checked = try machine.checked()
        #expect(checked.code == 0, "\(checked.output)\(checked.error)")
        let services = try #require(try machine.settings()["services"] as? [String: [String: Any]])
        #expect(services.keys.sorted() == names.sorted())
        for (name, service) in services {
            #expect((service["probes"] as? [Any])?.isEmpty == (name == "other"), "\(name)")
        }
    }

    /// Most of what there is.
    private static let whole = """
        services.web = {
          command = [ "/run/current-system/sw/bin/node" "/srv/web/server.js" ];
          user = "web";
          critical = true;
          after = [ "nginx" ];
          environment.PORT = "3001";
          instances = 2;
          crash_loop = "off";
          backoff.most = "1m";
          stop = { signal = "SIGINT"; grace = "1m"; };
          probes = [
            { http = { url = "http://127.0.0.1:3001/"; status = [ 200 "300-399" ]; within = "500ms"; }; interval = "5s"; }
            { tcp = 3001; } { tcp = "127.0.0.1:3001"; } { tcp.port = 3001; } { listening = 3001; }
            { unix = "/run/web.sock"; } { tls = "example.org:443"; } { tls.file = "/etc/web.pem"; }
            { command = "true"; timeout = "5s"; interval = "10s"; } { memory.below = "512MiB"; } { memory.below = "80%"; }
            { cpu.for = "1m"; } { progress.file = "/srv/web/tick"; } { file = "/srv/web/up"; } { notify = "on"; }
          ];
          remedies = [ "port_conflict" { validate_config = "true"; } "restart" ];
        };
        services.workers = { unit = "worker@*.service"; on_stop = "heal"; restarts = "regen"; rollback = "propose"; };
        settings = {
          control.allow = [ "ops" ];
          safeswitch = { policy = "propose"; fence = 12; maintenance = [ "Sun 02:00-04:00" ]; };
          defaults = { probe.timeout = "2s"; start.timeout = "2m"; };
          notices.ops = {
            webhook = { url_file = "/run/secrets/url"; authorization_file = "/run/secrets/token"; };
            on = [ "incident.handover" ];
          };
          notices.night.mail = {
            server = "smtps://mail.example"; from = "regen@example.org"; to = [ "ops@example.org" ];
            user = "regen@example.org"; password_file = "/run/secrets/mail";
          };
        };
        """

    @Test("typed options say what the configuration's keys say") func typed() throws {
        let machine = Machine("systemd.services.\"worker@\".script = \"true\";", regen: Self.whole)
        #expect(try machine.assertions() == [])
        #expect(try machine.warnings() == [])
        let checked = try machine.checked()
        #expect(checked.code == 0, "\(checked.output)\(checked.error)")
    }

    @Test(
        "every configuration can be said in options, and nothing is lost or added",
        arguments: ["deploy-tool", "probes", "safeswitch", "units", "whole"])
    func canonical(example: String) throws {
        let folder = example == "whole" ? "Tests/NixTests/Nix" : "examples"
        let file = Nix.repository.appending(path: "\(folder)/\(example).yaml")
        let told = try run([Nix.regen.path, "check", "--canonical", file.path])
        #expect(told.code == 0, "\(told.error)")
        let place = try Folder()
        let canonical = try place.write("canonical.json", told.output)
        let machine = Machine(
            module: """
                { lib, ... }:
                let said = lib.importJSON \(canonical.path);
                in {
                  services.regen = {
                    enable = true;
                    services = said.services;
                    settings = { safeswitch = null; } // removeAttrs said [ "services" ];
                  };
                }
                """)
        let again = try machine.checked("--canonical")
        #expect(try again.json() == told.json(), "\(again.error)")
    }

    @Test("secrets are named to systemd, and a missing one keeps Regen from nothing") func secrets()
        throws
    {
        let machine = Machine(regen: Self.whole)
        let unit = UnitText(try #require(try machine.units()["regen.service"]))
        let loaded = try #require(unit["Service", "LoadCredential"])
        #expect(loaded.contains("notice-ops-url:/run/secrets/url"))
        #expect(loaded.contains("notice-ops-authorization:/run/secrets/token"))
        #expect(loaded.contains("notice-night-password:/run/secrets/mail"))
        #expect(try #require(unit["Service", "SetCredential"]).contains("notice-ops-url:"))
        let notices = try #require(try machine.settings()["notices"] as? [String: Any])
        func file(_ route: String, _ way: String, _ key: String) -> String? {
            ((notices[route] as? [String: Any])?[way] as? [String: Any])?[key] as? String
        }
        let credentials = "/run/credentials/regen.service"
        #expect(file("ops", "webhook", "url_file") == "\(credentials)/notice-ops-url")
        #expect(
            file("night", "mail", "password_file") == "\(credentials)/notice-night-password")
    }

    // MARK: - Units

    private static let newKeys = ["DelegateSubgroup", "RestartSteps", "RestartMaxDelaySec"]

    /// The units as systemd-analyze can look at them here: no program of theirs is in the store.
    private func verify(_ units: [String: String]) throws -> Outcome {
        let version = try run(["systemd-analyze", "--version"]).output.firstMatch(
            of: /systemd (\d+)/)
        let isOld = version.flatMap { Int($0.1) }.map { $0 < 254 } ?? true
        let folder = try Folder()
        for (name, text) in units {
            var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            if isOld { lines.removeAll { line in Self.newKeys.contains { line.hasPrefix($0) } } }
            let here = lines.joined(separator: "\n")
                .replacing(/\/nix\/store\/[a-z0-9]{32}-[^\/\s]+\/bin\/[\w-]+/, with: "/bin/true")
            try folder.write(name, here)
        }
        let paths = units.keys.sorted().map { folder.url.appending(path: $0).path }
        return try run(["systemd-analyze", "verify", "--man=no"] + paths)
    }

    @Test(
        "systemd has nothing to say against the units",
        arguments: [
            "", "services.web.command = [ \"/bin/web\" ];", whole,
            "upgrade.enable = true; upgrade.flake = \"github:you/machines\";", numbers,
        ])
    func verified(regen: String) throws {
        let units = try Machine(regen: regen).units()
        #expect(units.keys.contains("regen.service") && units.keys.contains("regen-renew.service"))
        let told = try verify(units)
        #expect(told.error == "")
        #expect(told.code == 0)
    }

    @Test(
        "the units are those of examples/systemd",
        arguments: [
            ("", "regen", ["regen-units-only.service"]),
            (
                "services.web.command = [ \"/bin/web\" ];", "regen",
                ["regen.service", "regen.service.d/delegate-subgroup.conf"]
            ),
            (numbers, "regen-metrics", ["regen-metrics.service"]),
        ])
    func examples(regen: String, name: String, files: [String]) throws {
        let unit = UnitText(try #require(try Machine(regen: regen).units()["\(name).service"]))
        // A switch of NixOS does not restart it at all.
        let own: Set = ["ExecStart", "ExecReload", "Environment", "X-StopIfChanged", "Description"]
        var compared = 0
        for file in files {
            let path = Nix.repository.appending(path: "examples/systemd/\(file)")
            let example = UnitText(try String(contentsOf: path, encoding: .utf8))
            for (section, settings) in example.settings {
                for (key, value) in settings where !own.contains(key) {
                    #expect(unit[section, key] == value, "\(section) \(key)")
                    compared += 1
                }
            }
        }
        #expect(compared > 15)
    }

    private static let numbers =
        "metrics.textfile = \"/var/lib/prometheus/node-exporter/regen.prom\";"

    @Test("numbers are written where somebody wants them") func metrics() throws {
        let text = try #require(try Machine(regen: Self.numbers).units()["regen-metrics.service"])
        let command = try #require(UnitText(text)["Service", "ExecStart"])
        #expect(
            command.hasSuffix(
                """
                /bin/regen metrics --textfile /var/lib/prometheus/node-exporter/regen.prom \
                --every 15s --runtime-directory /run/regen
                """))
        #expect(try Machine().units()["regen-metrics.service"] == nil)
    }

    @Test("no store path of the configuration is in its command, and a switch reloads it, only")
    func reload() throws {
        let before = UnitText(try #require(try Machine().units()["regen.service"]))
        let machine = Machine(regen: "settings.safeswitch.fence = 7;")
        let after = UnitText(try #require(try machine.units()["regen.service"]))
        #expect(before["Service", "ExecStart"]?.hasSuffix("--config /etc/regen/regen.json") == true)
        #expect(before["Unit", "X-Reload-Triggers"] != after["Unit", "X-Reload-Triggers"])
        #expect(before["Service", "X-RestartIfChanged"] == "false")
        #expect(before["Unit", "X-StopOnRemoval"] == "false")
        // What restarts it after a switch is another unit or version, not another configuration.
        #expect(before["Service", "Environment"] == after["Service", "Environment"])
        let other = UnitText(
            try #require(
                try Machine(regen: "services.web.command = [ \"/bin/web\" ];")
                    .units()["regen.service"]))
        #expect(before["Service", "Environment"] != other["Service", "Environment"])
    }

    /// Boot counting, on the machine and not in a container.
    private static let countedBoots = """
        boot.loader.systemd-boot = { enable = true; bootCounting.enable = true; };
        """

    /// What NixOS has had since 25.11, for older trees.
    private static let newSettings = """
        imports = import \(Nix.repository.path)/Tests/NixTests/Nix/manager.nix {
          inherit lib; tree = \(Nix.tree ?? "/");
        };
        """

    @Test("boot counting brings the gate along, which is that of examples/systemd") func gate()
        throws
    {
        let unit = try Machine(Self.countedBoots).units()["regen-boot-check.service"]
        let text = UnitText(try #require(unit))
        #expect(text["Unit", "Before"] == "boot-complete.target")
        #expect(text["Unit", "FailureAction"] == nil)
        #expect(text["Service", "SuccessExitStatus"]?.hasPrefix("2 126 127") == true)
        #expect(try verify(["regen-boot-check.service": try #require(unit)]).error == "")
        #expect(try Machine().units()["regen-boot-check.service"] == nil)
    }

    @Test(
        "a device that systemd does not feed, or only a test, is no conflict",
        arguments: [
            ("", "settings.watchdog.timeout = \"30s\";"),
            (
                "systemd.watchdog.runtimeTime = \"20s\";",
                "settings.watchdog.device = \"/dev/watchdog1\";"
            ),
            ("systemd.watchdog.runtimeTime = \"20s\";", "settings.watchdog.test = true;"),
            ("systemd.watchdog.runtimeTime = \"0\";", "settings.watchdog.timeout = \"30s\";"),
            ("systemd.watchdog.runtimeTime = \"20s\";", ""),
        ])
    func watchdog(more: String, regen: String) throws {
        #expect(try Machine(more, regen: regen).assertions() == [])
    }

    @Test("the hardened unit may open the watchdog, where one is wanted") func device() throws {
        let plain = UnitText(try #require(try Machine().units()["regen.service"]))
        let units = try Machine(regen: "settings.watchdog.timeout = \"30s\";").units()
        let watched = UnitText(try #require(units["regen.service"]))
        #expect(plain["Service", "ProtectClock"] == "true")
        #expect(watched["Service", "ProtectClock"] == "false")
        #expect(watched["Service", "ProtectSystem"] == "strict")
    }

    // MARK: - Scripts

    @Test("shellcheck has nothing to say against the scripts") func scripts() throws {
        let machine = Machine(regen: "upgrade.enable = true; upgrade.flags = [ \"--impure\" ];")
        let scripts = try machine.scripts()
        #expect(scripts.keys.sorted() == ["regen-renew", "regen-upgrade"])
        let folder = try Folder()
        for (name, script) in scripts.merging(
            try machine.preSwitchChecks(), uniquingKeysWith: { $1 })
        {
            let file = try folder.write(name, "#!/usr/bin/env bash\nset -eu\n\(script)")
            let told = try run(["shellcheck", file.path])
            #expect(told.code == 0, "\(name): \(told.output)")
        }
    }

    /// The check before a switch, with a `regen vet` that answers so.
    private func check(_ vet: String) throws -> Outcome {
        let folder = try Folder()
        let fake = try folder.write("regen", "#!/bin/sh\n\(vet)\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fake.path)
        let text = try #require(
            try Machine(regen: "refuseQuarantined = true;").preSwitchChecks()["regen"])
        let here = text.replacing(/\/nix\/store\/\S+\/bin\/regen/, with: fake.path)
            .replacing(/\/nix\/store\/\S+\/bin\/timeout/, with: "timeout")
        return try run(["bash", "-euc", here, "check", "/nix/store/system", "switch"])
    }

    @Test(
        "a quarantined system is refused with the reason and the override; without a word of Regen's the switch goes on, and says so"
    )
    func refusal() throws {
        let refused = try check("echo \"$2 is quarantined\"; exit 1")
        #expect(refused.code == 1)
        #expect(refused.error.contains("/nix/store/system is quarantined"))
        #expect(refused.error.contains("NIXOS_NO_CHECK=1"))
        let broken = try check("kill -SEGV $$")
        #expect(broken.code == 0)
        #expect(broken.error.contains("Regen cannot tell"))
        #expect(broken.error.contains("the switch goes on"))
        let fine = try check("exit 0")
        #expect(fine.code == 0 && fine.error == "")
    }

    @Test("upgrades refuse quarantined systems without being told to, and nobody else does")
    func defaults() throws {
        #expect(
            try Machine(regen: "upgrade.enable = true;").preSwitchChecks().keys.contains("regen"))
        #expect(try !Machine().preSwitchChecks().keys.contains("regen"))
    }

    // MARK: - What is wrong is found before it runs

    @Test(
        "a mistake fails the evaluation, and the message names the option",
        arguments: [
            ("services.nginx.probes = [ { htp = \"http://h/\"; } ];", "nginx.probes", "htp"),
            ("services.nginx.probes = [ { http.urll = \"http://h/\"; } ];", "nginx.probes", "urll"),
            (
                "services.nginx.probes = [ { tcp = 80; interval = \"2 s\"; } ];", "nginx.probes",
                "interval' is not of type"
            ),
            (
                "services.nginx.probes = [ { tcp = \"80\"; } ];", "nginx.probes",
                "tcp' is not of type"
            ),
            (
                "services.nginx.probes = [ { listening.port = \"80\"; } ];", "nginx.probes",
                "port' is not of type"
            ),
            (
                "services.nginx.probes = [ { memory.below = \"lots\"; } ];", "nginx.probes",
                "below' is not of type"
            ),
            (
                "services.nginx.restart = \"sometimes\";", "services.nginx.restart'",
                "is not of type"
            ),
            (
                "settings.safeswitch.policy = \"yes\";", "settings.safeswitch.policy'",
                "is not of type"
            ),
            (
                "settings.safeswitch.probation = 600;", "settings.safeswitch.probation'",
                "is not of type"
            ),
            ("metrics.textfile = \"/a b.prom\";", "metrics.textfile'", "is not of type"),
            ("protects = [ ];", "services.regen.protects'", "does not exist"),
        ])
    func mistakes(regen: String, option: String, complaint: String) throws {
        let error = #expect(throws: Nix.Complaint.self) {
            _ = try Machine(regen: regen).units()
        }
        let text = try #require(error).text
        #expect(text.contains("services.regen.") && text.contains(option), "\(text)")
        #expect(text.contains(complaint), "\(text)")
    }

    @Test(
        "what no type can tell fails the build, and the message names the key",
        arguments: [
            ("services.nginx.remedy = [ \"restart\" ];", "services.nginx"),
            ("settings.safeswitch.probatoin = \"5m\";", "safeswitch"),
            (
                "services.nginx.probes = [ { tcp = 80; unix = \"/s\"; } ];",
                "services.nginx.probes[0]"
            ),
            ("services.nginx.after = [ \"nobody\" ];", "services.nginx.after"),
            (
                "services.nginx.command = [ \"/a\" ]; services.nginx.unit = \"a.service\";",
                "services.nginx"
            ),
        ])
    func refused(regen: String, key: String) throws {
        let told = try Machine(regen: regen).checked()
        #expect(told.code == 2)
        #expect((told.output + told.error).contains(key), "\(told.output)\(told.error)")
    }

    @Test("the build checks the configuration, where it can execute the program") func build()
        throws
    {
        var machine = Machine()
        #expect(try machine.check().contains("/bin/regen check /nix/store/"))
        machine.builder = "aarch64-linux"
        #expect(try !machine.check().contains("regen check"))
    }

    @Test(
        "what cannot work is said with what to do",
        arguments: [
            ("system.switch.enable = false;", "", "system.switch.enable is false"),
            ("nix.enable = false;", "", "nix.enable is false"),
            (
                "systemd.watchdog.runtimeTime = \"20s\";",
                "settings.watchdog.timeout = \"30s\";", "systemd feeds /dev/watchdog0 itself"
            ),
            (
                // As NixOS says it since 25.11.
                "\(newSettings) systemd.settings.Manager.RuntimeWatchdogSec = \"20s\";",
                "settings.watchdog.timeout = \"30s\";", "systemd feeds /dev/watchdog0 itself"
            ),
            (
                """
                \(newSettings)
                systemd.settings.Manager = { RuntimeWatchdogSec = 20; WatchdogDevice = "/dev/watchdog1"; };
                """, "settings.watchdog.device = [ \"/dev/watchdog0\" \"/dev/watchdog1\" ];",
                "systemd feeds /dev/watchdog1 itself"
            ),
            (
                "services.watchdogd.enable = true;",
                "settings.watchdog.timeout = \"30s\";", "services.watchdogd.enable is set"
            ),
            (
                countedBoots, "bootGate.enable = false;",
                "services.regen.bootGate.enable: boot.loader.systemd-boot.bootCounting"
            ),
            (
                countedBoots, "bootGate.reboot = true;",
                "bootCounting = { enable = true; tries = 1; }"
            ),
            (
                "system.autoUpgrade.enable = true;",
                "upgrade.enable = true;", "Remove system.autoUpgrade.enable"
            ),
            (
                "", "upgrade.enable = true; settings.safeswitch = null;",
                "a trial needs services.regen.settings.safeswitch"
            ),
            (
                "", "services.typo.checkUnit = true;",
                "services.regen.services.typo: this configuration has no unit typo.service"
            ),
            (
                "", "settings.notices.ops.webhook.url_file = \"${./module.nix}\";",
                "a secret in the\nNix store can be read by everybody"
            ),
            (
                "",
                """
                settings.notices.ops.mail = { server = "smtps://h"; from = "a@h"; to = [ "b@h" ];
                  password_file = "${./module.nix}"; };
                """, "a secret in the\nNix store can be read by everybody"
            ),
            (
                "",
                """
                settings.notices.ops.mail = { server = "smtps://h"; from = "a@h"; to = [ "b@h" ];
                  user = "a"; password = "hunter2"; };
                """,
                "services.regen.settings.notices.ops.mail.password: a secret in the configuration"
            ),
        ])
    func assertions(more: String, regen: String, complaint: String) throws {
        let told = try Machine(more, regen: regen).assertions()
        #expect(told.contains { $0.contains(complaint) }, "\(told)")
        #expect(!told.joined().contains("hunter2"))
    }

    @Test("nothing to look after is said with how to begin") func nothing() throws {
        let told = try Machine(module: "{ services.regen.enable = true; }").assertions()
        #expect(told.count == 1)
        #expect(told.first?.contains("services.regen.protect = [ \"nginx\" ]") == true)
    }

    @Test("to heal services alone, nothing of NixOS has to be switched on") func withoutSwitch()
        throws
    {
        let machine = Machine(
            "system.switch.enable = false; nix.enable = false;",
            regen: "settings.safeswitch = null;")
        #expect(try machine.assertions() == [])
        #expect(try machine.settings()["safeswitch"] == nil)
    }

    @Test("a unit that this configuration does not have is a warning") func strangers() throws {
        let told = try Machine(regen: "services.packaged = { };").warnings()
        #expect(told.count == 1)
        #expect(told.first?.contains("no unit packaged.service") == true)
    }
}
