/// Keys of taints that Kubernetes puts on nodes (https://kubernetes.io/docs/reference/labels-annotations-taints/).
public enum TaintKey {
    public static let notReady = "node.kubernetes.io/not-ready"
    public static let unreachable = "node.kubernetes.io/unreachable"
    public static let unschedulable = "node.kubernetes.io/unschedulable"
    /// Says that the node is off for good: its pods are deleted by force, and their volumes are detached.
    public static let outOfService = "node.kubernetes.io/out-of-service"
}

/// Keys of labels (https://kubernetes.io/docs/reference/labels-annotations-taints/).
public enum LabelKey {
    public static let hostname = "kubernetes.io/hostname"
    /// The label of nodes and volumes for their zone, and its name in older clusters.
    public static let zones = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]
    public static let managedBy = "app.kubernetes.io/managed-by"
    /// The Service of an EndpointSlice.
    public static let serviceName = "kubernetes.io/service-name"
    /// The program that writes an EndpointSlice.
    public static let sliceManager = "endpointslice.kubernetes.io/managed-by"
    /// The beginning of the labels that name a node's roles.
    public static let nodeRolePrefix = "node-role.kubernetes.io/"
}

/// Keys of annotations (https://kubernetes.io/docs/reference/labels-annotations-taints/).
public enum AnnotationKey {
    /// Marks the image of a static pod in the API.
    public static let configMirror = "kubernetes.io/config.mirror"
    public static let isDefaultClass = "storageclass.kubernetes.io/is-default-class"
    /// Set in a pod template by `kubectl rollout restart`.
    public static let restartedAt = "kubectl.kubernetes.io/restartedAt"
}
