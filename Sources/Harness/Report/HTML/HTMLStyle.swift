/// The look of `report.html`: one file, no script, nothing from the network, in light and dark.
///
/// Colours are of Okabe and Ito's set, which people who see colours differently can tell apart; being down is hatched besides.
enum HTMLStyle {
    static let css = """
        :root { color-scheme: light dark; --page:#f6f7f9; --card:#ffffff; --text:#1b1f24; --soft:#5d6673; --line:#dde1e7;
          --up:#8fd0b6; --maybe:#f3c9a5; --down:#d55e00; --hatch:#a84a00; --unknown:#b8bec8; --window:#0072b21c; --mark:#0072b2;
          --pass:#00734f; --fail:#b33c00; --unsure:#8a6500; --heat:#0072b2;
          --p0:#0072b2; --p1:#56b4e9; --p2:#009e73; --p3:#e69f00; --p4:#cc79a7; --p5:#7a6bb5; }
        @media (prefers-color-scheme: dark) { :root { --page:#14171b; --card:#1c2127; --text:#e6e9ee; --soft:#9aa4b2; --line:#323a44;
          --up:#2f7d62; --maybe:#7a4e2a; --down:#f08a3c; --hatch:#b85c10; --unknown:#59626f; --window:#56b4e922; --mark:#56b4e9;
          --pass:#4cc79a; --fail:#ff8a50; --unsure:#e6b93a; --heat:#56b4e9; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
        h1 { font-size: 22px; margin: 0 0 2px; } h2 { font-size: 19px; margin: 0; } h3 { font-size: 15px; margin: 26px 0 8px; }
        p { margin: 6px 0; } .soft { color: var(--soft); } code { font: 13px ui-monospace, "SF Mono", Menlo, monospace; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px; margin-top: 20px;
          overflow-x: auto; }
        .banner { border-left: 8px solid var(--unsure); } .banner.pass { border-left-color: var(--pass); }
        .banner.fail { border-left-color: var(--fail); }
        .verdict { font-weight: 700; letter-spacing: .04em; } .pass .verdict, .verdict.pass { color: var(--pass); }
        .fail .verdict, .verdict.fail { color: var(--fail); } .verdict.invalid, .verdict.aborted, .invalid .verdict, .aborted .verdict
          { color: var(--unsure); }
        .head { display: flex; gap: 14px; align-items: baseline; flex-wrap: wrap; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 8px 0; }
        th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
        td:first-child { white-space: nowrap; } th { vertical-align: bottom; }
        th { color: var(--soft); font-weight: 600; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
        td.passed { color: var(--pass); } td.failed { color: var(--fail); font-weight: 700; }
        td.undecided { color: var(--unsure); font-weight: 700; } td.skipped { color: var(--soft); }
        details { margin: 10px 0; } td details { display: inline-block; margin: 0 0 0 8px; } td details[open] { display: block; margin: 4px 0 0; } summary { cursor: pointer; color: var(--soft); } pre { white-space: pre-wrap; margin: 4px 0; font-size: 12.5px; }
        svg { width: 100%; height: auto; display: block; margin: 6px 0; min-width: 640px; }
        svg text { font: 11.5px system-ui, sans-serif; fill: var(--soft); } svg .strong { fill: var(--text); font-weight: 600; }
        svg .up { fill: var(--up); } svg .maybe { fill: var(--maybe); } svg .down { fill: url(#hatch); } svg .unknown { fill: var(--unknown); }
        svg .hatch-ground { fill: var(--down); } svg .hatch-line { stroke: var(--hatch); stroke-width: 3; }
        svg .window { fill: var(--window); } svg .grid { stroke: var(--line); } svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; }
        svg .mark-fault { stroke: var(--mark); stroke-width: 2; } svg .seen { fill: var(--mark); } svg .event { fill: var(--soft); }
        svg .limit { stroke: var(--fail); stroke-width: 2; stroke-dasharray: 6 4; } svg .bounds { stroke: var(--soft); stroke-width: 3; }
        svg .open { stroke: var(--down); stroke-width: 3; stroke-dasharray: 2 3; } svg .dot-pass { fill: var(--pass); }
        svg .dot-fail { fill: var(--fail); } svg .dot-invalid, svg .dot-aborted { fill: var(--unsure); } svg .heat { fill: var(--heat); }
        svg .phase-0 { fill: var(--p0); } svg .phase-1 { fill: var(--p1); } svg .phase-2 { fill: var(--p2); } svg .phase-3 { fill: var(--p3); }
        svg .phase-4 { fill: var(--p4); } svg .phase-5 { fill: var(--p5); } svg .phase-unobserved { fill: var(--unknown); }
        svg .phase-label { fill: #10151b; font-weight: 600; } svg .phase-0 + text { fill: #fff; }
        .key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; color: var(--soft); } .key b { display: inline-block; width: 14px; height: 11px;
          margin-right: 6px; border-radius: 2px; }
        .k-up { background: var(--up); } .k-maybe { background: var(--maybe); }
        .k-down { background: repeating-linear-gradient(45deg, var(--down) 0 3px, var(--hatch) 3px 6px); } .k-unknown { background: var(--unknown); }
        @media print { .card { break-inside: avoid; } }
        """
}
