import JSON
import SafeSwitch

extension Landscape {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.list("generations", generations) { $1.write(into: &$0) }
        json.list("systems", systems) { $1.write(into: &$0) }
        json.integer("default", ifAny: defaultGeneration)
        json.string("current", ifAny: current)
        json.string("booted", ifAny: booted)
        json.string("known_good", ifAny: knownGoodProfile)
        json.integer("switch_holder", ifAny: switchHolder)
        json.integer("profile_holder", ifAny: profileHolder)
        json.integer("boot_space", ifAny: bootSpace)
        json.endObject()
    }

    init(_ json: JSONValue?) throws(WireReader.Malformed) {
        let reader = try WireReader(
            json,
            [
                "generations", "systems", "default", "current", "booted", "known_good",
                "switch_holder", "profile_holder", "boot_space",
            ])
        self.init()
        generations = try reader.list("generations", Generation.init(wire:))
        systems = try reader.list("systems", NixSystem.init(wire:))
        defaultGeneration = try reader.integer("default")
        current = try reader.text("current")
        booted = try reader.text("booted")
        knownGoodProfile = try reader.text("known_good")
        switchHolder = try reader.integer("switch_holder")
        profileHolder = try reader.integer("profile_holder")
        bootSpace = try reader.integer("boot_space")
    }
}

extension Generation {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("number", Int64(number))
        json.string("path", path)
        json.integer("date", date)
        json.endObject()
    }

    fileprivate init(wire json: JSONValue) throws(WireReader.Malformed) {
        let reader = try WireReader(json, ["number", "path", "date"])
        self.init(
            number: try reader.needInteger("number"), path: try reader.needText("path"),
            date: try reader.needInteger("date"))
    }
}

extension NixSystem {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.string("version", ifAny: version)
        json.string("kernel_version", ifAny: kernelVersion)
        json.string("revision", ifAny: revision)
        json.string("kernel", ifAny: kernel.kernel)
        json.string("initrd", ifAny: kernel.initrd)
        json.string("modules", ifAny: kernel.modules)
        json.string("systemd", ifAny: systemd)
        json.string("init_interface", ifAny: initInterface)
        json.list("inhibitors", inhibitors) { json, inhibitor in
            json.pair("key", inhibitor.key, "value", inhibitor.value)
        }
        json.texts("defects", defects.map(\.rawValue))
        json.list("specialisations", specialisations) { json, specialisation in
            json.pair("name", specialisation.name, "path", specialisation.path)
        }
        json.endObject()
    }

    fileprivate init(wire json: JSONValue) throws(WireReader.Malformed) {
        let reader = try WireReader(
            json,
            [
                "path", "version", "kernel_version", "revision", "kernel", "initrd", "modules",
                "systemd", "init_interface", "inhibitors", "defects", "specialisations",
            ])
        self.init(path: try reader.needText("path"))
        version = try reader.text("version")
        kernelVersion = try reader.text("kernel_version")
        revision = try reader.text("revision")
        kernel = KernelTriple(
            kernel: try reader.text("kernel"), initrd: try reader.text("initrd"),
            modules: try reader.text("modules"))
        systemd = try reader.text("systemd")
        initInterface = try reader.text("init_interface")
        inhibitors = try reader.list("inhibitors") { (json) throws(WireReader.Malformed) in
            let pair = try WireReader(json, ["key", "value"])
            return Inhibitor(key: try pair.needText("key"), value: try pair.needText("value"))
        }
        defects = try reader.list("defects") { (json) throws(WireReader.Malformed) in
            try WireReader.word(json)
        }
        specialisations = try reader.list("specialisations") {
            (json) throws(WireReader.Malformed) in
            let pair = try WireReader(json, ["name", "path"])
            return Specialisation(name: try pair.needText("name"), path: try pair.needText("path"))
        }
    }
}

extension JSONWriter {
    fileprivate mutating func pair(
        _ key: StaticString, _ value: String, _ otherKey: StaticString, _ other: String
    ) {
        beginObject()
        string(key, value)
        string(otherKey, other)
        endObject()
    }
}
