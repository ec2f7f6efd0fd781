import Linux
import Testing

@Suite("the kernel's list of locks")
struct HeldLocksTests {
    private let list = HeldLocks(
        text: """
            1: FLOCK  ADVISORY  WRITE 30880 fe:00:16220500 0 EOF
            1: -> FLOCK  ADVISORY  WRITE 77 fe:00:16220500 0 EOF
            2: POSIX  ADVISORY  WRITE 29064 fe:0a:16320819 1073741824 1073742335
            3: POSIX  ADVISORY  READ  5 00:1a:9 0 EOF
            4: OFDLCK ADVISORY  WRITE -1 00:1a:10 0 EOF
            5: LEASE  ACTIVE    WRITE 6 00:1a:11 0 EOF
            6: -> FLOCK  ADVISORY  WRITE 8 00:1a:12 0 EOF
            7: FLOCK  ADVISORY  WRITE x 00:1a:13 0 EOF
            8: FLOCK  ADVISORY  WRITE 9 00:1a:14
            nonsense

            """)

    private func holder(_ device: String, _ inode: UInt64) -> Int32? {
        list.holder(of: HeldLocks.Identity(devices: [device], inode: inode))
    }

    @Test("holders are found by device and inode, waiters, readers and leases are none")
    func holders() {
        #expect(holder("254:0", 16_220_500) == 30880)
        #expect(holder("254:10", 16_320_819) == 29064)
        #expect(holder("254:1", 16_220_500) == nil)
        #expect(holder("0:26", 10) == 0)
        for inode: UInt64 in [9, 11, 12, 13, 14, 15] { #expect(holder("0:26", inode) == nil) }
    }

    @Test("a file system may go by two numbers")
    func devices() {
        let file = HeldLocks.Identity(devices: ["0:99", "254:0"], inode: 16_220_500)
        #expect(list.holder(of: file) == 30880)
    }
}
