{
  name = "regen-killed";

  nodes.machine.services.regen.metrics.textfile = "/var/lib/node-exporter/regen.prom";

  testScript = ''
    machine.wait_for_unit("regen.service")
    machine.wait_until_succeeds("regen status")

    with subtest("the configuration is the one that was built"):
        machine.succeed("regen check /etc/regen/regen.json")
        # Of a machine without a profile the doctor has more to say than this.
        machine.execute("regen doctor --json > /tmp/doctor")
        machine.succeed("jq --exit-status 'any(.check == \"configuration\" and .verdict == \"ok\")' /tmp/doctor")

    with subtest("members of the group look without being root"):
        machine.succeed("useradd --groups regen watcher")
        machine.succeed("runuser -u watcher -- regen status")

    with subtest("who meets strangers is nobody else"):
        machine.wait_until_succeeds("pgrep --uid regen-probe regen-net")

    with subtest("Prometheus gets numbers"):
        machine.wait_until_succeeds("grep '^regen_service_running.*nginx.* 1$' /var/lib/node-exporter/regen.prom")

    with subtest("a killed service is back"):
        before = machine.succeed("systemctl show --property=MainPID --value nginx").strip()
        machine.succeed(f"kill -KILL {before}")
        machine.wait_until_succeeds(
            f"pid=$(systemctl show --property=MainPID --value nginx); test $pid != 0; test $pid != {before}"
        )
        machine.wait_until_succeeds("regen status && curl --silent --fail http://127.0.0.1/")

    with subtest("a hang is found by the probe"):
        before = machine.succeed("systemctl show --property=MainPID --value nginx").strip()
        machine.succeed("pkill -STOP nginx")
        machine.wait_until_succeeds("curl --silent --fail --max-time 1 http://127.0.0.1/", timeout=60)
        assert before != machine.succeed("systemctl show --property=MainPID --value nginx").strip()

    with subtest("it is all on record"):
        machine.wait_until_succeeds("regen status")
        machine.succeed("regen ledger show --number 200 | grep 'incident.resolve'")
        machine.succeed("regen ledger verify")

    with subtest("kill -9 of Regen itself touches no service"):
        before = machine.succeed("systemctl show --property=MainPID --value nginx").strip()
        machine.succeed("systemctl kill --kill-whom=main --signal=KILL regen")
        machine.wait_until_succeeds("regen status")
        assert before == machine.succeed("systemctl show --property=MainPID --value nginx").strip()
  '';
}
