# The configuration's values as types of options: what docs/configuration.md tells, so that most mistakes are found while
# evaluating. What is not typed here is a plain JSON value, and `regen check` has the last word while building.
{ lib }:
let
  inherit (lib) mkOption types;
  inherit (types)
    attrsOf
    bool
    coercedTo
    either
    enum
    ints
    listOf
    nullOr
    oneOf
    str
    strMatching
    submodule
    ;

  # What Nix says where a value does not fit: `… is not of type DESCRIPTION`.
  named =
    description: type:
    type
    // {
      inherit description;
      descriptionClass = "noun";
    };

  json =
    named "JSON value" (
      nullOr (oneOf [
        bool
        types.int
        types.float
        str
        (listOf json)
        (attrsOf json)
      ])
    );

  duration = named "duration, such as 250ms, 2s, 10m, 6h or 1d" (strMatching "[0-9]+(ms|s|m|h|d)");
  size = either ints.unsigned (named "size, such as 512MiB" (strMatching "[0-9]+(KiB|MiB|GiB)?"));
  share = named "share, such as 80%" (strMatching "[0-9]+%");
  # A string, not a Nix path: that would be copied into the store.
  path = named "absolute path, as a string" (strMatching "/.*");
  port = named "port, a number such as 80" types.port;
  address = named "host and port, such as 127.0.0.1:80" (strMatching ".+:[0-9]+");
  url = named "http:// or https:// URL" (strMatching "https?://.+");
  mailServer = named "smtps:// or smtp:// URL" (strMatching "smtps?://.+");
  signal = either ints.positive (named "signal, such as SIGTERM" (strMatching "SIG[A-Z0-9+]+"));
  account = named "user or group, by name or number" (either ints.unsigned str);
  # A text for /bin/sh -c, or several, one after the other.
  texts = either str (listOf str);

  # A key that need not be there.
  key =
    type: description:
    mkOption {
      type = nullOr type;
      default = null;
      inherit description;
    };
  needed = type: description: mkOption { inherit type description; };

  mapping =
    options:
    types.submoduleWith {
      modules = [ { inherit options; } ];
      shorthandOnlyDefinesConfig = true;
      description = "set with the keys ${lib.concatStringsSep ", " (lib.attrNames options)}";
    };
  # The short form of a mapping: its most important key alone.
  short =
    type: name: options:
    coercedTo type (value: { ${name} = value; }) (mapping options);

  pace = {
    interval = key duration "From the beginning of one look to the beginning of the next. Without: 2s.";
    timeout = key duration "A look without an answer for so long has failed. Without: 1s.";
    strikes = key ints.positive "So many failed looks in a row, and the service is unhealthy. Without: 3.";
    confirm_interval = key duration "After a strike, from the end of that look to the next. Without: 250ms.";
  };

  # Without a freeform type: a kind that does not exist is an error that names the option.
  probe = mapping (
    pace
    // {
      http = key (short url "url" {
        url = needed url "What is asked for.";
        socket = key path "The Unix socket to connect to instead of the URL's host.";
        method = key str "Without: GET.";
        headers = key (attrsOf str) "Headers of the request. They are in the store, readable by everybody.";
        status = key (oneOf [
          (ints.between 100 999)
          str
          (listOf (either (ints.between 100 999) str))
        ]) "Good status codes. Without: 200-299.";
        contains = key str "The body must have this text.";
        matches = key str "The body must match this POSIX extended regular expression.";
        within = key duration "The whole answer must be there within so long.";
        verify = key bool "Whether the server's certificate must be good. Without: true.";
        authorities = key path "A file of certificates of the authorities to believe.";
        redirects = key (ints.between 0 10) "How many redirects are followed. Without: 0.";
      }) "Asks an HTTP server. Short: the URL.";
      tls = key (short address "server" {
        server = key address "A TLS server shows the certificate.";
        file = key path "It is in this file, in PEM.";
        days = key ints.unsigned "It must be good for so many more days. Without: 14.";
        names = key (listOf str) "Names that it must be good for.";
      }) "Looks at a certificate. Short: the server.";
      tcp = key (oneOf [
        port
        address
        (mapping {
          host = key str "Without: 127.0.0.1.";
          port = needed port "The port.";
        })
      ]) "Somebody takes a connection. Short: the port, or host and port.";
      unix = key (short path "path" {
        path = needed path "The socket.";
      }) "Somebody takes a connection at a Unix socket. Short: its path.";
      listening = key (short port "port" {
        port = needed port "The port.";
      }) "This very service listens, and nobody else. Short: the port.";
      command = key (oneOf [
        str
        (listOf str)
        (mapping {
          command = needed (either str (listOf str)) "The program and its arguments, or a text for /bin/sh -c.";
          exit = key ints.u8 "The exit code of a healthy service. Without: 0.";
          contains = key str "Its output must have this text.";
        })
      ]) "Runs a command as the service's user. Short: the command.";
      memory = key (mapping {
        below = needed (either share size) "A share of the control group's limit, or a size.";
        of = key (enum [
          "auto"
          "cgroup"
          "tree"
        ]) "What is counted.";
      }) "Bounds the service's memory.";
      cpu = key (mapping {
        below = key share "Of one core. Without: 95%.";
        for = key duration "Only what goes on for so long is a failure. Without: 30s.";
      }) "Bounds the processor time that the service uses.";
      progress = key (mapping {
        file = key path "The time of its last modification moves.";
        number = key path "The first number in this file moves.";
        command = key (either str (listOf str)) "The first number in its output moves.";
        within = key duration "Within so long. Without: 30s.";
      }) "Something moves while the service works.";
      file = key (short path "path" {
        path = needed path "It must be there.";
        fresh = key duration "Modified within so long.";
        owner = key account "Its owner.";
        mode = key (strMatching "[0-7]{1,5}") "Its mode bits, in octal digits.";
      }) "A file is as it should be. Short: its path.";
      notify = key (either (enum [ "on" ]) (mapping {
        watchdog = key duration "WATCHDOG=1 must come within so long, each time.";
      })) "The service says itself how it is, by sd_notify. Not for units.";
    }
  );

  # What `defaults` and a service share.
  policy = {
    restart = key (enum [
      "always"
      "on-failure"
      "never"
    ]) "Which exits lead to a restart.";
    rollback = key (enum [
      "auto"
      "always"
      "propose"
      "never"
    ]) "What SafeSwitch may do for its sake. Without: auto.";
    backoff = key (mapping {
      quick = key duration "A run of at least this length is restarted at once.";
      first = key duration "The wait after the first shorter run.";
      most = key duration "The longest wait.";
      clear = key duration "So long a run clears the doubling.";
    }) "How long to wait before a restart.";
    crash_loop = key (either (enum [ "off" ]) (mapping {
      crashes = key ints.positive "Without: 5.";
      within = key duration "Without: 60s.";
    })) "So many crashes within so long a time are a crash loop.";
    start = key (mapping {
      timeout = key duration "Within so long a start must be confirmed by probes. Without: 90s.";
      retries = key ints.positive "So many failed starts in a row are told to a human. Without: 5.";
    }) "What counts as a failed start.";
    stop = key (mapping {
      signal = key signal "Without: SIGTERM.";
      grace = key duration "From the first signal to SIGKILL. Without: 10s.";
      hung = key duration "The same for a service that is known to hang. Without: 2s.";
    }) "How a process of Regen's own is ended. A unit is ended as its own settings say.";
    escalation = key (mapping {
      attempts = key ints.positive "Without: 3.";
    }) "So many restarts in a row that did not help are a matter for a human.";
    log = key (either (enum [
      "inherit"
      "none"
    ]) (mapping {
      path = key path "Without: a file of its name in the state directory. Not in `defaults`.";
      size = key size "The file's largest size. Without: 16MiB.";
    })) "Where the output of a process of Regen's own goes: where Regen's goes, nowhere, or into a file. A unit has the journal.";
    on_exit = key (enum [
      "auto"
      "stop"
      "leave"
    ]) "What becomes of a process of Regen's own when the daemon ends. Units stay as they are.";
  };

  service =
    { name, config, ... }:
    {
      freeformType = attrsOf json;
      options = policy // {
        unit = mkOption {
          type = nullOr str;
          default = if config.command == null && config.run == null then "${name}.service" else null;
          defaultText = lib.literalMD "`\"‹name›.service\"`, or `null` where `command` or `run` is set";
          description = "The unit of systemd to look after. For all instances of a template: `worker@*.service`.";
        };
        checkUnit = mkOption {
          type = bool;
          default = false;
          description = ''
            Whether a unit that is not in {option}`systemd.services` is an error. Otherwise it is a warning: units that
            come with packages are not there.
          '';
        };
        command = key (listOf str) "A program that Regen itself starts, in place of `unit`, and its arguments.";
        run = key (mapping {
          preflight = key texts "Before a start. When one fails, the start does not happen.";
          start = needed texts "The start. Each but the last must return; the last may stay.";
          postflight = key texts "After the start.";
          timeout = key duration "How long each may take that has to return. Without: 5m.";
        }) "A deploy tool's start commands, in place of `unit`.";
        healthcheck = key (mapping (
          pace
          // {
            cmd = needed str "A text for /bin/sh -c.";
            test = key str "Its output must have this text.";
            timeout = key duration "A look without an answer for so long has failed. Without: 10s.";
          }
        )) "A deploy tool's health check, beside `run` or `command`.";
        probes = mkOption {
          type = listOf probe;
          default = [ ];
          example = lib.literalExpression ''[ { http = "http://127.0.0.1/health"; } { memory.below = "512MiB"; } ]'';
          description = "What tells whether it is healthy. Without any, a service that runs is healthy.";
        };
        critical = key bool "Critical services are handled before the others.";
        after = key (listOf str) "Names of services here that must be healthy first.";
        user = key account "Who runs `command`. A unit has its own `User=`, and settings for all that follows.";
        group = key account "Without: the user's own.";
        groups = key (listOf account) "Supplementary groups. Without: the user's own.";
        directory = key path "The working directory. Without: `/`.";
        environment = key (attrsOf str) "Variables. They are in the store, readable by everybody.";
        umask = key (named "octal digits up to 777" (strMatching "0?[0-7]{1,3}")) "The mode bits that new files do not get.";
        limits = key (attrsOf (either ints.unsigned str)) "Resource limits, as in {manpage}`setrlimit(2)`: `nofile`, `core`, ….";
        oom_score_adjust = key (ints.between (-1000) 1000) "How readily the kernel kills it when memory runs out.";
        nice = key (ints.between (-20) 19) "Its nice value.";
        instances = key (ints.between 1 1000) "How many processes of it run. Without: 1.";
        autostart = key bool "Whether it is started with Regen. Without: true.";
        restarts = key (enum [
          "systemd"
          "regen"
        ]) "Who starts the unit again when it fails. Without: whom its own `Restart=` says.";
        on_stop = key (enum [
          "respect"
          "heal"
        ]) "What follows a stop of the unit that Regen did not ask for. Without: respect.";
        remedies = key (listOf (either (enum [
          "restart"
          "port_conflict"
        ]) (attrsOf json))) "What is tried when it is not healthy, in that order. Without: a restart.";
        blame_paths = key (listOf path) "What it depends on besides its unit and command, for SafeSwitch.";
      };
    };

  route = {
    webhook = key (submodule {
      freeformType = attrsOf json;
      options = {
        url = key url "The URL, where it is no secret: this one is in the store, readable by everybody.";
        url_file = key path "A file with the URL. It reaches Regen by `LoadCredential=`, and never the store.";
        authorization_file = key path "A file with the header `Authorization`, likewise.";
        headers = key (attrsOf str) "More headers, none a secret.";
        verify = key bool "Whether the server's certificate must be good. Without: true.";
        authorities = key path "A file of certificates of the authorities to believe, readable by `regen-notify`.";
        timeout = key duration "An attempt without an answer for so long has failed. Without: 10s.";
      };
    }) "Where notices are posted to: this, or `mail`.";
    mail = key (submodule {
      freeformType = attrsOf json;
      options = {
        server = needed mailServer "`smtps://` is TLS from the first byte, `smtp://` is STARTTLS.";
        starttls = key (enum [
          "required"
          "off"
        ]) "Only for `smtp://`: nothing is said unencrypted, or all is. Without: required.";
        from = needed str "Who it is from: a plain address.";
        to = needed (listOf str) "Who gets it: plain addresses.";
        user = key str "Who logs in, with `password_file`.";
        password_file = key path "A file with the password. It reaches Regen by `LoadCredential=`, and never the store.";
        verify = key bool "Whether the server's certificate must be good. Without: true.";
        authorities = key path "A file of certificates of the authorities to believe, readable by `regen-notify`.";
        timeout = key duration "An attempt that is not over for so long has failed. Without: 30s.";
      };
    }) "Who takes notices as mail, and for whom.";
    on = key (either (enum [ "all" ]) (listOf str)) "What is told, in the ledger's words.";
  };

  safeSwitch = {
    policy = key (enum [
      "automatic"
      "propose"
      "off"
    ]) "It goes back by itself; it says what it would do; it keeps out. Without: automatic.";
    probation = key duration "So long after a change of generation failures are weighed against it. Without: 10m.";
    limit = key duration "Within so long there is at most one automatic rollback. Without: 6h.";
    overdue = key duration "A switch that takes longer is told to a human. Without: 15m.";
    fence = key ints.unsigned "Never go back to a generation with a lower number.";
    allow_reboot = key bool "Whether the machine may be rebooted for a rollback. Without: false.";
    maintenance = key (listOf str) "When nothing is switched by itself, in UTC: `Sun 02:00-04:00`.";
    on_exhausted = key (enum [
      "stay"
      "reboot-into-known-good"
    ]) "What follows when no rollback is left to try. Without: stay.";
    reboot_command = key (listOf str) "What reboots the machine. Without: systemctl reboot.";
  };

  settings = {
    freeformType = attrsOf json;
    options = {
      state_directory = mkOption {
        type = path;
        default = "/var/lib/regen";
        description = "Where the ledger and the logs live.";
      };
      runtime_directory = mkOption {
        type = path;
        default = "/run/regen";
        description = "Where the control socket lives.";
      };
      cgroup = key (either (enum [
        "auto"
        "off"
      ]) path) "A control group for each process of Regen's own: where it was delegated, never, or below this one.";
      inherit (policy) on_exit;
      control = key (mapping {
        allow = key (listOf account) "Who may act through the control socket besides root.";
      }) "The control socket. Members of the group `regen` may look in any case.";
      safeswitch = mkOption {
        type = nullOr (submodule {
          freeformType = attrsOf json;
          options = safeSwitch;
        });
        default = { };
        description = ''
          What Regen may do when a new generation is what breaks services. On by default; `policy = "propose"` leaves
          each deed to a human, and `null` switches it off.
        '';
      };
      watchdog = key (mapping {
        device = key (either path (listOf path)) "The device, or several. Without: `/dev/watchdog0`, or else `/dev/watchdog`.";
        timeout = key duration "Not fed for so long, the device resets the machine. Without: 30s.";
        ledger_stall = key duration "A record that has waited for the disk for longer is a reason not to feed it. Without: 5m.";
        pretimeout = key duration "So long before the reset the driver warns, where it can.";
        test = key bool "Whether all is done but opening the device. Without: false.";
      }) "The hardware watchdog, which resets a machine that hangs. Without: not used.";
      notices = key (attrsOf (mapping route)) "How people are told: routes by name.";
      defaults = key (submodule {
        freeformType = attrsOf json;
        options = policy // {
          probe = key (mapping pace) "What all probes start from.";
        };
      }) "What all services start from.";
    };
  };
  # Whether SafeSwitch may do anything under these settings.
  isSwitching = said: said.safeswitch != null && said.safeswitch.policy or null != "off";
in
{
  inherit
    duration
    isSwitching
    named
    service
    settings
    ;
}
