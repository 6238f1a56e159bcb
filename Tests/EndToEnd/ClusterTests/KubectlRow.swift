/// A command of kubectl, and what has to come of it: an exit code, and words of its output.
struct KubectlRow: Sendable {
    /// The words after `kubectl`, for a shell; in the namespace of its own.
    let command: String
    let code: Int32
    let words: String
    /// The first version that has the command; 1.N.
    var since = 0
    /// The outcome in the versions before 1.`until`.
    var before: (until: Int, code: Int32, words: String)?

    private static func works(
        _ command: String, _ words: String, since: Int = 0, before: (until: Int, code: Int32, words: String)? = nil
    ) -> KubectlRow {
        KubectlRow(command: command, code: 0, words: words, since: since, before: before)
    }

    private static func fails(
        _ command: String, _ code: Int32, _ words: String, since: Int = 0, before: (until: Int, code: Int32, words: String)? = nil
    ) -> KubectlRow {
        KubectlRow(command: command, code: code, words: words, since: since, before: before)
    }

    /// Exec of versions before 1.31 is SPDY, which is said.
    private static let noSPDY: (until: Int, code: Int32, words: String) = (30, 1, "exec over WebSocket only")
    private static let noDryRun: (until: Int, code: Int32, words: String) = (24, 1, "doesn't support dry-run")

    /// In this order.
    static let table = looking + access + making + changing + containers + nodes + ending

    private static let looking: [KubectlRow] = [
        .works("version", "Server Version"), .works("cluster-info", "control plane"), .works("api-resources", "leases"),
        .works("api-versions", "rbac.authorization.k8s.io/v1"), .works("get all", "pod/db-0"),
        .works(
            "get pods,svc,deploy,sts,ds,rs,cm,secrets,sa,pvc,pv,sc,quota,limits,pdb,roles,rolebindings,leases,endpoints,endpointslices",
            "web"),
        .works("get controllerrevisions,clusterroles,clusterrolebindings,validatingadmissionpolicies,nodes,ns", "worker-1"),
        .works("get pods -o wide --show-labels --sort-by=.metadata.name", "statefulset.kubernetes.io/pod-name=db-0"),
        .works("get pods -l 'app in (db),x!=y' --field-selector=status.phase=Running -o name", "pod/db-0"),
        .fails("get pods --field-selector=foo=bar", 1, "field label not supported: foo"),
        .works("get pods --watch-only --request-timeout=1s", ""), .works("get events", "SuccessfulCreate"),
        .works("events", "SuccessfulCreate", since: 26), .works("describe all", "Name:"), .works("describe node worker-1", "Ready"),
        .works("get --raw '/readyz?verbose'", "ok"), .fails("cluster-info dump", 1, "the sandbox has no replicationcontrollers in v1"),
        .works("explain pod.spec.containers", "imagePullPolicy", before: (24, 1, "couldn't find resource")),
        .works("explain statefulset.spec.template.spec.containers.image", "FIELD: image", since: 24),
        .works("explain deployment --recursive", "strategy", since: 24),
        .fails("get jobs,cronjobs", 1, #"the server doesn't have a resource type "jobs""#),
        .fails("get hpa", 1, "the server doesn't have a resource type"), .fails("get crd", 1, "the server doesn't have a resource type"),
        .fails("get csr", 1, "the server doesn't have a resource type"), .fails("top nodes", 1, "Metrics API not available"),
        .fails("top pods", 1, "Metrics API not available"),
        .fails("get --raw /api/v1/namespaces/$N/pods/db-0/proxy/", 1, "the sandbox proxies no requests"),
        .fails("get --raw /apis/batch/v1/jobs", 1, "the sandbox has no jobs in batch/v1"),
    ]

    private static let access: [KubectlRow] = [
        .works("auth can-i create pods", "yes"), .works("auth can-i --list", "*.*"), .fails("auth can-i create pods --as=bob", 1, "no"),
        .fails("get pods --as=bob", 1, #"User "bob" cannot list resource "pods""#), .works("auth whoami", "sandbox-admin", since: 27),
        .works("create serviceaccount robot", "created"), .works("create token robot --duration=10m", "eyJ", since: 24),
        .works("create role reader --verb=get --resource=pods", "created"),
        .works("create rolebinding reader --role=reader --serviceaccount=$N:robot", "created"),
        .works("set subject rolebinding reader --user=joe", "subjects updated"),
        .works("auth reconcile -f $F/role.yaml", "reconciled"),
    ]

    private static let making: [KubectlRow] = [
        .fails("create job j --image=busybox -- true", 1, "the sandbox has no jobs in batch/v1"),
        .fails("create cronjob j --image=busybox --schedule='* * * * *' -- true", 1, "the sandbox has no cronjobs in batch/v1"),
        .fails("create ingress i --rule=a/b=web:80", 1, "the sandbox has no ingresses"),
        .fails("create priorityclass p --value=1", 1, "the sandbox has no priorityclasses"),
        .fails("autoscale deployment/web --min=1 --max=3", 1, ""),
        .fails("apply -f $F/job.yaml", 1, #"no matches for kind "Job""#),
        .works("create configmap c --from-literal=a=b", "created"), .works("create secret generic s --from-literal=a=b", "created"),
        .works("create quota q --hard=pods=60", "created"), .works("create service clusterip x --tcp=80:80", "created"),
        .works("create pdb p --selector=app=none --min-available=1", "created", before: (21, 1, "no matches for kind")),
        .works("create deployment other --image=busybox -- sh -c 'while true; do sleep 0.5; done'", "created"),
        .works("create -f $F/config.yaml", "configmap/ssa created"), .fails("create -f $F/config.yaml", 1, "already exists"),
        .fails("create --raw /api/v1/namespaces/$N/configmaps -f $F/config.yaml", 1, "the request's body is no valid JSON\n"),
        .works("run once --image=busybox --restart=Never -- sh -c 'echo once'", "created"),
        .works("run it --image=busybox --restart=Never --rm -i -- sh -c 'echo said'", "does not attach"),
        .works("expose deployment web --port=81 --name=web2", "exposed"),
        .fails("apply --server-side -f $F/config.yaml", 1, "refuses server-side apply; use kubectl apply without --server-side"),
        .works("apply --dry-run=server -f $F/config.yaml", "configured (server dry run)", before: noDryRun),
        .works("apply -f $F/config.yaml", "configured"), .works("apply -f $F/config.yaml", "unchanged"),
        .works("diff -f $F/config.yaml", "", before: (24, 2, "doesn't support dry-run")),
        .fails("diff -f $F/changed.yaml", 1, #"+  a: "2""#, since: 24),
        .works("apply view-last-applied configmap ssa", "a:"), .works("replace -f $F/changed.yaml", "replaced"),
        .works("replace --force -f $F/config.yaml", "replaced"),
    ]

    private static let changing: [KubectlRow] = [
        .works("label deployment web x=y", "labeled"), .works("annotate deployment web x=y", "annotated"),
        .works("patch deployment web -p '{\"metadata\":{\"labels\":{\"z\":\"1\"}}}'", "patched"),
        .works("patch deployment web --type=merge -p '{\"metadata\":{\"labels\":{\"z\":\"2\"}}}'", "patched"),
        .works("patch deployment web --type=json -p '[{\"op\":\"remove\",\"path\":\"/metadata/labels/z\"}]'", "patched"),
        .works("set image deployment/web c=busybox:2", "image updated"),
        .works("rollout status deployment/web --timeout=30s", "successfully rolled out"),
        .works("rollout history deployment/web", "REVISION"), .works("rollout undo deployment/web", "rolled back"),
        .works("rollout pause deployment/web", "paused"), .works("set env deployment/web A=b", "env updated"),
        .works("set resources deployment/web --limits=memory=100Mi", "updated"),
        .works("set serviceaccount deployment/web default", "updated"),
        .works("rollout resume deployment/web", "resumed"), .works("rollout restart statefulset/db", "restarted"),
        .works("rollout status statefulset/db --timeout=30s", "complete"),
        .works("rollout history statefulset/db --revision=2", "Pod Template"),
        .works("rollout undo statefulset/db", "rolled back"), .works("rollout status statefulset/db --timeout=30s", ""),
        .works("rollout restart daemonset/ds", "restarted"), .works("rollout undo daemonset/ds", "rolled back"),
        .works("rollout history daemonset/ds", "REVISION"),
        .works("scale deployment/web --replicas=2", "scaled"),
        .works("patch deployment web --subresource=scale --type=merge -p '{\"spec\":{\"replicas\":1}}'", "patched", since: 24),
        .works("get deployment web --subresource=status", "web", since: 24),
        .works("wait --for=condition=Available deployment/web --timeout=20s", "condition met"),
        .works("wait --for=jsonpath='{.status.replicas}'=1 deployment/web --timeout=20s", "condition met", since: 24),
        .works("wait --for=condition=Ready pod/db-0 --timeout=20s", "condition met"),
        .fails("wait --for=condition=None pod/db-0 --timeout=1s", 1, "timed out"),
    ]

    private static let containers: [KubectlRow] = [
        .works("logs deployment/web", "up"), .fails("logs db-0 --previous", 1, "previous terminated container"),
        .fails("logs db-0 -c none", 1, "container none is not valid for pod db-0"), .fails("logs none", 1, "not found"),
        .works("logs -l app=web --prefix --timestamps", "up"),
        .fails("exec db-0 -- sh -c 'echo said; exit 7'", 7, "said", before: noSPDY),
        .fails("exec db-0 -- nosuchprogram", 127, "No such file", before: noSPDY),
        .fails("exec db-0 -c none -- true", 1, "container none is not valid for pod db-0"), .fails("exec none -- true", 1, "not found"),
        .works("cp $F/config.yaml db-0:/tmp/copied", "", before: noSPDY),
        .works("exec db-0 -- cat /tmp/copied", "ssa", before: noSPDY), .works("cp db-0:/tmp/copied $F/back.yaml", "", before: noSPDY),
        .fails("attach db-0", 1, "the sandbox does not attach to running containers; use kubectl exec or kubectl logs -f"),
        .fails("port-forward service/web :80", 1, "the sandbox forwards no ports"),
        .fails("debug db-0 --image=busybox -c dbg", 1, "the sandbox has no ephemeral containers"),
        .fails("debug node/worker-1 --image=busybox -- true", 1, "the sandbox does not read a Pod sent as protobuf", since: 32),
    ]

    private static let nodes: [KubectlRow] = [
        .works("cordon worker-3", "cordoned"), .works("uncordon worker-3", "uncordoned"),
        .works("taint node worker-3 a=b:NoSchedule", "tainted"), .works("taint node worker-3 a-", "untainted"),
        .works("drain worker-3 --ignore-daemonsets --delete-emptydir-data --force --pod-selector=app=web --timeout=30s", "drained"),
        .works("uncordon worker-3", "uncordoned"),
    ]

    private static let ending: [KubectlRow] = [
        .works("delete pod once --now", "deleted"), .fails("delete pod none", 1, "not found"),
        .works("delete deployment other --cascade=orphan", "deleted"), .works("delete configmap,secret --all", "deleted"),
        .works("delete all --all --timeout=30s --grace-period=1", "deleted"), .works("delete namespace $N --timeout=30s", "deleted"),
    ]
}
