import Foundation

/// The kubeconfigs of the table, by their theme.
extension KubeconfigCase {
    static let all = shapes + values + encodings + trust + servers + users + plugins + namespaces + lists + flags + proxies

    private static let anonymous = Expectation.oursWorks("kubectl asks at the terminal for a user name")

    /// Present, missing and empty parts.
    private static let shapes: [Self] = [
        .init("plain", kubeconfig()),
        .init("without kind and version", kubeconfig(head: "")),
        .init("empty kind and version", kubeconfig(head: "apiVersion: ''\nkind: ''\n")),
        .init("another kind", kubeconfig(head: "apiVersion: v1\nkind: Secret\n")),
        .init("another version", kubeconfig(head: "apiVersion: v2\nkind: Config\n")),
        .init("an empty file", ""), .init("comments only", "# nothing\n"), .init("a null document", "---\n"),
        .init("a text", "hello\n"), .init("a list", "[]\n"), .init("no file", files: [:]),
        .init("no current context", kubeconfig(current: nil)), .init("an empty current context", kubeconfig(current: "''")),
        .init("a current context that is not there", kubeconfig(current: "y")),
        .init("no contexts", kubeconfig(context: nil)), .init("an empty context", kubeconfig(context: "")),
        .init("no clusters", kubeconfig(cluster: nil)), .init("an empty cluster", kubeconfig(cluster: "")),
        .init("no server", kubeconfig(cluster: "certificate-authority-data: CADATA")),
        .init("an empty server", kubeconfig(cluster: "server: '', certificate-authority-data: CADATA")),
        .init("a cluster that is not there", kubeconfig(context: "cluster: gone, user: u")),
        .init("a context without cluster", kubeconfig(context: "user: u")),
        .init("no users", kubeconfig(user: nil), anonymous),
        .init("a context without user", kubeconfig(context: "cluster: c"), anonymous),
        .init("a context with an empty user", kubeconfig(context: "cluster: c, user: ''"), anonymous),
        .init("a user that is not there", kubeconfig(context: "cluster: c, user: gone"), anonymous),
        .init("a user without anything", kubeconfig(user: ""), anonymous),
        .init("a null user", kubeconfig().replacingOccurrences(of: "user: {token: tok}", with: "user: null"), anonymous),
        .init("a context without a name", kubeconfig(current: nil).replacingOccurrences(of: "{name: x, ", with: "{")),
        .init("a cluster without a name", kubeconfig(context: "user: u").replacingOccurrences(of: "{name: c, ", with: "{")),
        .init("a user without a name", kubeconfig(context: "cluster: c").replacingOccurrences(of: "{name: u, ", with: "{")),
        .init("null lists", kubeconfig() + "extensions: null\npreferences: null\n"),
        .init("unknown members", kubeconfig(cluster: "server: SERVER, certificate-authority-data: CADATA, x: [1]") + "more: {a: 1}\n"),
        .init("preferences and extensions", kubeconfig() + "preferences: {colors: true}\nextensions: [{name: e, extension: {a: 1}}]\n"),
        .init("a name twice", kubeconfig().replacingOccurrences(of: "users: [", with: "users: [{name: u, user: {token: other}}, ")),
        .init("a null entry", kubeconfig().replacingOccurrences(of: "users: [", with: "users: [null, ")),
        .init("members in another case", kubeconfig().replacingOccurrences(of: "users:", with: "Users:"), anonymous),
        .init("a map in place of a list", kubeconfig(user: nil) + "users: {u: {token: tok}}\n"),
    ]

    /// YAML's types, tags and shorthands.
    private static let values: [Self] = [
        .init("a number as token", kubeconfig(user: "token: 123")), .init("a quoted number", kubeconfig(user: "token: '123'")),
        .init("a number tagged as text", kubeconfig(user: "token: !!str 123")),
        .init("a tag of one's own", kubeconfig(user: "token: !mine tok")),
        .init("base64 by its tag", kubeconfig(user: "token: !!binary dG9r")),
        .init("a date as token", kubeconfig(user: "token: 2020-01-01")), .init("a time as token", kubeconfig(user: "token: 1:20")),
        .init("a decimal as token", kubeconfig(user: "token: 1.5")), .init("a truth as token", kubeconfig(user: "token: yes")),
        .init("null as token", kubeconfig(user: "token: ~, username: me, password: pw")),
        .init("an octal as password", kubeconfig(user: "username: me, password: 0123")),
        .init("yes as true", kubeconfig(cluster: "server: SERVER, insecure-skip-tls-verify: yes")),
        .init("on as true", kubeconfig(cluster: "server: SERVER, insecure-skip-tls-verify: on")),
        .init("y as true", kubeconfig(cluster: "server: SERVER, insecure-skip-tls-verify: y")),
        .init("off as false", kubeconfig(cluster: "server: SERVER, certificate-authority-data: CADATA, insecure-skip-tls-verify: off")),
        .init("a text as true", kubeconfig(cluster: "server: SERVER, insecure-skip-tls-verify: 'true'")),
        .init("no as namespace", kubeconfig(context: "cluster: c, user: u, namespace: no")),
        .init("a number as namespace", kubeconfig(context: "cluster: c, user: u, namespace: 12")),
        .init("an anchor and an alias", "t: &t tok\n" + kubeconfig(user: "token: *t")),
        .init("a merged mapping", "t: &t {token: tok}\n" + kubeconfig(user: "<<: *t")),
        .init("two documents", kubeconfig() + "---\ncurrent-context: other\n"),
        .init("a directive", "%YAML 1.1\n---\n" + kubeconfig()), .init("broken YAML", kubeconfig() + "users: [\n"),
        .init(
            "a block scalar", kubeconfig(user: nil) + "users:\n- name: u\n  user:\n    token: >-\n      tok\n"),
        .init("a token with a space at its end", kubeconfig(user: "token: 'tok '")),
        .init(
            "JSON",
            #"{"kind": "Config", "apiVersion": "v1", "current-context": "x", "clusters": [{"name": "c", "cluster": {"server": "SERVER", "certificate-authority-data": "CADATA"}}], "users": [{"name": "u", "user": {"token": "tok"}}], "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}]}"#
        ),
        .init(
            "JSON with tabs",
            "{\n\t\"current-context\": \"x\",\n\t\"clusters\": [{\"name\": \"c\", \"cluster\": {\"server\": \"SERVER\", \"certificate-authority-data\": \"CADATA\"}}],\n\t\"users\": [{\"name\": \"u\", \"user\": {\"token\": \"tok\"}}],\n\t\"contexts\": [{\"name\": \"x\", \"context\": {\"cluster\": \"c\", \"user\": \"u\"}}]\n}\n"
        ),
        .init(
            "a key twice", kubeconfig() + "current-context: x\n", .oursRefuses("YAML forbids it, and which one is meant cannot be told")),
    ]

    private static let encodings: [Self] = [
        .init("UTF-8 with a mark", kubeconfig()).with(mark: [0xEF, 0xBB, 0xBF]),
        .init("UTF-16, little end first", kubeconfig()).with(encoding: .utf16LittleEndian, mark: [0xFF, 0xFE]),
        .init("UTF-16, big end first", kubeconfig()).with(encoding: .utf16BigEndian, mark: [0xFE, 0xFF]),
        .init("UTF-16 without a mark", kubeconfig()).with(encoding: .utf16LittleEndian),
        .init("Latin 1", kubeconfig(current: "\u{E4}")).with(encoding: .isoLatin1),
        .init("letters beyond ASCII", kubeconfig(current: "\u{E4}").replacingOccurrences(of: "name: x", with: "name: \u{E4}")),
        .init("line ends of Windows", kubeconfig().replacingOccurrences(of: "\n", with: "\r\n")),
        .init("UTF-16 with line ends of Windows", kubeconfig().replacingOccurrences(of: "\n", with: "\r\n"))
            .with(encoding: .utf16LittleEndian, mark: [0xFF, 0xFE]),
    ]

    private static let trust: [Self] = [
        .init("an authority in a file", kubeconfig(cluster: "server: SERVER, certificate-authority: pki/ca.crt"))
            .with(files: [".kube/pki/ca.crt": "CATEXT"]),
        .init("an authority in a file with a full path", kubeconfig(cluster: "server: SERVER, certificate-authority: FOLDER/ca.crt"))
            .with(files: ["ca.crt": "CATEXT"]),
        .init("an authority in a file above", kubeconfig(cluster: "server: SERVER, certificate-authority: ../ca.crt"))
            .with(files: ["ca.crt": "CATEXT"]),
        .init("an authority in a file that is not there", kubeconfig(cluster: "server: SERVER, certificate-authority: gone.crt")),
        .init("another authority", kubeconfig(cluster: "server: SERVER, certificate-authority-data: OTHERCADATA")),
        .init("two authorities", kubeconfig(cluster: "server: SERVER, certificate-authority: ca.crt")).with(
            files: [".kube/ca.crt": "OTHERCATEXT\nCATEXT"]),
        .init("an intermediate authority", kubeconfig(cluster: "server: INNER, certificate-authority-data: INNERDATA")),
        .init("no authority", kubeconfig(cluster: "server: SERVER")),
        .init("an empty authority", kubeconfig(cluster: "server: SERVER, certificate-authority-data: ''")),
        .init("an authority that is no base64", kubeconfig(cluster: "server: SERVER, certificate-authority-data: '%%'")),
        .init("an authority that is no PEM", kubeconfig(cluster: "server: SERVER, certificate-authority-data: aGVsbG8=")),
        .init(
            "an authority as file and data",
            kubeconfig(cluster: "server: SERVER, certificate-authority: ca.crt, certificate-authority-data: CADATA")
        ).with(files: [".kube/ca.crt": "CATEXT"]),
        .init("no verification", kubeconfig(cluster: "server: SERVER, insecure-skip-tls-verify: true")),
        .init(
            "no verification, and an authority",
            kubeconfig(cluster: "server: SERVER, certificate-authority-data: CADATA, insecure-skip-tls-verify: true")),
        .init(
            "another name", kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA, tls-server-name: inner.test")),
        .init("a name that is not in the certificate", kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA")),
        .init(
            "an address as name", kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA, tls-server-name: 10.1.2.3")),
        .init(
            "an address of IPv6 as name",
            kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA, tls-server-name: 'fd00::1'")),
        .init(
            "a wrong name", kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA, tls-server-name: outer.test")),
        .init("an empty name", kubeconfig(cluster: "server: SERVER, certificate-authority-data: CADATA, tls-server-name: ''")),
    ]

    private static let servers: [Self] = [
        .init("a path", kubeconfig(cluster: "server: SERVER/base, certificate-authority-data: CADATA")),
        .init("a path with a slash at its end", kubeconfig(cluster: "server: SERVER/base/, certificate-authority-data: CADATA")),
        .init("a slash at the end", kubeconfig(cluster: "server: SERVER/, certificate-authority-data: CADATA")),
        .init("a scheme in capitals", kubeconfig(cluster: "server: 'HTTPS://SERVERAUTHORITY', certificate-authority-data: CADATA")),
        .init("plain HTTP gets no token", kubeconfig(cluster: "server: PLAIN")),
        .init(
            "plain HTTP gets no certificate",
            kubeconfig(cluster: "server: PLAIN", user: "client-certificate-data: CERTDATA, client-key-data: KEYDATA")),
        .init("plain HTTP gets the impersonation", kubeconfig(cluster: "server: PLAIN", user: "token: tok, as: alice")),
        .init("no scheme is plain HTTP", kubeconfig(cluster: "server: PLAINAUTHORITY")),
        .init("localhost", kubeconfig(cluster: "server: 'https://localhost:SERVERPORT', certificate-authority-data: CADATA")),
        .init("another scheme", kubeconfig(cluster: "server: 'ftp://127.0.0.1'")),
        .init("no host", kubeconfig(cluster: "server: 'https://'")),
        .init("the server from the environment", kubeconfig(cluster: nil)).with(environment: ["KUBERNETES_MASTER": "PLAIN"]),
        .init("a server beside the environment's", kubeconfig()).with(environment: ["KUBERNETES_MASTER": "PLAIN"]),
    ]

    private static let users: [Self] = [
        .init("a token file", kubeconfig(user: "tokenFile: t")).with(files: [".kube/t": "from-file\n"]),
        .init("a token and a token file", kubeconfig(user: "token: tok, tokenFile: t")).with(files: [".kube/t": "from-file\n"]),
        .init("a token and a token file that is not there", kubeconfig(user: "token: tok, tokenFile: gone")),
        .init("a token file that is not there", kubeconfig(user: "tokenFile: gone")),
        .init("a token file with a full path", kubeconfig(user: "tokenFile: FOLDER/t")).with(files: ["t": "  from-file \n\n"]),
        .init("a token that is refused", kubeconfig(user: "token: refused")),
        .init("an empty token", kubeconfig(user: "token: '', tokenFile: t")).with(files: [".kube/t": "from-file"]),
        .init("user name and password", kubeconfig(user: "username: me, password: 'p:w'")),
        .init("a user name", kubeconfig(user: "username: me")),
        .init("a token and a user name", kubeconfig(user: "token: tok, username: me")),
        .init("a token and a password", kubeconfig(user: "token: tok, password: pw")),
        .init("a token file and a user name", kubeconfig(user: "tokenFile: t, username: me")).with(files: [".kube/t": "from-file"]),
        .init("a certificate", kubeconfig(user: "client-certificate-data: CERTDATA, client-key-data: KEYDATA")),
        .init("a certificate in files", kubeconfig(user: "client-certificate: a.crt, client-key: a.key"))
            .with(files: [".kube/a.crt": "CERTTEXT", ".kube/a.key": "KEYTEXT"]),
        .init("certificate and key in one file", kubeconfig(user: "client-certificate: a.pem, client-key: a.pem"))
            .with(files: [".kube/a.pem": "KEYTEXT\nCERTTEXT"]),
        .init("a certificate and a token", kubeconfig(user: "client-certificate-data: CERTDATA, client-key-data: KEYDATA, token: tok")),
        .init(
            "a certificate and a password",
            kubeconfig(user: "client-certificate-data: CERTDATA, client-key-data: KEYDATA, username: a, password: b")),
        .init("a certificate without its key", kubeconfig(user: "client-certificate-data: CERTDATA")),
        .init("a key without its certificate", kubeconfig(user: "client-key-data: KEYDATA, token: tok")),
        .init("a certificate that is not there", kubeconfig(user: "client-certificate: gone.crt, client-key: gone.key")),
        .init("a certificate with another key", kubeconfig(user: "client-certificate-data: CERTDATA, client-key-data: OTHERKEYDATA")),
        .init(
            "a certificate as file and data",
            kubeconfig(user: "client-certificate: a.crt, client-certificate-data: CERTDATA, client-key-data: KEYDATA")
        ).with(files: [".kube/a.crt": "CERTTEXT"]),
        .init("impersonation", kubeconfig(user: "token: tok, as: alice, as-uid: '7', as-groups: [g1, g2], as-user-extra: {Scope: [a, b]}")),
        .init("groups to impersonate without a user", kubeconfig(user: "token: tok, as-groups: [g1]")),
        .init("an empty user to impersonate", kubeconfig(user: "token: tok, as: ''")),
    ]

    private static func plugin(_ more: String = "", command: String = "bin/plugin", version: String = "v1") -> String {
        let mode = version == "v1" ? ", interactiveMode: Never" : ""
        return "exec: {apiVersion: client.authentication.k8s.io/\(version), command: \(command)\(mode)\(more)}"
    }

    private static func script(_ status: String, version: String = "v1") -> String {
        let answer = #"{"apiVersion": "client.authentication.k8s.io/\#(version)", "kind": "ExecCredential", "status": \#(status)}"#
        return "#!/bin/sh\ncat <<EOF\n\(answer)\nEOF\n"
    }

    private static let plugins: [Self] = [
        .init("a plugin", kubeconfig(user: plugin())).with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#)]),
        .init("a plugin of v1beta1", kubeconfig(user: plugin(version: "v1beta1")))
            .with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#, version: "v1beta1")]),
        .init("a plugin of v1alpha1", kubeconfig(user: plugin(version: "v1alpha1")))
            .with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#, version: "v1alpha1")]),
        .init("a plugin by its name", kubeconfig(user: plugin(command: "plugin"))).with(
            files: ["bin/plugin": script(#"{"token": "issued"}"#)], environment: ["PATH": "FOLDER/bin:/usr/bin:/bin"]),
        .init("a plugin with arguments and a variable", kubeconfig(user: plugin(", args: [a b, c], env: [{name: V, value: v}]")))
            .with(files: [".kube/bin/plugin": script(#"{"token": "$1-$2-$V"}"#)]),
        .init("a plugin that issues a certificate", kubeconfig(user: plugin()))
            .with(files: [".kube/bin/plugin": script(#"{"clientCertificateData": "CERTLINE", "clientKeyData": "KEYLINE"}"#)]),
        .init("a plugin that answers in another version", kubeconfig(user: plugin()))
            .with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#, version: "v1beta1")]),
        .init("a plugin that fails", kubeconfig(user: plugin())).with(files: [".kube/bin/plugin": "#!/bin/sh\nexit 3\n"]),
        .init("a plugin that is not there", kubeconfig(user: plugin(command: "no-such-plugin"))),
        .init("a plugin without a mode", kubeconfig(user: plugin().replacingOccurrences(of: ", interactiveMode: Never", with: ""))),
        .init("a plugin that needs a terminal", kubeconfig(user: plugin().replacingOccurrences(of: "Never", with: "Always")))
            .with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#)]),
        .init("a plugin without a command", kubeconfig(user: plugin(command: "''"))),
        .init("a plugin and a token", kubeconfig(user: "token: tok, " + plugin())).with(files: [".kube/bin/plugin": "#!/bin/sh\nexit 3\n"]),
        .init("a plugin and a token file", kubeconfig(user: "tokenFile: t, " + plugin()))
            .with(files: [".kube/bin/plugin": "#!/bin/sh\nexit 3\n", ".kube/t": "from-file"]),
        .init("a plugin and a password", kubeconfig(user: "username: me, password: pw, " + plugin()))
            .with(files: [".kube/bin/plugin": "#!/bin/sh\nexit 3\n"]),
        .init("a plugin and a certificate", kubeconfig(user: "client-certificate-data: CERTDATA, client-key-data: KEYDATA, " + plugin()))
            .with(files: [".kube/bin/plugin": "#!/bin/sh\nexit 3\n"]),
        .init("a plugin and an auth-provider", kubeconfig(user: "auth-provider: {name: oidc, config: {id-token: a.b.c}}, " + plugin()))
            .with(files: [".kube/bin/plugin": script(#"{"token": "issued"}"#)]),
        .init("a plugin that is told the cluster", kubeconfig(user: plugin(", provideClusterInfo: true")))
            .with(files: [
                ".kube/bin/plugin":
                    "#!/bin/sh\ncase \"$KUBERNETES_EXEC_INFO\" in *certificate-authority-data*) t=told;; *) t=untold;; esac\n"
                    + script(#"{"token": "$t"}"#).dropFirst(10)
            ]),
    ]

    private static let pod = ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "SERVERPORT"]

    private static let namespaces: [Self] = [
        .init("the context's namespace", kubeconfig(context: "cluster: c, user: u, namespace: sql")),
        .init("an empty namespace", kubeconfig(context: "cluster: c, user: u, namespace: ''")),
        .init("a namespace by flag", kubeconfig(context: "cluster: c, user: u, namespace: sql")).with(flags: ["namespace": "flag"]),
        .init("in a pod without a ServiceAccount's files", kubeconfig()).with(environment: pod),
    ]

    private static let lists: [Self] = [
        .init("KUBECONFIG", files: ["a": kubeconfig()], environment: ["KUBECONFIG": "FOLDER/a"]),
        .init("KUBECONFIG with a file that is not there", files: ["a": kubeconfig()], environment: ["KUBECONFIG": "FOLDER/gone:FOLDER/a"]),
        .init("KUBECONFIG with empty parts", files: ["a": kubeconfig()], environment: ["KUBECONFIG": ":FOLDER/a:"]),
        .init("KUBECONFIG with one file twice", files: ["a": kubeconfig()], environment: ["KUBECONFIG": "FOLDER/a:FOLDER/a"]),
        .init("KUBECONFIG of nothing but colons", files: [".kube/config": kubeconfig()], environment: ["KUBECONFIG": ":"]),
        .init("an empty KUBECONFIG", files: [".kube/config": kubeconfig()], environment: ["KUBECONFIG": ""]),
        .init(
            "KUBECONFIG counts before the home folder", files: [".kube/config": kubeconfig(), "a": kubeconfig(user: "token: other")],
            environment: ["KUBECONFIG": "FOLDER/a"]),
        .init(
            "the parts in three files",
            files: [
                "a": kubeconfig(cluster: nil, user: nil), "b": kubeconfig(user: nil, context: nil, current: nil),
                "c": kubeconfig(cluster: nil, context: nil, current: nil),
            ],
            environment: ["KUBECONFIG": "FOLDER/a:FOLDER/b:FOLDER/c"]),
        .init(
            "the first user wins as a whole", files: ["a": kubeconfig(user: "token: one"), "b": kubeconfig(user: "token: two, as: alice")],
            environment: ["KUBECONFIG": "FOLDER/a:FOLDER/b"]),
        .init(
            "an empty user wins as well", files: ["a": kubeconfig(user: "as: alice"), "b": kubeconfig(user: "token: two")],
            environment: ["KUBECONFIG": "FOLDER/b:FOLDER/a"]),
        .init(
            "the first current context wins", files: ["a": kubeconfig(current: "''"), "b": kubeconfig(current: "x")],
            environment: ["KUBECONFIG": "FOLDER/a:FOLDER/b"]),
        .init("a broken file in the list", files: ["a": kubeconfig(), "b": "users: ["], environment: ["KUBECONFIG": "FOLDER/a:FOLDER/b"]),
        .init("an empty file in the list", files: ["a": "", "b": kubeconfig()], environment: ["KUBECONFIG": "FOLDER/a:FOLDER/b"]),
        .init("a folder in the list", files: ["a": kubeconfig(), "d/x": ""], environment: ["KUBECONFIG": "FOLDER/d:FOLDER/a"]),
        .init(
            "paths of two folders",
            files: [
                "one/a": kubeconfig(cluster: "server: SERVER, certificate-authority: ca.crt", user: nil), "one/ca.crt": "CATEXT",
                "two/b": kubeconfig(cluster: nil, user: "tokenFile: t", context: nil, current: nil), "two/t": "from-two",
            ],
            environment: ["KUBECONFIG": "FOLDER/one/a:FOLDER/two/b"]),
        .init(
            "--kubeconfig", files: ["a": kubeconfig(), ".kube/config": kubeconfig(user: "token: other")], flags: ["kubeconfig": "FOLDER/a"]),
        .init(
            "--kubeconfig counts before KUBECONFIG", files: ["a": kubeconfig(), "b": kubeconfig(user: "token: other")],
            environment: ["KUBECONFIG": "FOLDER/b"], flags: ["kubeconfig": "FOLDER/a"]),
        .init("--kubeconfig that is not there", files: [".kube/config": kubeconfig()], flags: ["kubeconfig": "FOLDER/gone"]),
        .init(
            "--kubeconfig of a pipe", files: ["a": kubeconfig()], flags: ["kubeconfig": "FOLDER/a", "pipe": ""],
            expectation: .oursWorks("kubectl reads the file twice, and of a pipe nothing the second time")),
    ]

    private static let flags: [Self] = [
        .init("--context", kubeconfig(current: "gone")).with(flags: ["context": "x"]),
        .init("--context that is not there", kubeconfig()).with(flags: ["context": "gone"]),
        .init("--cluster", kubeconfig(context: "cluster: gone, user: u")).with(flags: ["cluster": "c"]),
        .init("--cluster that is not there", kubeconfig()).with(flags: ["cluster": "gone"]),
        .init("--user", kubeconfig(context: "cluster: c, user: gone")).with(flags: ["user": "u"]),
        .init("--user that is not there", kubeconfig()).with(flags: ["user": "gone"]),
        .init("--server", kubeconfig(cluster: "server: 'https://gone.test', certificate-authority-data: CADATA")).with(flags: [
            "server": "SERVER"
        ]),
        .init("--server of plain HTTP", kubeconfig()).with(flags: ["server": "PLAIN"]),
        .init("--as", kubeconfig()).with(flags: ["as": "alice"]),
        .init("--as over the file's", kubeconfig(user: "token: tok, as: bob")).with(flags: ["as": "alice"]),
        .init("--tls-server-name", kubeconfig(cluster: "server: NAMED, certificate-authority-data: CADATA")).with(flags: [
            "tls-server-name": "inner.test"
        ]),
        .init("--certificate-authority", kubeconfig(cluster: "server: SERVER, certificate-authority-data: OTHERCADATA"))
            .with(files: ["ca.crt": "CATEXT"], flags: ["certificate-authority": "FOLDER/ca.crt"]),
        .init("--insecure-skip-tls-verify", kubeconfig()).with(flags: ["insecure-skip-tls-verify": "true"]),
    ]

    private static func proxied(_ url: String) -> String {
        kubeconfig(cluster: "server: 'https://api.test:SERVERPORT', certificate-authority-data: CADATA, proxy-url: '\(url)'")
    }

    private static let far = kubeconfig(cluster: "server: 'https://api.test:SERVERPORT', certificate-authority-data: CADATA")
    private static let farPlain = kubeconfig(cluster: "server: 'http://api.test:PLAINPORT'")

    private static let proxies: [Self] =
        [
            .init("an HTTP proxy", proxied("http://127.0.0.1:PROXYPORT")),
            .init("an HTTPS proxy", proxied("https://127.0.0.1:TLSPROXYPORT"), .oursWorks("kubectl's WebSocket knows no proxy over TLS")),
            .init("a SOCKS proxy, which resolves the name", proxied("socks5://127.0.0.1:PROXYPORT")),
            .init(
                "a SOCKS proxy by libcurl's name", proxied("socks5h://127.0.0.1:PROXYPORT"), .oursWorks("kubectl knows it as socks5 only")),
            .init("an HTTP proxy with a login", proxied("http://me:secret@127.0.0.1:LOGINPORT")),
            .init("an HTTP proxy with an escaped login", proxied("http://me:sec%72et@127.0.0.1:LOGINPORT")),
            .init("a SOCKS proxy with a login", proxied("socks5://me:secret@127.0.0.1:LOGINPORT")),
            .init("an HTTP proxy with a wrong login", proxied("http://me:wrong@127.0.0.1:LOGINPORT")),
            .init("an HTTP proxy without the login", proxied("http://127.0.0.1:LOGINPORT")),
            .init("a SOCKS proxy with a wrong login", proxied("socks5://me:wrong@127.0.0.1:LOGINPORT")),
            .init("a proxy that is not there", proxied("http://127.0.0.1:1")),
            .init("a proxy without a scheme", proxied("127.0.0.1:PROXYPORT")),
            .init("a proxy of another kind", proxied("ftp://127.0.0.1:PROXYPORT")), .init("an empty proxy", proxied("")),
            .init(
                "a proxy to loopback, in the file",
                kubeconfig(cluster: "server: SERVER, certificate-authority-data: CADATA, proxy-url: 'http://127.0.0.1:PROXYPORT'")),
            .init(
                "a proxy to plain HTTP", kubeconfig(cluster: "server: 'http://api.test:PLAINPORT', proxy-url: 'http://127.0.0.1:PROXYPORT'")
            ),
            .init(
                "a SOCKS proxy to plain HTTP",
                kubeconfig(cluster: "server: 'http://api.test:PLAINPORT', proxy-url: 'socks5://127.0.0.1:PROXYPORT'")),
            .init(
                "a proxy and another name",
                kubeconfig(
                    cluster:
                        "server: NAMED, certificate-authority-data: CADATA, tls-server-name: inner.test, proxy-url: 'http://127.0.0.1:PROXYPORT'"
                )),
            .init("HTTPS_PROXY", far).with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("https_proxy", far).with(environment: ["https_proxy": "http://127.0.0.1:PROXYPORT"]),
            .init("HTTPS_PROXY without a scheme", far).with(environment: ["HTTPS_PROXY": "127.0.0.1:PROXYPORT"]),
            .init("HTTPS_PROXY of SOCKS", far).with(environment: ["HTTPS_PROXY": "socks5://127.0.0.1:PROXYPORT"]),
            .init("HTTPS_PROXY with a login", far).with(environment: ["HTTPS_PROXY": "http://me:secret@127.0.0.1:LOGINPORT"]),
            .init("HTTPS_PROXY over TLS", far, .oursWorks("kubectl's WebSocket knows no proxy over TLS")).with(environment: [
                "HTTPS_PROXY": "https://127.0.0.1:TLSPROXYPORT"
            ]),
            .init("HTTP_PROXY is not for HTTPS", far).with(environment: ["HTTP_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("HTTP_PROXY", farPlain).with(environment: ["HTTP_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("HTTPS_PROXY is not for HTTP", farPlain).with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("ALL_PROXY is not known", far).with(environment: ["ALL_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("HTTPS_PROXY is not for loopback", kubeconfig()).with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init(
                "HTTPS_PROXY is not for localhost",
                kubeconfig(cluster: "server: 'https://localhost:SERVERPORT', certificate-authority-data: CADATA")
            )
            .with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT"]),
            .init("HTTP_PROXY is not for loopback", kubeconfig(cluster: "server: PLAIN")).with(environment: [
                "HTTP_PROXY": "http://127.0.0.1:PROXYPORT"
            ]),
            .init("the file's proxy counts before the environment's", proxied("http://127.0.0.1:PROXYPORT")).with(environment: [
                "HTTPS_PROXY": "http://127.0.0.1:1"
            ]),
        ]
        + ["*", "api.test", ".test", "test", "api.test:SERVERPORT", "x, api.test", "*.test"].map { exception in
            .init("NO_PROXY \(exception)", far).with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT", "NO_PROXY": exception])
        }
        + ["pi.test", ".api.test", "api.test:1", "10.0.0.0/8", "127.0.0.1", " ,", "tes"].map { exception in
            .init("NO_PROXY \(exception)", far).with(environment: ["HTTPS_PROXY": "http://127.0.0.1:PROXYPORT", "NO_PROXY": exception])
        }
}
