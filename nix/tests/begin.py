# A machine with nginx, whose system is the profile's only generation.
profile = "/nix/var/nix/profiles/system"

machine.start()
machine.wait_for_unit("regen.service")
good = machine.succeed("readlink -f /run/current-system").strip()
machine.succeed(f"nix-env --profile {profile} --set {good}")
machine.wait_until_succeeds("regen status")
