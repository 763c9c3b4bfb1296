//! A page that stands for itself: no script, no address of another file, charts as SVG. It prints
//! well. Every text of the data is escaped.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use tapscope_analyzer::snapshot::{FindingStatus, Lifecycle};

use crate::page::{Head, Sheet, Shown};
use crate::table::label;
use crate::time::moment;
use crate::{Report, Request, page, table};

/// Bars of a chart.
const BARS_MAX: usize = 12;

/// How the page looks, on a screen and on paper.
const STYLE: &str = "
:root{color-scheme:light;font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;color:#16202b}
body{margin:0 auto;max-width:1180px;padding:28px}h1{font-size:24px;margin:0}h2{font-size:17px;margin:28px 0 10px}
details{margin:18px 0}summary{font-size:17px;font-weight:600;cursor:pointer}p{margin:4px 0}.quiet{color:#4c5866}.stats{display:flex;flex-wrap:wrap;gap:10px;margin:16px 0}
.stat{border:1px solid #dde2e8;border-radius:8px;padding:10px 14px;min-width:100px;flex:1}.stat b{display:block;font-size:22px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:14px}
figure{margin:0;border:1px solid #dde2e8;border-radius:8px;padding:12px}figcaption{font-weight:600;margin-bottom:6px}
svg{width:100%;height:auto}svg text{font-size:12px;fill:#16202b}
table{border-collapse:collapse;width:100%;font-size:12.5px}th,td{text-align:left;vertical-align:top;padding:5px 12px 5px 0;border-bottom:1px solid #dde2e8;overflow-wrap:break-word}
small{display:block;color:#4c5866;font-size:11.5px}
th{color:#4c5866;font-weight:600}td.n,th.n{text-align:right;white-space:nowrap}th{white-space:nowrap}.t{min-width:19em}code{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.critical,.high{color:#a10f3c;font-weight:600}.zombie,.shadow,.drifted{color:#b03f0c;font-weight:600}
@media print{body{max-width:none;padding:0;font-size:10.5px}h2{break-after:avoid}tr,figure{break-inside:avoid}thead{display:table-header-group}details:not([open])>summary::after{content:' (closed: open it before printing)';font-weight:normal}@page{size:A4 landscape;margin:12mm}}
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
    for sheet in sheets(material, request) {
        section(&mut page, &sheet);
    }
    for sheet in details(material) {
        let rows = sheet.rows.len();
        put(
            &mut page,
            format_args!(
                "<details><summary>{} ({rows})</summary>\n",
                escape(sheet.name)
            ),
        );
        grid(&mut page, &sheet);
        page.push_str("</details>\n");
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

/// The tables, as they are shown to people.
pub(crate) fn sheets(material: &Report, request: &Request) -> Vec<Sheet> {
    let mut sheets = vec![
        Sheet::new(&table::findings(material), &page::FINDINGS),
        Sheet::new(&table::endpoints(material), &page::ENDPOINTS),
    ];
    if request.since.is_some() {
        sheets.push(Sheet::new(&table::changes(material), &page::CHANGES));
    }
    sheets
}

/// What is looked up rather than read: folded, and not on paper.
fn details(material: &Report) -> Vec<Sheet> {
    let sheets = [
        Sheet::new(&table::parameters(material), &page::PARAMETERS),
        Sheet::new(&table::fields(material), &page::FIELDS),
        Sheet::new(&table::candidates(material), &page::CANDIDATES),
    ];
    sheets
        .into_iter()
        .filter(|one| !one.rows.is_empty())
        .collect()
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

fn section(page: &mut String, sheet: &Sheet) {
    put(
        page,
        format_args!("<h2>{} ({})</h2>\n", escape(sheet.name), sheet.rows.len()),
    );
    if sheet.rows.is_empty() {
        page.push_str("<p class=\"quiet\">None.</p>\n");
        return;
    }
    grid(page, sheet);
}

fn grid(page: &mut String, sheet: &Sheet) {
    page.push_str("<table><thead><tr>");
    for head in &sheet.heads {
        let class = if head.is_number { " class=\"n\"" } else { "" };
        put(
            page,
            format_args!("<th{class} scope=\"col\">{}</th>", escape(head.heading)),
        );
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in &sheet.rows {
        page.push_str("<tr>");
        for (head, shown) in sheet.heads.iter().zip(row) {
            cell(page, *head, shown);
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

fn cell(page: &mut String, head: Head, shown: &Shown) {
    let main = escape(&shown.main);
    match head.heading {
        _ if head.is_code => put(page, format_args!("<td class=\"t\"><code>{main}</code>")),
        _ if head.is_number => put(page, format_args!("<td class=\"n\">{main}")),
        "Lifecycle" | "Severity" => {
            put(
                page,
                format_args!("<td><span class=\"{main}\">{main}</span>"),
            );
        }
        _ => put(page, format_args!("<td>{main}")),
    }
    if !shown.note.is_empty() {
        put(page, format_args!("<small>{}</small>", escape(&shown.note)));
    }
    page.push_str("</td>");
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
