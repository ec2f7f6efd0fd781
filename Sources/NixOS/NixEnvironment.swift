import Linux

/// nix-env, for a machine on which setting the profile's link ourselves does not work.
struct NixEnvironment {
    /// So long it may take, in nanoseconds: it waits for ever where somebody holds the lock.
    static let patience: Int64 = 30_000_000_000

    private let root: SystemRoot

    init(root: SystemRoot) { self.root = root }

    /// Makes the system profile lead to this generation. Without the store, so that a database that is
    /// locked or broken is no obstacle.
    func switchSystem(to generation: Int, because reason: String) throws(DeedFailure) {
        let profile = root.directory + Deeds.profiles + "/system"
        let ingredients = SpawnPlan.Ingredients(
            command: [
                "nix-env", "--store", "dummy://", "--profile", profile, "--switch-generation",
                String(generation),
            ],
            environment: [ActivationCommand.path, "HOME=/var/empty"])
        let words: String
        do throws(SystemError) {
            let outcome = try BoundedCommand.run(
                ingredients, nanoseconds: Self.patience, keeping: .last(Deeds.mostSaid))
            if outcome.status == .exited(0) { return }
            words = outcome.words
        } catch {
            words = "\(error)"
        }
        throw DeedFailure("\(reason); and nix-env: \(words)", isTransient: true)
    }
}
