import Foundation
import Testing

/// The scripts of experiments/recipes, with stand-ins of kubectl and krknctl that have an effect, keep it, or have none.
@Suite struct RecipeScriptTests {
    struct Recipe: Sendable {
        var script = "chaos-mesh"
        var fault: String
        /// The object that Chaos Mesh is given; `nil`: it is given none.
        var object: String?
    }

    private static let recipes = [
        Recipe(
            fault: "io-error",
            object: """
                apiVersion: chaos-mesh.org/v1alpha1
                kind: IOChaos
                metadata: {name: aftershock-io-error}
                spec: {action: fault, errno: 5, path: '/data/**/*', volumePath: /data, percent: 100, methods: [WRITE, FSYNC], mode: all, selector: {pods: {sql: [mssql-0]}}}
                """),
        Recipe(
            fault: "packet-corruption",
            object: """
                apiVersion: chaos-mesh.org/v1alpha1
                kind: NetworkChaos
                metadata: {name: aftershock-packet-corruption}
                spec: {action: corrupt, direction: to, corrupt: {corrupt: '10', correlation: '0'}, mode: all, selector: {pods: {sql: [mssql-0]}}}
                """),
        Recipe(
            fault: "clock-skew",
            object: """
                apiVersion: chaos-mesh.org/v1alpha1
                kind: TimeChaos
                metadata: {name: aftershock-clock-skew}
                spec: {timeOffset: '-10m', clockIds: [CLOCK_REALTIME], mode: all, selector: {pods: {sql: [mssql-0]}}}
                """),
        Recipe(script: "krkn", fault: "clock-skew"),
    ]

    @Test(arguments: recipes) func theEffectIsProvenAndItsEnd(_ recipe: Recipe) throws {
        try ScriptTools.with(Self.tools) { tools in
            func run(_ action: String) throws -> Int32 {
                try tools.run("experiments/recipes/\(recipe.script)", [action, recipe.fault, "sql", "mssql-0"], ["VOLUME": "/data"])
            }
            try #expect(run("probe") != 0, "without the fault")
            try tools.forget()
            try #expect(run("start") == 0)
            try #expect(run("probe") == 0)
            let asked = try tools.asked
            if let object = recipe.object {
                #expect(asked.first == "kubectl --namespace sql apply -f -")
                #expect(asked.joined(separator: "\n").contains(object), "\(asked)")
            } else {
                let scenario = "krknctl run time-scenarios --action skew_time --object-type pod --object-names [mssql-0] --namespace sql"
                #expect(asked.contains(scenario), "\(asked)")
            }
            try #expect(run("stop") == 0)
            try #expect(run("probe") != 0, "after the end")
        }
    }

    @Test(arguments: recipes) func anEffectThatStaysIsNoEnd(_ recipe: Recipe) throws {
        try ScriptTools.with(Self.tools) { tools in
            let lasting = ["VOLUME": "/data", "STAYS": "yes"]
            func run(_ action: String) throws -> Int32 {
                try tools.run("experiments/recipes/\(recipe.script)", [action, recipe.fault, "sql", "mssql-0"], lasting)
            }
            try #expect(run("start") == 0)
            try #expect(run("probe") == 0)
            try #expect(run("stop") != 0)
        }
    }

    /// The file `on` beside the tools is the effect.
    private static let tools = [
        "kubectl": """
        #!/bin/sh
        here=${0%/*}
        echo "kubectl $*" >>"$ASKED"
        case "$*" in
        *" apply "*) cat >>"$ASKED"; : >"$here/on" ;;
        *" delete "*) [ -n "$STAYS" ] || rm -f "$here/on" ;;
        *aftershock-io-probe*) if [ -e "$here/on" ]; then echo "head: standard output: Input/output error" >&2; exit 1; fi ;;
        *net/snmp*)
            count=$(cat "$here/count" 2>/dev/null || echo 100)
            [ ! -e "$here/on" ] || count=$((count + 7))
            echo "$count" >"$here/count"
            echo "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs"
            echo "Tcp: 1 200 120000 -1 5 6 0 0 2 900 800 $count 0"
            ;;
        *DATEDIFF_BIG*)
            if [ -e "$here/on" ] && [ -e "$here/left" ]; then
                left=$(($(cat "$here/left") - 1))
                if [ $left = -1 ]; then rm "$here/on"; else echo $left >"$here/left"; fi
            fi
            if [ -e "$here/on" ]; then echo "      $(($(date +%s) - 600))"; else echo "      $(date +%s)"; fi
            ;;
        esac
        """,
        // Its fault ends by itself after a while, which is here after two questions, unless it is to stay.
        "krknctl": """
        #!/bin/sh
        here=${0%/*}
        echo "krknctl $*" >>"$ASKED"
        [ -n "$STAYS" ] || echo 2 >"$here/left"
        : >"$here/on"
        """,
        "sleep": "#!/bin/sh\n[ \"$1\" = 1 ] && exec /bin/sleep 0.1\nexit 0\n",
    ]
}
