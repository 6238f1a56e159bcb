import JSON
import SandboxStore

/// Numbers of a kind that Kubernetes' types do not have. Everything behind admission may count on whole numbers of 32 bits.
///
/// The few fields of 64 bits (seconds, user numbers) are held to 32 as well: Kubernetes' own validation does so for most of them.
enum NumberValidation {
    /// Members whose values are quantities, which may be of any size and have decimals.
    private static let quantities: Set = [
        "limits", "requests", "capacity", "allocatable", "hard", "used", "overhead", "min", "max", "default", "defaultRequest",
        "maxLimitRequestRatio", "sizeLimit", "divisor", "allocatedResources",
    ]

    static func check(_ object: JSONValue, _ problems: inout FieldProblems) {
        for (name, value) in object.object ?? [:] where name != "metadata" && !(object.kind == "ControllerRevision" && name == "data") {
            check(value, name, name, &problems)
        }
    }

    private static func check(_ value: JSONValue, _ name: String, _ path: String, _ problems: inout FieldProblems) {
        // A manifest full of wrong numbers is wrong enough after a few.
        guard problems.causes.count < 20 else { return }
        switch value {
        case .null, .bool, .string: break
        case .integer(let number):
            // The server itself counts these.
            if name == "observedGeneration" || name == "revision" { return }
            if Int32(exactly: number) == nil {
                let bound = number > 0 ? "less than or equal to \(Int32.max)" : "greater than or equal to \(Int32.min)"
                problems.invalid(path, value, "must be \(bound)")
            }
        case .double: problems.invalid(path, value, "must be a whole number of 32 bits")
        case .array(let elements):
            for (index, element) in elements.enumerated() { check(element, name, "\(path)[\(index)]", &problems) }
        case .object(let members):
            for (key, member) in members.sorted(by: { $0.key < $1.key }) {
                // A LimitRange has a list of that name.
                if quantities.contains(key), member.array == nil {
                    checkQuantities(member, "\(path).\(key)", &problems)
                } else {
                    check(member, key, "\(path).\(key)", &problems)
                }
            }
        }
    }

    /// Quantities, alone or by resource (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
    private static func checkQuantities(_ value: JSONValue, _ path: String, _ problems: inout FieldProblems) {
        if let members = value.object {
            for (resource, amount) in members.sorted(by: { $0.key < $1.key }) where Quantity(amount) == nil {
                problems.invalid("\(path)[\(resource)]", amount, Quantity.form)
            }
        } else if !value.isNull, Quantity(value) == nil {
            problems.invalid(path, value, Quantity.form)
        }
    }
}
