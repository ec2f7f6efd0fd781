# What the machines of all tests have: nginx, looked after, in a system that can be switched.
{ lib, pkgs, ... }:
{
  virtualisation.memorySize = 2048;
  # A machine that is started without a boot loader has none to install, and a switch needs no other.
  boot.loader.grub.enable = false;
  system.switch.enable = true;
  environment.systemPackages = [ pkgs.jq ];

  services.nginx = {
    enable = true;
    virtualHosts.localhost.locations."/".return = lib.mkDefault "200 'well'";
  };
  services.regen = {
    enable = true;
    services.nginx.probes = [
      {
        http = {
          url = "http://127.0.0.1/";
          contains = "well";
        };
      }
    ];
    settings.safeswitch.probation = "20s";
    settings.defaults.start.timeout = "15s";
  };
}
