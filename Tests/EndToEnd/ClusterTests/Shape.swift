/// A manifest of the kinds that people have: a server behind a Service, in a namespace of its name.
struct Shape: Sendable {
    let name: String
    let workload: String
    var service = "db"
    /// Everything beside the Namespace and the Secret `login` with the key `password`.
    let objects: String

    static let password = "Under-Test-1"

    var manifest: String {
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: \(name)}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: login, namespace: \(name)}
        stringData: {password: \(Self.password), MSSQL_SA_PASSWORD: \(Self.password), ACCEPT_EULA: "Y"}
        ---
        \(objects.replacing("NAMESPACE", with: name))
        """
    }

    func experiment(_ fault: String = "podDelete: {}", giveUpAfter: String = "40s", more: String = "") -> String {
        """
        apiVersion: aftershock/v1
        kind: Experiment
        metadata: {name: \(name)}
        spec:
          target:
            namespace: \(name)
            workload: \(workload)
            service: \(service)
            login: {user: sa, passwordFrom: {secret: login, key: password}}
            encryption: {trustServerCertificate: true}
          fault: {\(fault)}
          probes: {connect: {interval: 200ms}, session: {interval: 200ms}, login: {interval: 500ms}}
          ledger: {writers: 1, interval: 100ms, seedRows: 50}
          steadyFor: 1s
          stableFor: 1s
          giveUpAfter: \(giveUpAfter)
          \(more)
        """
    }
}

extension Shape {
    static let targetable = [
        ordinalService, exporterFirst, chownedVolume, probedWithSQLCommand, twoServices, fileGroup, nativeSidecar,
    ]

    private static let claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: files, namespace: NAMESPACE}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
        """

    private static let environment = """
        [{name: ACCEPT_EULA, value: "Y"}, {name: MSSQL_PID, value: Developer}, \
        {name: MSSQL_SA_PASSWORD, valueFrom: {secretKeyRef: {name: login, key: password}}}]
        """

    /// One Service for each ordinal of a StatefulSet, and a start script that copies a configuration.
    static let ordinalService = Shape(
        name: "ordinal-service", workload: "statefulset/server", service: "server-0-outside",
        objects: """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: configuration, namespace: NAMESPACE}
            data: {mssql.conf: "[EULA]\\naccepteula = Y\\n[hadr]\\nhadrenabled = 1\\n"}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: members, namespace: NAMESPACE}
            spec: {clusterIP: None, selector: {app: server}, ports: [{port: 1433}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: server-0-outside, namespace: NAMESPACE}
            spec:
              type: LoadBalancer
              externalTrafficPolicy: Local
              selector: {statefulset.kubernetes.io/pod-name: server-0}
              ports: [{port: 1433, targetPort: 1433}]
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: server, namespace: NAMESPACE}
            spec:
              serviceName: members
              replicas: 1
              selector: {matchLabels: {app: server}}
              template:
                metadata: {labels: {app: server}}
                spec:
                  securityContext: {fsGroup: 10001}
                  containers:
                    - name: engine
                      image: mcr.microsoft.com/mssql/server:2022-latest
                      command: [/bin/bash, -c, "cp /configuration/mssql.conf /var/opt/mssql/mssql.conf && /opt/mssql/bin/sqlservr"]
                      ports: [{containerPort: 1433}]
                      readinessProbe: {tcpSocket: {port: 1433}, periodSeconds: 1}
                      env: \(environment)
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql}, {name: configuration, mountPath: /configuration}]
                  volumes: [{name: configuration, configMap: {name: configuration}}]
              volumeClaimTemplates:
                - metadata: {name: files}
                  spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
            """)

    /// The server is neither the first container nor its port the Service's first.
    static let exporterFirst = Shape(
        name: "exporter-first", workload: "deployment/db",
        objects: """
            \(claim)
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: db, namespace: NAMESPACE}
            spec:
              strategy: {type: Recreate}
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  securityContext: {fsGroup: 10001}
                  containers:
                    - name: exporter
                      image: prom/sql-exporter:latest
                      command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.5; done"]
                      ports: [{name: metrics, containerPort: 9399}]
                    - name: engine
                      image: mcr.microsoft.com/mssql/server:2022-CU14-ubuntu-22.04
                      envFrom: [{secretRef: {name: login}}]
                      ports: [{name: sql, containerPort: 1433}]
                      lifecycle: {preStop: {exec: {command: [/bin/sh, -c, sleep 0.5]}}}
                      readinessProbe: {tcpSocket: {port: sql}, periodSeconds: 1}
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql}]
                  volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: NAMESPACE}
            spec:
              selector: {app: db}
              ports: [{name: metrics, port: 9399}, {name: sql, port: 1433, targetPort: sql}]
            """)

    /// An init container that gives the volume to the server's user; probes in a shell; another port outside than inside.
    static let chownedVolume = Shape(
        name: "chowned-volume", workload: "statefulset/db",
        objects: """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db, namespace: NAMESPACE}
            spec:
              serviceName: members
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  securityContext: {fsGroup: 10001}
                  initContainers:
                    - name: owner
                      image: busybox
                      command: [sh, -c, "chown -R 10001:0 /var/opt/mssql"]
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql}]
                  containers:
                    - name: engine
                      image: mcr.microsoft.com/mssql/server:2022-latest
                      ports: [{name: tcpsql, containerPort: 1433}]
                      env: \(environment)
                      resources: {requests: {memory: 2Gi, cpu: 500m}, limits: {memory: 4Gi, cpu: "2"}}
                      readinessProbe: &probe
                        exec: {command: [sh, -c, '/opt/mssql-tools/bin/sqlcmd -S localhost -U sa -P "$MSSQL_SA_PASSWORD" -Q "SELECT 1"']}
                        periodSeconds: 2
                        timeoutSeconds: 10
                        failureThreshold: 30
                      livenessProbe: *probe
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql}]
              volumeClaimTemplates:
                - metadata: {name: files}
                  spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: NAMESPACE}
            spec: {type: LoadBalancer, selector: {app: db}, ports: [{name: tds, port: 31433, targetPort: tcpsql}]}
            """)

    /// As much as a careful author writes, with the probes of sqlcmd 18.
    static let probedWithSQLCommand = Shape(
        name: "probed-with-sqlcmd", workload: "statefulset/db",
        objects: """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db, namespace: NAMESPACE}
            spec:
              serviceName: db
              revisionHistoryLimit: 2
              podManagementPolicy: Parallel
              updateStrategy: {type: OnDelete}
              persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  securityContext:
                    {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, fsGroupChangePolicy: OnRootMismatch}
                  nodeSelector: {kubernetes.io/os: linux}
                  tolerations: [{key: CriticalAddonsOnly, operator: Equal, value: "true"}]
                  topologySpreadConstraints:
                    - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: db}}}
                  serviceAccountName: default
                  automountServiceAccountToken: false
                  enableServiceLinks: false
                  containers:
                    - name: engine
                      image: mcr.microsoft.com/mssql/server:2022-latest
                      imagePullPolicy: IfNotPresent
                      securityContext:
                        privileged: false
                        allowPrivilegeEscalation: false
                        capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
                      ports: [{name: mssql, containerPort: 1433}]
                      env: \(environment)
                      startupProbe: &probe
                        exec:
                          command: [/opt/mssql-tools18/bin/sqlcmd, -C, -S, localhost, -U, sa, -P, \(password), -Q, SELECT 1, -b, -o, /dev/null]
                        periodSeconds: 2
                        timeoutSeconds: 10
                        failureThreshold: 30
                      readinessProbe: *probe
                      livenessProbe: {tcpSocket: {port: mssql}, periodSeconds: 5}
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql}]
              volumeClaimTemplates:
                - metadata: {name: files}
                  spec: {accessModes: [ReadWriteOncePod], storageClassName: standard, resources: {requests: {storage: 10Gi}}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: NAMESPACE}
            spec: {selector: {app: db}, ports: [{name: mssql, port: 1433, targetPort: mssql}]}
            """)

    /// An address inside and one outside, the folder of the data alone on the volume, and a claim that many may mount.
    static let twoServices = Shape(
        name: "two-services", workload: "deployment/db", service: "db-outside",
        objects: """
            \(claim.replacing("ReadWriteOnce", with: "ReadWriteMany"))
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: db, namespace: NAMESPACE}
            spec:
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  containers:
                    - name: engine
                      image: mcr.microsoft.com/mssql/server:2017-latest
                      ports: [{containerPort: 1433}]
                      env: \(environment.replacing("MSSQL_SA_PASSWORD", with: "SA_PASSWORD").replacing("Developer", with: "Express"))
                      volumeMounts: [{name: files, mountPath: /var/opt/mssql/data}]
                  volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db-inside, namespace: NAMESPACE}
            spec: {type: ClusterIP, selector: {app: db}, ports: [{name: mssql, port: 1433, targetPort: 1433}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db-outside, namespace: NAMESPACE}
            spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 1433, targetPort: 1433}]}
            """)

    /// Microsoft's own Deployment.
    static let fileGroup = Shape(
        name: "file-group", workload: "deployment/db",
        objects: """
            \(claim)
            ---
            \(deployment("""
                      hostname: sqlhost
                      terminationGracePeriodSeconds: 10
                      securityContext: {fsGroup: 10001}
                      volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]
                """))
            """)

    /// A helper that starts before the server and ends after it.
    static let nativeSidecar = Shape(
        name: "native-sidecar", workload: "deployment/db",
        objects: """
            \(claim)
            ---
            \(deployment("""
                      initContainers:
                        - name: shipper
                          image: busybox
                          restartPolicy: Always
                          command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.5; done"]
                      volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]
                """))
            """)

    /// The files live as long as the pod.
    static let withoutClaim = Shape(
        name: "without-claim", workload: "deployment/db", objects: deployment("      volumes: [{name: files, emptyDir: {}}]"))

    /// A Deployment `db` of one server, and its Service; `more` are lines of the pod's spec.
    private static func deployment(_ more: String) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: db, namespace: NAMESPACE}
        spec:
          strategy: {type: Recreate}
          selector: {matchLabels: {app: db}}
          template:
            metadata: {labels: {app: db}}
            spec:
              containers:
                - name: engine
                  image: mcr.microsoft.com/mssql/server:2019-latest
                  ports: [{containerPort: 1433}]
                  env: \(environment)
                  volumeMounts: [{name: files, mountPath: /var/opt/mssql}]
        \(more)
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: db, namespace: NAMESPACE}
        spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 1433}]}
        """
    }
}
