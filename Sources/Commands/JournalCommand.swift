/// The command that shows what a unit wrote, from a place in the journal on. Its first bytes are what
/// a diagnosis has the digest of.
func journalCommand(unit: String, cursor: String) -> String {
    "journalctl --output=cat --cursor='\(cursor.printable)' '_SYSTEMD_UNIT=\(unit.printable)'"
}
