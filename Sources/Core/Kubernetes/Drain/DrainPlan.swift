/// The effect of draining a node on each of its pods, decided before anything is touched.
///
/// The filters and their order are kubectl's (`pkg/drain/filters.go`); unlike kubectl the plan also names the budgets that can never allow
/// the eviction of their pods.
public struct DrainPlan: Sendable, Hashable {
    public struct Options: Sendable, Hashable {
        /// Evict pods that no controller would replace: they are gone for good.
        public var force: Bool
        public var ignoreDaemonSets: Bool
        /// Evict pods whose `emptyDir` volumes are lost with them.
        public var deleteEmptyDirData: Bool
        public var podSelector: LabelSelector?

        public init(
            force: Bool = false, ignoreDaemonSets: Bool = true, deleteEmptyDirData: Bool = false, podSelector: LabelSelector? = nil
        ) {
            self.force = force
            self.ignoreDaemonSets = ignoreDaemonSets
            self.deleteEmptyDirData = deleteEmptyDirData
            self.podSelector = podSelector
        }
    }

    public struct Entry: Sendable, Hashable {
        public var pod: Pod
        /// Why, for a person.
        public var reasons: [String]

        public var name: String { "\(pod.metadata.namespace ?? "")/\(pod.metadata.name)" }
    }

    /// Pods that are evicted; a reason is a warning, such as lost `emptyDir` data.
    public var evicted: [Entry] = []
    /// Pods that stay.
    public var skipped: [Entry] = []
    /// Pods that forbid the drain. kubectl evicts nothing at all then.
    public var blocking: [Entry] = []
    /// Pods in ``evicted`` whose budget does not allow an eviction as things stand; the drain would wait, perhaps forever.
    public var heldByBudget: [Budget] = []

    public struct Budget: Sendable, Hashable {
        public var pod: String
        public var budget: String
        public var problem: String
        /// Waiting does not help: the budget asks for as many pods as there are.
        public var isPermanent: Bool
    }

    public var isPossible: Bool { blocking.isEmpty && !heldByBudget.contains(where: \.isPermanent) }
}
