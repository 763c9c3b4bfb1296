//! What requests ask for, by the style of their API: names, kinds and measures of operations.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use support::{exchange, redactor};
use tapscope_record::{ExchangeRecord, Operation};

fn post(target: &str, headers: &[(&str, &str)], content: &[u8]) -> ExchangeRecord {
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    redactor().record(&exchange(
        b"POST",
        target.as_bytes(),
        &headers,
        content,
        (&[], b""),
    ))
}

fn json(content: &str) -> ExchangeRecord {
    post(
        "/x",
        &[("content-type", "application/json")],
        content.as_bytes(),
    )
}

/// `style kind name` of every operation.
fn names(record: &ExchangeRecord) -> Vec<String> {
    let name = |o: &Operation| format!("{} {} {}", o.style, o.kind, o.name);
    record
        .operation
        .as_deref()
        .into_iter()
        .chain(&record.batch)
        .map(name)
        .collect()
}

fn kinds(record: &ExchangeRecord) -> Vec<&str> {
    record
        .signals
        .iter()
        .map(|signal| signal.kind.as_str())
        .collect()
}

#[test]
fn graphql_by_its_content_wherever_it_is_posted() {
    let record = json(
        r#"{"operationName":"Order","variables":{"id":"jo@example.com"},
            "query":"query Other {a} query Order($id: ID!) {order(id: $id) {id items {name}} me {id}}"}"#,
    );
    assert_eq!(names(&record), ["graphql query Order"]);
    let operation = record.operation.unwrap();
    assert_eq!(operation.fields, ["me", "order"]);
    assert_eq!(operation.measures["depth"], 3);
    assert_eq!(operation.measures["fields"], 6);
}

#[test]
fn a_body_that_comes_again_asks_for_the_same_again() {
    let bodies = [
        (r#"{"query":"query Order {a}"}"#, "application/json"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"sum"}"#,
            "application/json",
        ),
        ("query Order {a}", "application/graphql"),
        (
            r#"{"id":7,"note":"nothing is asked for"}"#,
            "application/json",
        ),
    ];
    for (content, kind) in bodies {
        let kind = [(&b"content-type"[..], kind.as_bytes())];
        let content = content.as_bytes();
        let asked = exchange(b"POST", b"/x", &kind, content, (&kind, content));
        let mut redactor = redactor();
        let first = redactor.record(&asked);
        let mut sampled = 0;
        for _ in 0..200 {
            let mut again = redactor.record(&asked);
            let (before, now) = (first.request.as_ref(), again.request.as_mut());
            let (before, now) = (before.unwrap(), now.unwrap());
            if now.body_values.is_none() {
                sampled += u32::from(before.body_values.is_some());
                now.body_values.clone_from(&before.body_values);
            }
            assert_eq!(again, first);
        }
        assert!(sampled > 0 || first.operation.is_some());
    }
}

#[test]
fn anonymous_graphql_is_told_by_its_fields() {
    let record = json(r#"{"query":"{b {x} a: c}"}"#);
    let operation = record.operation.unwrap();
    assert_eq!(
        (operation.name.as_str(), operation.kind.as_str()),
        ("", "query")
    );
    assert_eq!(operation.fields, ["b", "c"]);
}

#[test]
fn graphql_in_other_places() {
    let record = post(
        "/x",
        &[("content-type", "application/graphql")],
        b"mutation M {a}",
    );
    assert_eq!(names(&record), ["graphql mutation M"]);
    let get = support::get(
        "/x?query=query+Q%7Bshop%28id%3A1%29%7Bname%7D%7D&variables=%7B%7D",
        &[],
    );
    assert_eq!(names(&get), ["graphql query Q"]);
    let upload = post(
        "/x",
        &[("content-type", "multipart/form-data; boundary=BB")],
        b"--BB\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n\
          {\"query\":\"mutation Up($f: Upload!) {up(f: $f)}\",\"variables\":{\"f\":null}}\r\n\
          --BB\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a.png\"\r\n\
          Content-Type: image/png\r\n\r\n\x89PNG\r\n--BB--\r\n",
    );
    assert_eq!(names(&upload), ["graphql mutation Up"]);
    let shape = upload.request.unwrap().shape.unwrap();
    let file = shape
        .fields
        .iter()
        .find(|field| field.name == "{integer}")
        .unwrap();
    assert_eq!(file.shape.format.as_deref(), Some("image/png"));
}

#[test]
fn persisted_queries_are_told_by_name_or_by_a_token_of_their_hash() {
    let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
    let extensions = format!(r#"{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}"#);
    let named = json(&format!(
        r#"{{"operationName":"Home","extensions":{extensions}}}"#
    ));
    assert_eq!(names(&named), ["graphql query Home"]);
    assert_eq!(named.operation.unwrap().measures["persisted"], 1);
    let record = json(&format!(r#"{{"extensions":{extensions}}}"#));
    let name = record.operation.as_ref().unwrap().name.clone();
    assert!(name.starts_with("persisted:") && name.len() == 26, "{name}");
    assert!(!serde_json::to_string(&record).unwrap().contains(hash));
}

#[test]
fn a_batch_gives_each_operation_once() {
    let record = json(r#"[{"query":"{a}"},{"query":"query B {b}"},{"query":"query B {b c}"}]"#);
    assert_eq!(names(&record), ["graphql query ", "graphql query B"]);
    assert_eq!(record.operation.unwrap().measures["batch"], 3);
    let calls = (0..50).map(|n| format!(r#"{{"jsonrpc":"2.0","id":{n},"method":"m.{}"}}"#, n % 40));
    let record = json(&format!("[{}]", calls.collect::<Vec<_>>().join(",")));
    assert_eq!(names(&record).len(), 32);
    assert_eq!(record.request.unwrap().limits, ["operations"]);
}

#[test]
fn what_looks_like_graphql_and_is_none() {
    for content in [
        r#"{"query":"red shoes"}"#,
        r#"{"query":{"match":{"a":1}}}"#,
        r#"{"query":"select * from users"}"#,
        r#"{"query":"query"}"#,
        r#"{"query":""}"#,
        r#"{"method":"card","amount":5}"#,
    ] {
        assert_eq!(names(&json(content)), [""; 0], "{content}");
    }
    assert_eq!(names(&support::get("/graphql?query=shoes", &[])), [""; 0]);
}

#[test]
fn json_rpc_and_mcp() {
    let record = json(r#"{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1"]}"#);
    assert_eq!(names(&record), ["json_rpc call eth_getBalance"]);
    let record = json(r#"{"jsonrpc":"2.0","method":"log.write","params":{"name":"x"}}"#);
    assert_eq!(names(&record), ["json_rpc notification log.write"]);
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"weather","arguments":{"city":"Rome"}}}"#;
    assert_eq!(names(&json(call)), ["mcp tool weather"]);
    let start = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#;
    assert_eq!(names(&json(start)), ["mcp call initialize"]);
    let lsp = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":1}}"#;
    assert_eq!(names(&json(lsp)), ["json_rpc call initialize"]);
    let ping = r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#;
    let headers = [
        ("content-type", "application/json"),
        ("Mcp-Session-Id", "abc"),
    ];
    assert_eq!(
        names(&post("/x", &headers, ping.as_bytes())),
        ["mcp call ping"]
    );
}

#[test]
fn soap_by_body_and_action() {
    let envelope = |body: &str| {
        format!(
            r#"<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
               <s:Header><h:Auth xmlns:h="urn:h">x</h:Auth></s:Header>
               <s:Body>{body}</s:Body></s:Envelope>"#
        )
    };
    let ask = |action: &str, body: &str| {
        let headers = [("content-type", "text/xml"), ("SOAPAction", action)];
        names(&post("/x", &headers, envelope(body).as_bytes()))
    };
    let body = r#"<m:GetQuote xmlns:m="urn:q"><m:symbol>ACME</m:symbol></m:GetQuote>"#;
    assert_eq!(ask("\"\"", body), ["soap soap_1_1 GetQuote"]);
    assert_eq!(
        ask("\"http://x/Process\"", body),
        ["soap soap_1_1 GetQuote"]
    );
    let request = r#"<GetQuoteRequest xmlns="urn:q"/>"#;
    assert_eq!(
        ask("\"urn:q#GetQuote\"", request),
        ["soap soap_1_1 GetQuote"]
    );
    assert_eq!(ask("\"urn:q/Ping\"", ""), ["soap soap_1_1 Ping"]);
    let newer = r#"<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><Add/></Body></Envelope>"#;
    let headers = [("content-type", "application/soap+xml; action=\"urn:Add\"")];
    assert_eq!(
        names(&post("/x", &headers, newer.as_bytes())),
        ["soap soap_1_2 Add"]
    );
    let other = r#"<Envelope xmlns="urn:letters"><Body><Add/></Body></Envelope>"#;
    assert_eq!(names(&post("/x", &headers, other.as_bytes())), [""; 0]);
}

#[test]
fn grpc_by_its_path() {
    let ask = |kind: &str| {
        names(&post(
            "/helloworld.Greeter/SayHello",
            &[("content-type", kind)],
            b"\0\0\0\0\0",
        ))
    };
    assert_eq!(
        ask("application/grpc"),
        ["grpc call helloworld.Greeter/SayHello"]
    );
    assert_eq!(
        ask("application/grpc-web+proto"),
        ["grpc_web call helloworld.Greeter/SayHello"]
    );
    assert_eq!(ask("application/json"), [""; 0]);
}

#[test]
fn costly_graphql_leaves_signals() {
    let deep = format!(r#"{{"query":"{}a{}"}}"#, "{a".repeat(20), "}".repeat(20));
    assert_eq!(kinds(&json(&deep)), ["graphql_depth"]);
    let aliases: Vec<String> = (0..40).map(|n| format!("a{n}: login")).collect();
    let many = format!(r#"{{"query":"{{{}}}"}}"#, aliases.join(" "));
    assert_eq!(kinds(&json(&many)), ["graphql_batching"]);
    let schema = r#"{"query":"query IntrospectionQuery {__schema {types {name}}}"}"#;
    assert_eq!(kinds(&json(schema)), ["graphql_introspection"]);
}

#[test]
fn names_that_are_values_are_not_kept() {
    let record = json(r#"{"jsonrpc":"2.0","id":1,"method":"jo@example.com"}"#);
    assert_eq!(names(&record), ["json_rpc call {email}"]);
}
