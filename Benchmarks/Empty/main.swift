// The base that regend's memory is compared with: a Swift program of the same build which links the
// same libraries, has hashed and signed once, and then does nothing. What regend needs above it is
// Regen's own.
import CJansson
import COpenSSL
import Glibc

func require(_ holds: Bool, _ what: String) {
    guard holds else { fatalError("bench-empty: \(what) failed") }
}

func hashOnce() {
    let message: [UInt8] = [1, 2, 3]
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    let algorithm = EVP_MD_fetch(nil, "SHA256", nil)
    require(EVP_Digest(message, message.count, &digest, nil, algorithm, nil) == 1, "SHA-256")
    EVP_MD_free(algorithm)
}

func signOnce() {
    let seed = [UInt8](repeating: 7, count: 32)
    let message: [UInt8] = [1, 2, 3]
    var signature = [UInt8](repeating: 0, count: 64)
    var length = signature.count
    let key = EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, seed, seed.count)
    let context = EVP_MD_CTX_new()
    require(EVP_DigestSignInit_ex(context, nil, nil, nil, nil, key, nil) == 1, "Ed25519")
    require(
        EVP_DigestSign(context, &signature, &length, message, message.count) == 1, "Ed25519")
    EVP_MD_CTX_free(context)
    EVP_PKEY_free(key)
}

hashOnce()
signOnce()
_ = write(STDOUT_FILENO, "ready\n", 6)
while true { pause() }
