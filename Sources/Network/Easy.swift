import CCurl

/// One libcurl handle, set up once and used for every look of a probe.
///
/// Texts are copied by libcurl; lists and authorities are kept here for as long as it lives.
final class Easy {
    let handle: UnsafeMutableRawPointer
    /// Whom it asks.
    var host = ""
    /// Whether it can come to ask somebody else.
    var mayBeRedirected = false
    private let errorText: UnsafeMutablePointer<CChar>
    private var lists: [UnsafeMutablePointer<curl_slist>?] = []
    private var authorities: UnsafeMutableRawBufferPointer?

    /// `nil` when there is no memory for one.
    init?() {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.pointee = 0
        set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
    }

    /// It must not be in a multi handle any more.
    deinit {
        curl_easy_cleanup(handle)
        errorText.deallocate()
        for list in lists { curl_slist_free_all(list) }
        authorities?.deallocate()
    }

    func set(_ option: CURLoption, _ number: Int) {
        expect(regen_curl_set_number(handle, option, number))
    }

    func set(_ option: CURLoption, _ text: String) {
        expect(regen_curl_set_text(handle, option, text))
    }

    func set(_ option: CURLoption, _ pointer: UnsafeMutableRawPointer) {
        expect(regen_curl_set_pointer(handle, option, pointer))
    }

    func set(_ option: CURLoption, _ callback: @escaping curl_write_callback) {
        expect(regen_curl_on_data(handle, option, callback))
    }

    func set(_ option: CURLoption, _ lines: [String]) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines { list = curl_slist_append(list, line) ?? list }
        lists.append(list)
        if let list { set(option, UnsafeMutableRawPointer(list)) }
    }

    /// The only protocols, for ever: `http,https`. False: this libcurl cannot speak one of them.
    func restrict(to protocols: String) -> Bool {
        regen_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK
    }

    /// The only authorities to believe, in PEM.
    func set(authorities pem: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: pem.count, alignment: 1)
        copy.copyBytes(from: pem)
        authorities = copy
        expect(regen_curl_set_bytes(handle, CURLOPT_CAINFO_BLOB, copy.baseAddress, copy.count))
    }

    /// Calls back before a name is looked up that is not in libcurl's cache.
    func beforeLookup(
        _ callback: @escaping curl_resolver_start_callback, _ context: UnsafeMutableRawPointer
    ) {
        expect(regen_curl_on_lookup(handle, callback, context))
    }

    /// Whether a name server may be needed: not for an address, nor for this machine's own name.
    var looksUpNames: Bool {
        let isAddress = host.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".")
        }
        return mayBeRedirected || !(isAddress || host.hasPrefix("[") || host == "localhost")
    }

    /// What libcurl says of the last failure, on one line.
    var complaint: String { String(cString: errorText) }

    /// Forgets the last failure.
    func clearComplaint() { errorText.pointee = 0 }

    func number(_ info: CURLINFO) -> Int { regen_curl_number(handle, info) }
    func largeNumber(_ info: CURLINFO) -> Int64 { Int64(regen_curl_large_number(handle, info)) }

    /// The first certificate that the server showed, in PEM.
    var certificate: [UInt8]? {
        guard let all = regen_curl_certificates(handle)?.pointee, all.num_of_certs > 0 else {
            return nil
        }
        var next = all.certinfo[0]
        while let entry = next?.pointee {
            if let text = entry.data.map({ String(cString: $0) }), text.hasPrefix("Cert:") {
                return Array(text.utf8.dropFirst("Cert:".utf8.count))
            }
            next = entry.next
        }
        return nil
    }

    /// An option that this libcurl does not know, or no memory for a text: nothing to go on with.
    private func expect(_ code: CURLcode) {
        precondition(code == CURLE_OK, "libcurl refuses an option: \(code.rawValue)")
    }
}
