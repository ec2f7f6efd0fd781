public import SafeSwitch

/// Looks at the machine's generations. Changes nothing and takes no lock.
public struct Surveyor {
    let root: SystemRoot

    /// One that looks below this root.
    public init(root: SystemRoot) {
        self.root = root
    }

    /// What there is now.
    public func landscape() -> Landscape { Landscape() }

    /// How a service compares between two systems.
    public func compare(_ question: Question) -> Comparison { Comparison() }
}
