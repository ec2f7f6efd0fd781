# services.regen.protect = [ "nginx" ]: probes that fit what NixOS' own modules set up. A probe that has never passed
# causes nothing, so one that does not fit is reported and does no harm. What is not here is watched for crashes alone.
{ lib, config }:
let
  inherit (config) services;
  # Any answer at all: what serves a redirect or asks for a password does not hang.
  answers = port: path: {
    http = {
      url = "http://127.0.0.1:${toString port}${path}";
      status = "100-499";
    };
  };
  healthy = port: path: { http = "http://127.0.0.1:${toString port}${path}"; };
  # The first of these attributes that is set: options move between releases, and some are not set by default.
  first =
    fallback: paths:
    let
      value = path: builtins.tryEval (lib.attrByPath path null services);
      found = map (path: (value path).value) (
        lib.filter (path: (value path).success && (value path).value != null) paths
      );
    in
    if found == [ ] then fallback else lib.head found;
in
{
  caddy = [ (answers (first 80 [ [ "caddy" "httpPort" ] ]) "/") ];
  forgejo = [ (healthy (first 3000 [ [ "forgejo" "settings" "server" "HTTP_PORT" ] ]) "/api/healthz") ];
  gitea = [ (healthy (first 3000 [ [ "gitea" "settings" "server" "HTTP_PORT" ] ]) "/api/healthz") ];
  grafana = [ (healthy (first 3000 [ [ "grafana" "settings" "server" "http_port" ] ]) "/api/health") ];
  home-assistant = [ (answers (first 8123 [ [ "home-assistant" "config" "http" "server_port" ] ]) "/") ];
  httpd = [ (answers 80 "/") ];
  mysql = [ { unix = "/run/mysqld/mysqld.sock"; } ];
  nginx = [ (answers (first 80 [ [ "nginx" "defaultHTTPListenPort" ] ]) "/") ];
  postgresql = [
    {
      unix = "/run/postgresql/.s.PGSQL.${
        toString (first 5432 [ [ "postgresql" "settings" "port" ] [ "postgresql" "port" ] ])
      }";
    }
  ];
  prometheus = [ (healthy (first 9090 [ [ "prometheus" "port" ] ]) "/-/healthy") ];
  sshd = [ { tcp = lib.head (first [ 22 ] [ [ "openssh" "ports" ] ]); } ];
}
