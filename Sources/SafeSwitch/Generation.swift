/// One numbered entry of the system profile: `system-42-link`.
public struct Generation: Equatable, Sendable {
    /// Its number. Numbers only grow; several may lead to one path.
    public var number: Int
    /// The system it leads to, as the link says: `/nix/store/…-nixos-system-…`.
    public var path: String
    /// When the link was made: seconds since 1970.
    public var date: Int64

    /// A generation.
    public init(number: Int, path: String, date: Int64) {
        self.number = number
        self.path = path
        self.date = date
    }
}
