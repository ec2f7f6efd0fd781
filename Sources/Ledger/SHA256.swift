private import COpenSSL

/// Computes SHA-256, one text after the other. The algorithm is fetched and the context made once:
/// OpenSSL's one-call functions do both for each text, which takes two to three times as long.
public final class SHA256 {
    private let algorithm: OpaquePointer
    private let context: OpaquePointer

    /// Fetches the algorithm. A libcrypto without SHA-256, or no memory, is the end.
    public init() {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil), let context = EVP_MD_CTX_new()
        else {
            fatalError("libcrypto has no SHA-256")
        }
        self.algorithm = algorithm
        self.context = context
        begin()
    }

    deinit {
        EVP_MD_CTX_free(context)
        EVP_MD_free(algorithm)
    }

    /// The digest of one piece of memory.
    public func digest(of bytes: UnsafeRawBufferPointer) -> Digest {
        begin()
        update(bytes)
        return finish()
    }

    /// Forgets what has been fed.
    func begin() {
        precondition(EVP_DigestInit_ex2(context, algorithm, nil) == 1, "SHA-256 fails")
    }

    func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(
            EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1, "SHA-256 fails")
    }

    func finish() -> Digest {
        var digest = Digest.zero
        withUnsafeMutableBytes(of: &digest.words) { bytes in
            let target = bytes.bindMemory(to: UInt8.self).baseAddress
            precondition(EVP_DigestFinal_ex(context, target, nil) == 1, "SHA-256 fails")
        }
        return digest
    }
}
