import COpenSSL

/// One X.509 certificate, as far as a probe asks of it.
final class Certificate {
    /// The longest PEM file that is read, in bytes.
    static let mostBytes = 1 << 20

    private let x509: OpaquePointer

    /// The first certificate in a PEM text; `nil` when there is none that can be read.
    init?(pem: [UInt8]) {
        let read = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
                return nil
            }
            defer { BIO_free(bio) }
            // Without a callback OpenSSL would ask a terminal for the password of an encrypted one.
            return PEM_read_bio_X509(bio, nil, { _, _, _, _ in 0 }, nil)
        }
        ERR_clear_error()
        guard let read else { return nil }
        x509 = read
    }

    deinit { X509_free(x509) }

    /// Whole days until it expires; negative once it has.
    var daysLeft: Int64 {
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(x509)) == 1 else {
            return -1
        }
        return days == 0 && seconds < 0 ? -1 : Int64(days)
    }

    /// Its last moment is over.
    var hasExpired: Bool { X509_cmp_current_time(X509_get0_notAfter(x509)) <= 0 }

    /// Its first moment is yet to come.
    var isTooYoung: Bool { X509_cmp_current_time(X509_get0_notBefore(x509)) >= 0 }

    /// Whether it is good for a host's name, by a wildcard perhaps, or for an address.
    func isFor(_ name: String) -> Bool {
        X509_check_host(x509, name, name.utf8.count, 0, nil) == 1
            || X509_check_ip_asc(x509, name, 0) == 1
    }

    /// The names it is for, for a person: `b.example, *.b.example`.
    var names: String {
        let alternatives = extensionText(NID_subject_alt_name)
            .split(separator: ",").map { part in
                let name = part.drop { $0 == " " }
                return name.hasPrefix("DNS:") ? name.dropFirst(4) : name
            }
        let most = 4
        let all = alternatives.isEmpty ? [commonName[...]] : alternatives
        let text = all.prefix(most).joined(separator: ", ")
        return all.count > most ? text + " and \(all.count - most) more" : text
    }

    private func extensionText(_ kind: Int32) -> String {
        let index = X509_get_ext_by_NID(x509, kind, -1)
        guard index >= 0, let found = X509_get_ext(x509, index), let bio = BIO_new(BIO_s_mem())
        else { return "" }
        defer { BIO_free(bio) }
        guard X509V3_EXT_print(bio, found, 0, 0) == 1 else { return "" }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(count, 0))), as: UTF8.self)
    }

    private var commonName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        let name = X509_get_subject_name(x509)
        let count = X509_NAME_get_text_by_NID(name, NID_commonName, &bytes, Int32(bytes.count))
        guard count > 0 else { return "nobody" }
        return String(
            decoding: bytes.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
