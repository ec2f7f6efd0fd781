extension Landscape {
    /// The generation that was to boot, where another system has booted: the boot loader or the
    /// firmware fell back, or somebody chose from the menu. `nil`: what was to boot has booted, or
    /// nobody can tell. `bootBegan`: seconds since 1970.
    ///
    /// A default that is younger than this boot was not to boot yet.
    public func missedBoot(bootBegan: Int64) -> Generation? {
        guard let booted,
            let chosen = generations.first(where: { $0.number == defaultGeneration }),
            chosen.date <= bootBegan,
            !generations(of: booted).contains(where: { $0.path == chosen.path })
        else { return nil }
        return chosen
    }
}
