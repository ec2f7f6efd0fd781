import Linux

/// One resource whose stalls the loop is told of.
final class PressureWatch {
    let stall: PressureStall

    init(_ resource: PressureStall.Resource) throws(SystemError) {
        stall = try PressureStall(of: resource)
    }
}
