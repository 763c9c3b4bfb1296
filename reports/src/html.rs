//! A page that stands for itself: no script, no address of another file, charts as SVG. It prints
//! well. Every text of the data is escaped.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use tapscope_analyzer::snapshot::{FindingStatus, Lifecycle};

use crate::table::{Cell, Table, label};
use crate::time::moment;
use crate::{Report, Request, table};

/// Bars of a chart.
const BARS_MAX: usize = 12;

/// How the page looks, on a screen and on paper.
const STYLE: &str = "
:root{color-scheme:light;font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;color:#16202b}
body{margin:0 auto;max-width:1180px;padding:28px}h1{font-size:24px;margin:0}h2{font-size:17px;margin:28px 0 10px}
p{margin:4px 0}.quiet{color:#4c5866}.stats{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0}
.stat{border:1px solid #dde2e8;border-radius:8px;padding:10px 14px;min-width:110px}.stat b{display:block;font-size:22px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:14px}
figure{margin:0;border:1px solid #dde2e8;border-radius:8px;padding:12px}figcaption{font-weight:600;margin-bottom:6px}
svg{width:100%;height:auto}svg text{font-size:12px;fill:#16202b}
table{border-collapse:collapse;width:100%;font-size:12.5px}th,td{text-align:left;vertical-align:top;padding:5px 8px;border-bottom:1px solid #dde2e8;overflow-wrap:break-word}
th{color:#4c5866;font-weight:600}td.n,th.n{text-align:right;white-space:nowrap}code{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.critical,.high{color:#a10f3c;font-weight:600}.zombie,.shadow,.drifted{color:#b03f0c;font-weight:600}
@media print{body{max-width:none;padding:0;font-size:10.5px}h2{break-after:avoid}tr,figure{break-inside:avoid}thead{display:table-header-group}@page{size:A4 landscape;margin:12mm}}
";

/// Writes the page.
pub(crate) fn write(material: &Report, request: &Request) -> Vec<u8> {
    let mut page = String::new();
    let title = match &request.host {
        Some(host) => format!("API inventory of {host}"),
        None => "API inventory".to_owned(),
    };
    page.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    put(
        &mut page,
        format_args!(
            "<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
            escape(&title)
        ),
    );
    put(&mut page, format_args!("<h1>{}</h1>\n", escape(&title)));
    put(
        &mut page,
        format_args!(
            "<p class=\"quiet\">{}</p>\n",
            escape(&scope(material, request))
        ),
    );
    stats(&mut page, material);
    page.push_str("<div class=\"charts\">\n");
    for (name, counts) in charts(material) {
        chart(&mut page, name, &counts);
    }
    page.push_str("</div>\n");
    section(
        &mut page,
        "Findings",
        &narrow(&table::findings(material), &FINDINGS),
    );
    section(
        &mut page,
        "Endpoints",
        &narrow(&table::endpoints(material), &ENDPOINTS),
    );
    if request.since.is_some() {
        section(&mut page, "Label changes", &table::changes(material));
    }
    page.push_str("</body>\n</html>\n");
    page.into_bytes()
}

/// What the report is about, in one sentence.
pub(crate) fn scope(material: &Report, request: &Request) -> String {
    let as_of = match moment(material.now) {
        now if now.is_empty() => "No traffic was seen".to_owned(),
        now => format!("As of {now} (time of the latest packet)"),
    };
    match request.since {
        Some(since) => format!("{as_of}; only what is new since {}.", moment(since)),
        None => format!("{as_of}."),
    }
}

/// Columns of the findings' table that fit on a page.
pub(crate) const FINDINGS: [&str; 8] = [
    "severity",
    "kind",
    "status",
    "host",
    "method",
    "template",
    "title",
    "occurrences",
];

/// Columns of the inventory's.
pub(crate) const ENDPOINTS: [&str; 14] = [
    "host",
    "method",
    "template",
    "operation",
    "lifecycle",
    "lifecycle_reason",
    "risk",
    "owner",
    "tags",
    "exposure",
    "requests",
    "authentication",
    "consumers",
    "data_classes",
];

/// A table of some of the columns.
pub(crate) fn narrow(table: &Table, columns: &'static [&'static str]) -> Table {
    let places: Vec<usize> = columns
        .iter()
        .filter_map(|name| table.columns.iter().position(|known| known == name))
        .collect();
    let pick = |row: &Vec<Cell>| {
        let cells = places.iter().filter_map(|at| row.get(*at));
        cells.cloned().collect()
    };
    Table {
        name: table.name,
        columns,
        rows: table.rows.iter().map(pick).collect(),
    }
}

/// Numbers at the top: name and value.
pub(crate) fn numbers(material: &Report) -> Vec<(&'static str, u64)> {
    let endpoints = &material.endpoints;
    let open = |status: FindingStatus| status == FindingStatus::Open;
    let findings = material.findings.iter().filter(|one| open(one.status));
    let of = |wanted: Lifecycle| {
        endpoints
            .iter()
            .filter(|one| one.lifecycle == wanted)
            .count() as u64
    };
    let personal = endpoints
        .iter()
        .filter(|one| !table::data_classes(one).is_empty());
    vec![
        ("Endpoints", endpoints.len() as u64),
        ("Hosts", hosts(material).len() as u64),
        ("Requests", hosts(material).values().sum()),
        ("Open findings", findings.count() as u64),
        ("Shadow", of(Lifecycle::Shadow)),
        ("Zombie", of(Lifecycle::Zombie)),
        ("Drifted", of(Lifecycle::Drifted)),
        ("With personal data", personal.count() as u64),
    ]
}

fn hosts(material: &Report) -> BTreeMap<String, u64> {
    let mut hosts = BTreeMap::new();
    let endpoints = material.endpoints.iter();
    for one in endpoints.filter(|one| one.transport.is_none()) {
        *hosts.entry(one.host.clone()).or_insert(0) += one.requests;
    }
    hosts
}

/// What is charted: name and counts.
pub(crate) fn charts(material: &Report) -> Vec<(&'static str, Vec<(String, u64)>)> {
    let mut lifecycle = BTreeMap::new();
    let mut severity = BTreeMap::new();
    let mut classes = BTreeMap::new();
    for one in &material.endpoints {
        *lifecycle.entry(label(one.lifecycle)).or_insert(0) += 1;
        for class in table::data_classes(one) {
            *classes.entry(class).or_insert(0) += 1;
        }
    }
    for one in &material.findings {
        *severity.entry(label(one.severity)).or_insert(0) += 1;
    }
    let charts = vec![
        ("Endpoints by lifecycle", ranked(lifecycle)),
        ("Findings by severity", ranked(severity)),
        ("Requests by host", ranked(hosts(material))),
        ("Endpoints by class of data", ranked(classes)),
    ];
    charts
        .into_iter()
        .filter(|(_, counts)| !counts.is_empty())
        .collect()
}

/// The largest counts, largest first.
fn ranked(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(BARS_MAX);
    all
}

fn stats(page: &mut String, material: &Report) {
    page.push_str("<div class=\"stats\">\n");
    for (name, value) in numbers(material) {
        put(
            page,
            format_args!("<div class=\"stat\"><b>{value}</b>{}</div>\n", escape(name)),
        );
    }
    page.push_str("</div>\n");
}

/// Horizontal bars.
fn chart(page: &mut String, name: &str, counts: &[(String, u64)]) {
    let most = counts.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let height = counts.len() * 24 + 4;
    put(
        page,
        format_args!(
            "<figure><figcaption>{0}</figcaption><svg viewBox=\"0 0 480 {height}\" role=\"img\" aria-label=\"{0}\">",
            escape(name)
        ),
    );
    for (at, (name, count)) in counts.iter().enumerate() {
        let y = at * 24 + 2;
        let width = u128::from(*count) * 230 / u128::from(most);
        let shown: String = name.chars().take(26).collect();
        put(
            page,
            format_args!(
                "<text x=\"0\" y=\"{}\">{}</text><rect x=\"180\" y=\"{y}\" width=\"{}\" height=\"18\" rx=\"3\" fill=\"#0a6a6a\"/><text x=\"{}\" y=\"{}\">{count}</text>",
                y + 14,
                escape(&shown),
                width.max(1),
                186 + width,
                y + 14
            ),
        );
    }
    page.push_str("</svg></figure>\n");
}

fn section(page: &mut String, name: &str, table: &Table) {
    put(
        page,
        format_args!("<h2>{} ({})</h2>\n", escape(name), table.rows.len()),
    );
    if table.rows.is_empty() {
        page.push_str("<p class=\"quiet\">None.</p>\n");
        return;
    }
    page.push_str("<table><thead><tr>");
    for name in table.columns {
        let class = if is_number(name) { " class=\"n\"" } else { "" };
        put(
            page,
            format_args!("<th{class} scope=\"col\">{}</th>", escape(&heading(name))),
        );
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        page.push_str("<tr>");
        for (name, cell) in table.columns.iter().zip(row) {
            let text = escape(&cell.text());
            match *name {
                "template" => put(page, format_args!("<td><code>{text}</code></td>")),
                "lifecycle" | "severity" => {
                    put(page, format_args!("<td class=\"{text}\">{text}</td>"));
                }
                name if is_number(name) => put(page, format_args!("<td class=\"n\">{text}</td>")),
                _ => put(page, format_args!("<td>{text}</td>")),
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

fn is_number(column: &str) -> bool {
    matches!(column, "requests" | "consumers" | "occurrences" | "risk")
}

/// A column's name for people.
pub(crate) fn heading(column: &str) -> String {
    let mut words = column.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

/// Writing into a string does not fail.
fn put(page: &mut String, text: core::fmt::Arguments<'_>) {
    let _ = page.write_fmt(text);
}

/// A text as it may stand in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in HTML, and directions of writing can be turned around by some.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_data_is_markup() {
        assert_eq!(
            escape("<script>\"'&\u{202e}\u{0}"),
            "&lt;script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}"
        );
    }
}
