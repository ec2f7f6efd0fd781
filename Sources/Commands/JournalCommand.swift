/// The command that shows what a unit wrote, from a place in the journal to the end of that run. Its
/// first bytes are what a diagnosis has the digest of.
func journalCommand(invocation: String, cursor: String) -> String {
    "journalctl --output=cat --cursor='\(cursor.printable)' "
        + "_SYSTEMD_INVOCATION_ID=\(invocation.printable)"
}
