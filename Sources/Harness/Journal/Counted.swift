/// Returns a number with its noun: "1 repeat", "2 repeats".
///
/// - Parameter plural: the form for every number but 1. Default: `singular` with an "s".
public func counted(_ count: some BinaryInteger, _ singular: String, _ plural: String? = nil) -> String {
    "\(count) \(noun(for: count, singular, plural))"
}

/// Returns the form of a noun that goes with a number, for numbers that are written in another way.
public func noun(for count: some BinaryInteger, _ singular: String, _ plural: String? = nil) -> String {
    count == 1 ? singular : plural ?? singular + "s"
}
