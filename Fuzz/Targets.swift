// What libFuzzer calls. One program for all targets; FUZZ_TARGET says which one it is to be.
import Configuration
@testable import Control
import Glibc
import JSON
@testable import Ledger
import Linux
import NixOS
import Probing
import Worker

/// Everything that reads what somebody else wrote, and what must hold whatever that was.
private let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "answer": answer, "call": call, "configuration": configuration, "delivery": delivery,
    "delivery-answer": deliveryAnswer, "json": json, "ledger-line": ledgerLine,
    "look-answer": lookAnswer, "look-request": lookRequest, "messages": messages,
    "notice": notice, "probe": probe, "request": request, "routes": routes,
    "system-order": systemOrder, "system-report": systemReport,
]

private let target: @Sendable ([UInt8]) -> Void = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = targets[name] else {
        fatalError("FUZZ_TARGET must be one of \(targets.keys.sorted().joined(separator: ", "))")
    }
    return target
}()

/// libFuzzer's door: one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

private func written(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var json = JSONWriter()
    write(&json)
    return json.bytes
}

/// A worker's line: what was read is written so that it is read again.
private func answer(_ bytes: [UInt8]) {
    guard let answer = Answer(line: bytes) else { return }
    let line = written(answer.write)
    precondition(line.count <= Answer.longestLine)
    // Numbers beyond what JSON's readers hold are written as texts, which no worker does.
    guard answer.serial.magnitude < JSONWriter.integerLimit,
        answer.microseconds.magnitude < JSONWriter.integerLimit
    else { return }
    precondition(Answer(line: line) == answer)
}

/// A looker's line: the looker may be a service's user, and lie.
private func lookAnswer(_ bytes: [UInt8]) {
    guard let answer = LookAnswer(line: bytes) else { return }
    precondition(written(answer.write).count <= LookAnswer.longestLine)
}

/// What a looker is told to do, as root for all it knows.
private func lookRequest(_ bytes: [UInt8]) {
    guard let request = LookRequest(line: bytes) else { return }
    _ = written(request.write)
}

/// What a service says of itself.
private func notice(_ bytes: [UInt8]) {
    var notice = Notice()
    notice.take(bytes, at: 1)
    precondition((notice.status?.utf8.count ?? 0) <= 3 * Notice.longestStatus)
    _ = notice.complaint(watchdog: 1, at: 2)
}

/// A daemon's line.
private func request(_ bytes: [UInt8]) {
    guard let request = Request(line: bytes) else { return }
    guard let again = Request(line: written(request.write)) else {
        switch request {
        case .define(let id, _), .forget(let id): precondition(id >= JSONWriter.integerLimit)
        case .look(let id, let serial):
            precondition(max(id, serial) >= JSONWriter.integerLimit)
        }
        return
    }
    precondition(again == request)
}

/// What people are to be told: what was read is written within its bound, and read again.
private func delivery(_ bytes: [UInt8]) {
    guard let delivery = Delivery(line: bytes) else { return }
    let line = written(delivery.write)
    precondition(line.count <= Delivery.longestLine)
}

/// What the teller says: it talks to strangers, and may lie.
private func deliveryAnswer(_ bytes: [UInt8]) {
    guard let answer = DeliveryAnswer(line: bytes) else { return }
    let line = written(answer.write)
    precondition(line.count <= DeliveryAnswer.longestLine)
    guard answer.serial.magnitude < JSONWriter.integerLimit,
        answer.microseconds.magnitude < JSONWriter.integerLimit,
        (answer.status ?? 0).magnitude < JSONWriter.integerLimit
    else { return }
    precondition(DeliveryAnswer(line: line) == answer)
}

/// A route with its secrets.
private func routes(_ bytes: [UInt8]) {
    guard let route = OpenRoute(bytes) else { return }
    let line = written(route.write)
    precondition(OpenRoute(line) == route || line.count > OpenRoute.mostBytes)
}

/// What `regend --system` is to do, as root. What was just short enough may be written longer.
private func systemOrder(_ bytes: [UInt8]) {
    guard let order = SystemOrder(line: bytes), let line = order.line else { return }
    precondition(SystemOrder(line: line.dropLast()) == order)
}

/// What it found: the disk that it looks at is written by others.
private func systemReport(_ bytes: [UInt8]) {
    guard let report = SystemReport(line: bytes), let line = report.line else { return }
    precondition(SystemReport(line: line.dropLast()) == report)
}

/// A probe as one process writes it for another.
private func probe(_ bytes: [UInt8]) {
    guard let probe = try? Probe(canonical: bytes) else { return }
    let line = written(probe.write)
    precondition((try? Probe(canonical: line)) == probe)
}

/// A whole configuration: its canonical form means the same, and stays as it is.
private func configuration(_ bytes: [UInt8]) {
    guard let configuration = try? Configuration(canonical: bytes) else { return }
    let line = written(configuration.canonicalJSON)
    guard let again = try? Configuration(canonical: line) else {
        preconditionFailure("the canonical form is refused")
    }
    precondition(again == configuration)
    precondition(written(again.canonicalJSON) == line)
}

/// JSON: what was read is written so that it is read again.
private func json(_ bytes: [UInt8]) {
    guard let value = try? JSONValue.parse(bytes, limit: 1 << 20) else { return }
    guard let text = value.string else { return }
    let line = written { $0.string(text) }
    precondition((try? JSONValue.parse(line, limit: 8 << 20)) == value)
}

/// A line of the ledger, as every reader takes it apart.
private func ledgerLine(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { bytes in
        guard let line = LedgerLine(bytes, offset: 0) else { return }
        _ = (line.stamp, line.bootID, line.event, line.isEvent("process.exit"))
        _ = LineForm.flaw(in: bytes)
        _ = try? line.json()
    }
}

/// A client's message to the daemon.
private func call(_ bytes: [UInt8]) {
    guard let call = try? IncomingCall(bytes) else { return }
    _ = (call.interface, call.member)
    for method in ControlMethod.allCases {
        guard let parameters = try? Parameters(call.parameters, known: ["service", "services"])
        else { continue }
        _ = try? ControlRequest(method, parameters)
    }
}

/// The cutting of messages: however the bytes arrive, the same messages come out.
private func messages(_ bytes: [UInt8]) {
    guard let step = bytes.first.map({ Int($0 % 7) + 1 }) else { return }
    let longest = 16
    var buffer = MessageBuffer(longest: longest, endingWith: 10)
    var rest = bytes[...]
    var whole: [[UInt8]] = []
    while !rest.isEmpty {
        let piece = rest.prefix(min(step, buffer.room))
        piece.withUnsafeBytes { buffer.append($0) }
        rest = rest.dropFirst(piece.count)
        while let message = buffer.next() {
            guard case .whole(let message) = message else {
                precondition(bytes.split(separator: 10).contains { $0.count > longest })
                return
            }
            precondition(message.count <= longest)
            whole.append(message)
        }
    }
    let expected = bytes.split(separator: 10, omittingEmptySubsequences: false).dropLast()
    precondition(whole.elementsEqual(expected) { $0.elementsEqual($1) })
}
