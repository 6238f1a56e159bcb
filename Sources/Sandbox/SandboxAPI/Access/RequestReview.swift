import JSON
import SandboxStore

/// The checks of a request from outside that its user and operation matter for: privilege escalation and admission policies.
/// The sandbox's own controllers and kubelets are not asked.
struct RequestReview {
    let call: ResourceCall
    /// The cluster before the change.
    let state: StoreState

    /// Returns the warnings that the answer carries.
    func check(_ object: JSONValue, old: JSONValue?) throws(APIError) -> [String] {
        try Escalation(user: call.request.user, authorizer: Authorizer(state: state)).check(object, old: old, call.definition)
        try checkPolicies(object, old: old, old == nil ? "CREATE" : "UPDATE")
        return PodSecurity.warnings(object, call.definition.type, state)
    }

    func checkDeletion(_ object: JSONValue) throws(APIError) { try checkPolicies(nil, old: object, "DELETE") }

    private func checkPolicies(_ object: JSONValue?, old: JSONValue?, _ operation: String) throws(APIError) {
        for policy in state.list(.admissionPolicies) {
            let review = AdmissionPolicy(policy: policy, call: call, state: state)
            try review.check(object: object, old: old, operation: operation)
        }
    }
}
