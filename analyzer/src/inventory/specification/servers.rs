//! Where an API is served: hosts and base paths.

use serde_json::Value;

use super::text;

/// Most servers read of one list, and most values of one variable: a document is uploaded by
/// somebody, and the product of its variables must stay small.
const MAX_SERVERS: usize = 64;

/// What stands for the braces of a variable that stays one, until all others are replaced.
const HOLE_OPEN: char = '\u{1}';
/// The same, at its end.
const HOLE_CLOSE: char = '\u{2}';

/// Where an API is served.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Served {
    /// Hosts; empty when any.
    pub(super) hosts: Vec<String>,
    /// Base paths, never empty.
    pub(super) base_paths: Vec<String>,
}

/// `servers` of OpenAPI 3.
pub(super) fn of_openapi(tree: &Value) -> Served {
    let mut served = of_list(tree.get("servers"));
    if served.base_paths.is_empty() {
        served.base_paths.push(String::new());
    }
    served
}

/// `host`, `basePath` of Swagger 2.0.
pub(super) fn of_swagger(tree: &Value) -> Served {
    let host = tree.get("host").map(text).unwrap_or_default();
    let base = tree.get("basePath").map(text).unwrap_or_default();
    let hosts = host_name(&host).into_iter().collect();
    Served {
        hosts,
        base_paths: vec![base_path(&base)],
    }
}

/// Hosts and base paths of a `servers` list; a list that names one server without host (a relative
/// URL) says that the document's own host serves it, which is not known: any host.
pub(super) fn of_list(servers: Option<&Value>) -> Served {
    let mut served = Served::default();
    let mut any_host = false;
    let list = servers.and_then(Value::as_array);
    for server in list.into_iter().flatten().take(MAX_SERVERS) {
        let Some(url) = server.get("url").and_then(Value::as_str) else {
            continue;
        };
        for url in expand(url, server.get("variables")) {
            let (host, path) = split(&url);
            match host.and_then(host_name) {
                Some(host) => add(&mut served.hosts, host),
                None => any_host = true,
            }
            add(&mut served.base_paths, base_path(path));
        }
    }
    if any_host {
        served.hosts.clear();
    }
    served
}

fn add(list: &mut Vec<String>, item: String) {
    if list.len() < MAX_SERVERS && !list.contains(&item) {
        list.push(item);
    }
}

/// A URL's variables replaced: by each value of their `enum`; one without takes its default in the
/// path, and any label in the host (a tenant's name, mostly).
fn expand(url: &str, variables: Option<&Value>) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![url.to_owned()];
    while let Some(url) = open.pop() {
        let Some((before, name, after)) = variable(&url) else {
            done.push(url);
            continue;
        };
        if done.len() + open.len() >= MAX_SERVERS {
            continue;
        }
        let definition = variables.and_then(|v| v.get(name));
        let values = definition
            .and_then(|d| d.get("enum"))
            .and_then(Value::as_array)
            .map(|values| values.iter().map(text).collect::<Vec<_>>())
            .unwrap_or_default();
        let default = definition.and_then(|d| d.get("default")).map(text);
        let in_host = before.matches('/').count() < 3 && before.contains("//");
        let starts_label = before.ends_with('/') || before.ends_with('.');
        if !values.is_empty() {
            open.extend(values.iter().map(|v| format!("{before}{v}{after}")));
        } else if in_host && starts_label && after.starts_with('.') {
            open.push(format!("{before}{HOLE_OPEN}{name}{HOLE_CLOSE}{after}"));
        } else {
            open.push(format!("{before}{}{after}", default.unwrap_or_default()));
        }
    }
    done.reverse();
    done
}

/// The first `{name}` of a text, with what stands before and after.
fn variable(url: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = url.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// A URL's authority, when it has one, and its path.
fn split(url: &str) -> (Option<&str>, &str) {
    let Some((_, rest)) = url.split_once("//") else {
        return (None, url);
    };
    match rest.find('/') {
        Some(at) => (rest.get(..at), rest.get(at..).unwrap_or_default()),
        None => (Some(rest), ""),
    }
}

/// The host of an authority: lower case, without user, port and final dot.
fn host_name(authority: &str) -> Option<String> {
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    };
    let host = host.replace(HOLE_OPEN, "{").replace(HOLE_CLOSE, "}");
    let host = host
        .trim_matches(|c| c == '[' || c == ']')
        .trim_end_matches('.')
        .to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

/// A path as base path: with a leading slash, without a final one, without query.
pub(super) fn base_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim().trim_matches('/');
    if path.is_empty() || path == "." {
        String::new()
    } else {
        format!("/{path}")
    }
}
