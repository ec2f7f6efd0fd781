# A virtual machine to try it in: nginx, looked after. Log in as root; no password.
{ lib, modulesPath, ... }:
{
  imports = [ (modulesPath + "/virtualisation/qemu-vm.nix") ];

  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  networking.hostName = "demo";
  system.stateVersion = "26.11";
  users.users.root.initialHashedPassword = "";
  services.getty.autologinUser = "root";
  virtualisation.graphics = false;

  services.nginx = {
    enable = true;
    virtualHosts.localhost.locations."/".return = "200 'hello'";
  };
  services.regen = {
    enable = true;
    protect = [ "nginx" ];
  };

  users.motd = ''

    pkill -STOP nginx          # a hang, which systemd does not see; a few seconds later:
    regen status
    journalctl -t regen
    regen ledger show
  '';
}
