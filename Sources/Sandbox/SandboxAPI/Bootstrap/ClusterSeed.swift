import JSON
import KubernetesAPI
package import SandboxStore

/// The objects that every cluster has from the beginning.
package enum ClusterSeed {
    package static func plant(in store: ObjectStore, _ addresses: ServiceAddresses) throws(APIError) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            try store.create(.namespaces, ["metadata": ["name": .string(name)]])
        }
        try store.create(
            .storageClasses,
            [
                "metadata": ["name": "standard", "annotations": .init(strings: [AnnotationKey.isDefaultClass: "true"])],
                "provisioner": .string(FolderVolume.provisioner), "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate",
            ])
        try store.create(
            .services,
            [
                "metadata": ["name": "kubernetes", "labels": ["component": "apiserver", "provider": "kubernetes"]],
                "spec": [
                    "clusterIP": .string(addresses.kubernetes), "ports": [["name": "https", "port": 443, "targetPort": 6443]],
                ],
            ], namespace: "default")
        for (name, rules) in DefaultRoles.rules {
            try store.create(.clusterRoles, ["metadata": DefaultRoles.metadata(name), "rules": .array(rules)])
        }
        for (name, role, group) in DefaultRoles.bindings {
            try store.create(
                .clusterRoleBindings,
                [
                    "metadata": DefaultRoles.metadata(name),
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
                    "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": .string(group)]],
                ])
        }
    }

    /// Publishes where the API server listens as the endpoints of the `kubernetes` Service.
    package static func publish(apiServerPort port: Int, in store: ObjectStore) throws(APIError) {
        let ports: JSONValue = [["name": "https", "port": .integer(Int64(port)), "protocol": "TCP"]]
        try store.create(
            .endpoints,
            [
                "metadata": ["name": "kubernetes", "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"]],
                "subsets": [["addresses": [["ip": "127.0.0.1"]], "ports": ports]],
            ], namespace: "default")
        try store.create(
            .endpointSlices,
            [
                "metadata": ["name": "kubernetes", "labels": .init(strings: [LabelKey.serviceName: "kubernetes"])], "addressType": "IPv4",
                "endpoints": [["addresses": ["127.0.0.1"], "conditions": ["ready": true]]], "ports": ports,
            ], namespace: "default")
    }
}
