/// The page of `report.html`, for swift-mustache. Values in three braces were escaped where they were made.
enum HTMLTemplate {
    static let page = """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{verdict}} - {{title}}</title>
        <style>{{{css}}}</style>
        </head>
        <body><main>
        <div class="card banner {{verdict}}">
        <h1><span class="verdict">{{verdictText}}</span> {{title}}</h1>
        <p>{{reason}}</p>
        <p class="soft">{{runLine}}</p>
        </div>
        {{#experiments}}
        <section class="card" id="{{name}}">
        <div class="head"><h2>{{name}}</h2><span class="verdict {{verdict}}">{{verdictText}}</span><span class="soft">{{summary}}</span></div>
        {{#description}}<p class="soft">{{.}}</p>{{/description}}
        <table><thead><tr><th>check</th><th>outcome</th><th>what was found</th></tr></thead><tbody>
        {{#checks}}<tr><td>{{name}}</td><td class="{{outcome}}">{{outcomeText}}</td><td>{{message}}{{#hasDetails}}
        <details><summary>more</summary>{{#details}}<pre>{{.}}</pre>{{/details}}</details>{{/hasDetails}}</td></tr>
        {{/checks}}</tbody></table>
        {{#downtimeChart}}<h3>Downtime of each repeat</h3>
        {{{.}}}
        <p class="soft">The line goes from the lower to the upper bound; the upper bound is judged.</p>{{/downtimeChart}}
        {{#hasStatistics}}<table><thead><tr><th>track</th><th class="n">repeats</th><th class="n">least</th><th class="n">median</th>
        <th class="n">95 % interval of the median</th><th class="n">most</th></tr></thead><tbody>
        {{#statistics}}<tr><td>{{track}}</td><td class="n">{{count}}</td><td class="n">{{minimum}}</td><td class="n">{{median}}</td>
        <td class="n">{{interval}}</td><td class="n">{{maximum}}</td></tr>
        {{/statistics}}</tbody></table>{{/hasStatistics}}
        {{#losses}}<p class="soft">{{.}}</p>{{/losses}}
        {{#repeats}}
        <details {{#isOpen}}open{{/isOpen}}><summary><b>Repeat {{number}}</b> <span class="verdict {{verdict}}">{{verdictText}}</span> {{line}}</summary>
        {{#remarks}}<p class="soft">{{.}}</p>{{/remarks}}
        {{#timeline}}<h3>What the clients felt</h3>
        {{{.}}}
        <div class="key"><span><b class="k-up"></b>served</span><span><b class="k-down"></b>surely not served</span>
        <span><b class="k-maybe"></b>between two probes: one or the other</span><span><b class="k-unknown"></b>not seen</span></div>{{/timeline}}
        {{#hasTracks}}<table><thead><tr><th>track</th><th class="n">outages</th><th class="n">at least</th><th class="n">at most</th>
        <th class="n">stable after</th><th class="n">overlooked at most</th><th class="n">probes</th><th class="n">failed</th>
        <th class="n">skipped</th><th class="n">p50</th><th class="n">p99</th><th class="n">slowest</th></tr></thead><tbody>
        {{#tracks}}<tr><td>{{name}}</td><td class="n">{{count}}</td><td class="n">{{lower}}</td><td class="n">{{upper}}</td>
        <td class="n">{{stable}}</td><td class="n">{{resolution}}</td><td class="n">{{probes}}</td><td class="n">{{failed}}</td>
        <td class="n">{{skipped}}</td><td class="n">{{p50}}</td><td class="n">{{p99}}</td><td class="n">{{slowest}}</td></tr>
        {{/tracks}}</tbody></table>{{/hasTracks}}
        {{#phasesChart}}<h3>Where the time went ({{judgedTrack}} track)</h3>
        {{{phasesChart}}}
        <table><thead><tr>{{#phases}}<th class="n">{{name}}</th>{{/phases}}<th class="n">sum</th></tr></thead>
        <tbody><tr>{{#phases}}<td class="n">{{time}}</td>{{/phases}}<td class="n">{{phasesSum}}</td></tr></tbody></table>{{/phasesChart}}
        <h3>What became of the writes</h3>
        {{#ledgerNote}}<p>{{.}}</p>{{/ledgerNote}}
        <table><thead><tr>{{#ledger}}<th class="n">{{name}}</th>{{/ledger}}</tr></thead>
        <tbody><tr>{{#ledger}}<td class="n">{{value}}</td>{{/ledger}}</tr></tbody></table>
        {{#ledgerRows}}<pre>{{.}}</pre>{{/ledgerRows}}
        <h3>The cluster</h3>
        <table><thead><tr><th></th><th>before the fault</th><th>afterwards</th></tr></thead><tbody>
        {{#infrastructure}}<tr><td>{{name}}</td><td>{{before}}</td><td>{{after}}</td></tr>
        {{/infrastructure}}</tbody></table>
        {{#hasNodeLoss}}<h3>The old pod and its volume, before anything was put back</h3>
        <ul>{{#nodeLoss}}<li>{{.}}</li>{{/nodeLoss}}</ul>{{/hasNodeLoss}}
        {{#hasUndo}}<table><thead><tr><th>to be put back</th><th>proven</th><th>how</th></tr></thead><tbody>
        {{#undo}}<tr><td>{{name}}</td><td>{{before}}</td><td>{{after}}</td></tr>
        {{/undo}}</tbody></table>{{/hasUndo}}
        {{#hasLatencies}}<details><summary>Latency over time</summary>
        {{#latencies}}<h3>{{name}}</h3>
        {{{svg}}}{{/latencies}}</details>{{/hasLatencies}}
        {{#hasEvents}}<details><summary>What the cluster showed</summary><table><tbody>
        {{#events}}<tr><td class="n">{{name}}</td><td>{{before}}</td><td>{{after}}</td></tr>
        {{/events}}</tbody></table></details>{{/hasEvents}}
        </details>
        {{/repeats}}
        </section>
        {{/experiments}}
        <section class="card"><h2>The run</h2>
        <table><tbody>{{#run}}<tr><td>{{name}}</td><td>{{before}}</td></tr>
        {{/run}}</tbody></table>
        <p class="soft">Beside this file: <a href="results.json">results.json</a>, <a href="junit.xml">junit.xml</a>,
        <a href="summary.md">summary.md</a>, <a href="repeats.csv">repeats.csv</a>, <a href="metrics.prom">metrics.prom</a>,
        <a href="journal.ndjson">journal.ndjson</a>. Everything here is computed from the journal alone:
        <code>aftershock report</code> does it again.</p></section>
        </main></body></html>
        """
}
