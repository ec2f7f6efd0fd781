extension Section {
    /// The authorities to believe, where they are asked at all.
    func authorities(verify: Bool, _ findings: inout Findings) -> String? {
        if let place = place("authorities"), !verify {
            findings.error(
                place, Complaint("with 'verify: false' nobody is asked", "leave one of them out"))
        }
        return read("authorities", &findings, absolutePath)
    }
}
