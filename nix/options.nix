# The options of services.regen, for docs/: `{ json, markdown }`, made by nixpkgs' own `lib` alone.
{ lib }:
let
  inherit
    (lib.evalModules {
      modules = [
        ./module.nix
        { _module.check = false; }
      ];
      specialArgs.pkgs = throw "the options' documentation looks at packages";
    })
    options
    ;

  value =
    rendered:
    lib.removeSuffix "\n" (if rendered ? text then rendered.text else lib.generators.toPretty { } rendered);
  plain =
    text:
    lib.removeSuffix "\n" (
      builtins.replaceStrings [ "{option}`" "{command}`" "{manpage}`" ] [ "`" "`" "`" ] text
    );

  # A key that need not be there is null; saying so of each would only be noise.
  typeOf =
    option:
    let
      type = lib.removePrefix "null or " option.type;
      inner = builtins.match "\\((.*)\\)" type;
      bare = lib.replaceStrings [ "open submodule of " ] [ "" ] (if inner == null then type else lib.head inner);
    in
    if bare == "submodule" || lib.hasPrefix "set with the keys" bare then "the keys below" else bare;
  entries = map (
    option:
    {
      inherit (option) name;
      type = typeOf option;
      description = plain (option.description.text or option.description);
    }
    // lib.optionalAttrs (option ? default && value option.default != "null") {
      default = value option.default;
    }
    // lib.optionalAttrs (option ? example) { example = value option.example; }
  ) (lib.filter (option: option.visible && !option.internal) (lib.optionAttrSetToDocList options.services.regen));

  # A value on one line stands in the text, a longer one below it.
  shown =
    word: text:
    if lib.hasInfix "\n" text then
      "\n${word}:\n\n```nix\n${text}\n```\n"
    else
      "\n${word}: ${if lib.hasInfix "`" text then text else "`${text}`"}\n";

  section = option: ''
    ### `${option.name}`

    ${option.description}

    Type: ${option.type}
    ${lib.optionalString (option ? default) (shown "Default" option.default)}${
      lib.optionalString (option ? example) (shown "Example" option.example)
    }'';
in
{
  json = entries;
  markdown = ''
    # The options of `services.regen`

    Made from the module; a test holds it to that. How to use them: [nixos.md](nixos.md). What each key of the
    configuration means in full: [configuration.md](configuration.md).

    ${lib.concatMapStringsSep "\n" section entries}'';
}
