//! Operations: what a request asks for where method and path do not say it. Recognised by what
//! the content is, never by a word in the URL.
//!
//! GraphQL, JSON-RPC and MCP, SOAP, gRPC. The names are data from the wire: they pass the same
//! guard as other names. Of a batch every operation is kept once, up to a cap.

/// GraphQL documents.
mod graphql;

/// The JSON that carries JSON-RPC, MCP and GraphQL.
mod envelope;

/// SOAP envelopes.
mod soap;

use std::collections::BTreeMap;

use tapscope_http::{HeadBytes, Request};
use tapscope_record::Operation;

use crate::credential;
use crate::fields::{Fields, Role};
use crate::percent;
use crate::redactor::Work;
use crate::target::Target;
use crate::token::TokenUse;
use envelope::Envelope;

/// Collects what path, query and header fields say.
pub(crate) fn of_target(work: &mut Work<'_>, request: &Request, fields: &Fields) {
    let head = &request.head;
    work.speaks_mcp = fields.has(Role::Mcp);
    let target = head.slice(request.target);
    let declared = fields.value(head, Role::ContentType).unwrap_or_default();
    if declared.is_empty() && memchr::memchr(b'?', target).is_none() {
        return;
    }
    let target = Target::parse(head.slice(request.method), target);
    if let Some(style) = grpc_style(declared) {
        grpc(work, style, target.path);
        return;
    }
    if let Some(query) = target.query {
        graphql_in_query(work, query);
    }
}

/// `grpc` or `grpc_web`, by the media type.
fn grpc_style(declared: &[u8]) -> Option<&'static str> {
    let starts = |name: &[u8]| {
        declared
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && !declared.get(name.len()).is_some_and(|next| {
                next.is_ascii_alphanumeric() || *next == b'-' && name.len() == 16
            })
    };
    if starts(b"application/grpc-web-text") || starts(b"application/grpc-web") {
        Some("grpc_web")
    } else if starts(b"application/grpc") {
        Some("grpc")
    } else {
        None
    }
}

/// `/package.Service/Method`, at the end of the path where a proxy puts something before it.
fn grpc(work: &mut Work<'_>, style: &str, path: &[u8]) {
    let mut parts = path.rsplit(|&byte| byte == b'/');
    let (Some(method), Some(service)) = (parts.next(), parts.next()) else {
        return;
    };
    if method.is_empty() || service.is_empty() {
        return;
    }
    let name = format!("{}/{}", name(work, service), name(work, method));
    push(
        work,
        Operation {
            style: style.to_owned(),
            kind: "call".to_owned(),
            name,
            ..Operation::default()
        },
    );
}

/// GraphQL over GET: `query`, `operationName` and `extensions` in the query string.
fn graphql_in_query(work: &mut Work<'_>, query: &[u8]) {
    let mut envelope = Envelope::default();
    for pair in query.split(|&byte| byte == b'&') {
        let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        if !matches!(name, b"query" | b"operationName" | b"extensions") {
            continue;
        }
        let mut text = Vec::with_capacity(value.len());
        percent::decode_into(value, true, &mut text);
        match name {
            b"query" => envelope.query = String::from_utf8(text).ok(),
            b"operationName" => envelope.operation_name = String::from_utf8(text).ok(),
            _ => envelope.read_extensions(&text),
        }
    }
    graphql(work, &envelope, 1);
}

/// Collects what a JSON body asks for.
pub(crate) fn of_json(work: &mut Work<'_>, content: &[u8]) {
    let (envelopes, total) = envelope::read(content, work.settings.operations_max);
    for envelope in &envelopes {
        of_envelope(work, envelope, total);
    }
    let over = u64::from(total).saturating_sub(envelopes.len() as u64);
    if over > 0 && !work.operations.is_empty() {
        work.counters.operations_over_cap += over;
        work.limit("operations");
    }
}

fn of_envelope(work: &mut Work<'_>, envelope: &Envelope, total: u32) {
    if let Some(method) = envelope.rpc_method() {
        rpc(work, envelope, method, total);
    } else if !graphql(work, envelope, total)
        && let Some(payload) = &envelope.payload
    {
        // GraphQL over WebSocket and event streams wraps the request in a message of its own.
        graphql(work, payload, total);
    }
}

/// Collects the document of `application/graphql`.
pub(crate) fn of_document(work: &mut Work<'_>, content: &[u8]) {
    let mut envelope = Envelope::default();
    envelope.query = core::str::from_utf8(content).ok().map(str::to_owned);
    graphql(work, &envelope, 1);
}

/// Collects the operation of a SOAP envelope.
pub(crate) fn of_xml(work: &mut Work<'_>, head: &HeadBytes, content: &[u8]) {
    let Some(found) = soap::read(head, content) else {
        return;
    };
    let operation = Operation {
        style: "soap".to_owned(),
        kind: found.version.to_owned(),
        name: name(work, found.name),
        ..Operation::default()
    };
    push(work, operation);
}

/// JSON-RPC, and MCP above it.
fn rpc(work: &mut Work<'_>, envelope: &Envelope, method: &str, total: u32) {
    let mcp = work.speaks_mcp || envelope.is_mcp(method);
    let named = envelope.params_name.as_deref();
    let (kind, called) = match (method, named) {
        ("tools/call", Some(tool)) if mcp => ("tool", name(work, tool.as_bytes())),
        ("prompts/get", Some(prompt)) if mcp => ("prompt", name(work, prompt.as_bytes())),
        _ if envelope.has_id => ("call", name(work, method.as_bytes())),
        _ => ("notification", name(work, method.as_bytes())),
    };
    let operation = Operation {
        style: if mcp { "mcp" } else { "json_rpc" }.to_owned(),
        kind: kind.to_owned(),
        name: called,
        fields: Vec::new(),
        measures: batch_measure(total),
    };
    push(work, operation);
}

fn batch_measure(total: u32) -> BTreeMap<String, u32> {
    let batch = (total > 1).then(|| ("batch".to_owned(), total));
    batch.into_iter().collect()
}

/// A GraphQL request; false when it is none.
fn graphql(work: &mut Work<'_>, envelope: &Envelope, total: u32) -> bool {
    let document = envelope.query.as_deref().and_then(graphql::read);
    let persisted = envelope.persisted.as_deref();
    if document.is_none() && persisted.is_none() {
        return false;
    }
    let asked = envelope
        .operation_name
        .as_deref()
        .filter(|name| !name.is_empty());
    let mut operation = Operation {
        style: "graphql".to_owned(),
        measures: batch_measure(total),
        ..Operation::default()
    };
    if persisted.is_some() {
        operation.measures.insert("persisted".to_owned(), 1);
    }
    if let Some(document) = &document {
        let Some(chosen) = document.choose(asked) else {
            return false;
        };
        operation.kind = chosen.kind.to_owned();
        operation.name = name(work, chosen.name.as_bytes());
        describe(work, &mut operation, &document.measure(chosen));
    } else {
        // Which operation a stored document holds is not on the wire: its hash stands for it.
        operation.kind = "query".to_owned();
        operation.name = match (asked, persisted) {
            (Some(asked), _) => name(work, asked.as_bytes()),
            (None, Some(hash)) => {
                let token = work.tokens.token(TokenUse::Value, hash.as_bytes());
                format!("persisted:{:016x}", token.0)
            }
            (None, None) => String::new(),
        };
    }
    push(work, operation);
    true
}

fn describe(work: &Work<'_>, operation: &mut Operation, measured: &graphql::Measured<'_>) {
    let fields = measured.top_level.iter();
    operation.fields = fields
        .take(work.settings.operation_fields_max)
        .map(|field| name(work, field.as_bytes()))
        .collect();
    let mut put = |name: &str, value: u32| {
        if value > 0 {
            operation.measures.insert(name.to_owned(), value);
        }
    };
    put("depth", measured.depth);
    put("fields", measured.fields);
    put("aliases", measured.aliases);
    put("introspection", u32::from(measured.introspection));
}

/// A name of an operation as it may stand in the record.
fn name(work: &Work<'_>, raw: &[u8]) -> String {
    let classes = &work.settings.custom_classes;
    classes
        .safe_name(raw, work.settings.operation_name_bytes_max)
        .into_owned()
}

/// Adds an operation once, up to the cap.
fn push(work: &mut Work<'_>, operation: Operation) {
    let known = work.operations.iter_mut().find(|known| {
        (&known.style, &known.kind, &known.name)
            == (&operation.style, &operation.kind, &operation.name)
            && (!known.name.is_empty() || known.fields == operation.fields)
    });
    if let Some(known) = known {
        for (name, value) in operation.measures {
            let most = known.measures.entry(name).or_default();
            *most = value.max(*most);
        }
        return;
    }
    if work.operations.len() < work.settings.operations_max {
        work.counters.operations_found += 1;
        work.operations.push(operation);
    } else {
        work.counters.operations_over_cap += 1;
        work.limit("operations");
    }
}

/// Signals about what the operations ask for.
pub(crate) fn signals(work: &mut Work<'_>) {
    let most = |work: &Work<'_>, measure: &str| {
        let graphql = work.operations.iter().filter(|o| o.style == "graphql");
        graphql
            .filter_map(|o| o.measures.get(measure))
            .copied()
            .max()
            .unwrap_or(0)
    };
    if most(work, "introspection") > 0 {
        let detail = "The request asks for the schema of the GraphQL service.";
        credential::signal(work, "graphql_introspection", detail.to_owned());
    }
    let depth = most(work, "depth");
    if depth >= work.settings.graphql_depth_min {
        let detail = format!("The GraphQL operation is {depth} levels deep.");
        credential::signal(work, "graphql_depth", detail);
    }
    let (aliases, batch) = (most(work, "aliases"), most(work, "batch"));
    if aliases.max(batch) >= work.settings.graphql_batch_min {
        let detail = format!(
            "The GraphQL request asks for many things at once ({aliases} aliases, {batch} \
             operations)."
        );
        credential::signal(work, "graphql_batching", detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_of_grpc() {
        for (declared, style) in [
            (&b"application/grpc"[..], Some("grpc")),
            (b"application/grpc+proto", Some("grpc")),
            (b"application/grpc;charset=x", Some("grpc")),
            (b"Application/GRPC-Web+proto", Some("grpc_web")),
            (b"application/grpc-web-text", Some("grpc_web")),
            (b"application/grpcx", None),
            (b"application/grpc-other", None),
            (b"application/json", None),
        ] {
            assert_eq!(grpc_style(declared), style, "{declared:?}");
        }
    }
}
