import JSON
import SandboxStore

/// One ValidatingAdmissionPolicy with its bindings
/// (https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/), for requests from outside.
struct AdmissionPolicy {
    let policy: JSONValue
    let call: ResourceCall
    let state: StoreState

    // MARK: Validation of the policy itself

    static func validate(_ policy: JSONValue, _ problems: inout FieldProblems) {
        if policy[path: "spec", "paramKind"] != nil {
            problems.forbidden("spec.paramKind", "the sandbox evaluates policies without parameters only")
        }
        for list in ["validations", "matchConditions", "variables", "auditAnnotations"] {
            for (index, entry) in (policy[path: "spec", list]?.array ?? []).enumerated() {
                for member in ["expression", "messageExpression", "valueExpression"] {
                    guard let text = entry[member]?.string else { continue }
                    do throws(Expression.Failure) {
                        _ = try ExpressionParser.parse(text)
                    } catch {
                        problems.invalid("spec.\(list)[\(index)].\(member)", .string(text), error.message)
                    }
                }
            }
        }
    }

    // MARK: Requests

    func check(object: JSONValue?, old: JSONValue?, operation: String) throws(APIError) {
        let subject = object ?? old ?? [:]
        guard matches(policy[path: "spec", "matchConstraints"], subject, operation, isRequired: true) else { return }
        let binding = state.list(.admissionPolicyBindings).first { binding in
            binding[path: "spec", "policyName"]?.string == policy.name
                && binding[path: "spec", "validationActions"]?.array?.contains("Deny") == true
                && matches(binding[path: "spec", "matchResources"], subject, operation, isRequired: false)
        }
        guard let binding else { return }
        let denial: Denial?
        do throws(Expression.Failure) {
            denial = try verdict(try names(object, old, operation))
        } catch {
            if policy[path: "spec", "failurePolicy"]?.string == "Ignore" { return }
            denial = (message: "expression evaluation failed: \(error.message)", reason: nil)
        }
        if let denial { throw denied(binding, denial.message, denial.reason) }
    }

    private typealias Denial = (message: String, reason: String?)

    /// The first validation that fails; `nil` when the request may pass.
    private func verdict(_ names: [String: JSONValue]) throws(Expression.Failure) -> Denial? {
        for condition in policy[path: "spec", "matchConditions"]?.array ?? [] {
            guard try ExpressionParser.parse(condition["expression"]?.string ?? "").isTrue(names) else { return nil }
        }
        for validation in policy[path: "spec", "validations"]?.array ?? [] {
            let text = validation["expression"]?.string ?? ""
            if try ExpressionParser.parse(text).isTrue(names) { continue }
            var message = validation["message"]?.string ?? "failed expression: \(text)"
            if let expression = validation["messageExpression"]?.string {
                message = try ExpressionParser.parse(expression).value(names).string ?? message
            }
            return (message, validation["reason"]?.string)
        }
        return nil
    }

    private func names(_ object: JSONValue?, _ old: JSONValue?, _ operation: String) throws(Expression.Failure) -> [String: JSONValue] {
        let user = call.request.user
        let namespace = object?.namespace ?? old?.namespace ?? ""
        let resource: JSONValue = [
            "group": .string(call.definition.type.group), "version": .string(call.definition.version),
            "resource": .string(call.definition.type.resource),
        ]
        let isDryRun = (try? call.request.query.isDryRun()) ?? false
        var names: [String: JSONValue] = [
            "object": object ?? .null, "oldObject": old ?? .null,
            "namespaceObject": state[ObjectKey(.namespaces, name: namespace)] ?? .null,
            "request": [
                "operation": .string(operation), "userInfo": user.info, "namespace": .string(namespace),
                "name": .string((object ?? old)?.name ?? ""), "resource": resource, "dryRun": .bool(isDryRun),
                "subResource": .string(call.path.subresource ?? ""),
            ],
        ]
        var variables: JSONValue = [:]
        for variable in policy[path: "spec", "variables"]?.array ?? [] {
            names["variables"] = variables
            let text = variable["expression"]?.string ?? ""
            variables[variable["name"]?.string ?? ""] = try ExpressionParser.parse(text).value(names)
        }
        names["variables"] = variables
        return names
    }

    private func denied(_ binding: JSONValue, _ message: String, _ reason: String?) -> APIError {
        var error = APIError.forbidden(
            call.definition.type, call.path.name ?? "",
            "ValidatingAdmissionPolicy '\(policy.name)' with binding '\(binding.name)' denied request: \(message)")
        error.reason = reason ?? "Invalid"
        error.code = ["Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413][error.reason] ?? 422
        return error
    }

    // MARK: Matching

    private func matches(_ constraints: JSONValue?, _ object: JSONValue, _ operation: String, isRequired: Bool) -> Bool {
        guard let constraints else { return !isRequired }
        let rules = constraints["resourceRules"]?.array
        if let rules, !rules.contains(where: { matches(rule: $0, object, operation) }) { return false }
        if rules == nil, isRequired { return false }
        if (constraints["excludeResourceRules"]?.array ?? []).contains(where: { matches(rule: $0, object, operation) }) { return false }
        if !selects(constraints["objectSelector"], object.labels) { return false }
        if call.definition.type == .namespaces { return selects(constraints["namespaceSelector"], object.labels) }
        guard call.definition.isNamespaced else { return true }
        return selects(constraints["namespaceSelector"], state[ObjectKey(.namespaces, name: object.namespace)]?.labels ?? [:])
    }

    private func selects(_ selector: JSONValue?, _ labels: [String: String]) -> Bool {
        guard let selector else { return true }
        return (try? LabelSelector(object: selector).matches(labels)) ?? false
    }

    private func matches(rule: JSONValue, _ object: JSONValue, _ operation: String) -> Bool {
        func has(_ member: String, _ value: String) -> Bool {
            let values = rule[member]?.array?.compactMap(\.string) ?? []
            return values.contains("*") || values.contains(value)
        }
        let full = call.path.subresource.map { "\(call.definition.type.resource)/\($0)" } ?? call.definition.type.resource
        let names = rule["resourceNames"]?.array?.compactMap(\.string) ?? []
        return has("operations", operation) && has("apiGroups", call.definition.type.group) && has("apiVersions", call.definition.version)
            && (has("resources", full) || rule["resources"]?.array?.contains("*/*") == true)
            && (names.isEmpty || names.contains(object.name))
    }
}
