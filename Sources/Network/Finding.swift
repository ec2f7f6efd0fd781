/// What a look found, before it has a serial and a duration.
enum Finding: Equatable {
    case passed(value: Int64? = nil)
    case failed(String, value: Int64? = nil)
    case unknown(String)
}
