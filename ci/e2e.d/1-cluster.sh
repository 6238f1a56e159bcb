# shellcheck shell=bash
# The cluster itself, before anything is built on it: volumes, addresses and a lost node behave as the experiments need.

source "$STATE/run/settings" # workers
make_namespace e2e-cluster
k() { kubectl --namespace e2e-cluster "$@"; }

nodes_ready() { [ "$(kubectl get nodes --no-headers | awk '$2 == "Ready"' | wc -l)" = "$workers" ]; }
check "all $workers workers are Ready" eventually 60 nodes_ready

# a small server as SQL Server's image is: not root, its data on a volume with fsGroup
k apply -f - >/dev/null <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: server}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      terminationGracePeriodSeconds: 2
      securityContext: {runAsUser: 10001, fsGroup: 10001}
      containers:
      - name: server
        image: localhost/busybox:1
        command: [sh, -c, 'echo "$HOSTNAME" >>/data/starts; exec httpd -f -p 8080 -h /data']
        readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Service
metadata: {name: server}
spec: {type: LoadBalancer, selector: {app: server}, ports: [{port: 80, targetPort: 8080}]}
YAML
check "a pod that is not root writes to a volume of the default class" k rollout status deployment/server --timeout=60s
has_address() { k get service server -o json | jq -e '.status.loadBalancer.ingress[0].ip | startswith("172.30.0.2")'; }
check "a LoadBalancer Service gets an address" eventually 30 has_address

balancer=$(k get service server -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
cluster_ip=$(k get service server -o jsonpath='{.spec.clusterIP}')
starts() { curl --silent --show-error --max-time 2 "http://$1/starts"; }
check "the host reaches the LoadBalancer address" eventually 30 starts "$balancer"
check "the host reaches the ClusterIP" eventually 30 starts "$cluster_ip"
check "a worker reaches the LoadBalancer address" "$HERE/node" enter 1 curl --silent --show-error --max-time 2 "http://$balancer/starts"

node=$(k get pod -l app=server -o jsonpath='{.items[0].spec.nodeName}')
neighbour=$((${node#worker} % workers + 1))
reaches_it() { "$HERE/node" enter $neighbour busybox ping -c 1 -W 1 "$(worker_address "${node#worker}")"; }
check "a worker reaches another" reaches_it
volume=$(k get persistentvolumeclaim data -o jsonpath='{.spec.volumeName}')
started_twice() { [ "$(starts "$balancer" | wc -l)" = 2 ]; }
"$HERE/node" poweroff "${node#worker}"
check "a worker without power is noticed" kubectl wait --for=condition=Ready=Unknown "node/$node" --timeout=120s
check "the pod runs on another worker, with the same data behind the same address" eventually 120 started_twice
check "the volume is the same" [ "$(k get persistentvolumeclaim data -o jsonpath='{.spec.volumeName}')" = "$volume" ]
"$HERE/node" start "${node#worker}"
check "the worker comes back" eventually 60 nodes_ready
check "the other worker reaches it at once" reaches_it

# The kubelet of a worker that is back looks at a pod that was Terminating before only in its next round, which comes once a minute.
check "the claim goes with its last pod" k delete persistentvolumeclaim,deployment,service --all --timeout=180s
volume_gone() { ! kubectl get persistentvolume "$volume" && [ ! -e "$STATE/volumes/$volume" ]; }
check "a volume goes with its claim" eventually 30 volume_gone
