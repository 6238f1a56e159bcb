public import TDS

/// A query whose answer no earlier one can match: a token and a number that are unique to one probe.
///
/// A frozen server, or a proxy that answers from a buffer, may send bytes. Only the values that were sent count as an answer.
public struct Sentinel: Sendable {
    /// The same text for every probe, so that the server compiles it once.
    public static let statement = TDSStatement(
        "SELECT @p1 AS token, @p2 AS number", [("p1", .nVarChar(4000)), ("p2", .bigInt)])

    let token: String
    let number: Int64

    /// - Parameter owner: the probe's run and track, or another name that no other probe uses.
    public init(owner: String, slot: Int) {
        token = "\(owner)-\(slot)"
        number = Int64(slot)
    }

    /// The values of the statement's parameters.
    public var values: [TDSValue] { [.string(token), .bigInt(number)] }

    /// Returns the mismatch of `result`, or `nil` if it is the answer to this sentinel.
    public func mismatch(in result: TDSResult) -> String? {
        let rows = result.resultSets.map(\.rows)
        guard rows.count == 1, rows[0].count == 1 else {
            return "expected one set of one row, got sets of \(rows.map(\.count)) rows"
        }
        do throws(TDSWireError) {
            let values = try rows[0][0].values()
            guard values.count == 2, values[0].string == token, values[1].integer == number else {
                return "expected \(token) and \(number), got \(values)"
            }
            return nil
        } catch {
            return "the row cannot be read: \(error)"
        }
    }
}
