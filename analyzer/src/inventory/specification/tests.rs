//! Tests of reading specifications, on small documents.

use super::coverage::Coverage;
use super::{Specification, SpecificationError};

fn parse(source: &str) -> Specification {
    Specification::parse("test", source).unwrap()
}

/// Method, path, deprecated, secured.
fn operations(source: &str) -> Vec<(String, String, bool, bool)> {
    let operations = parse(source).operations.into_iter();
    operations
        .map(|o| (o.method, o.path, o.deprecated, o.secured))
        .collect()
}

#[test]
fn yaml_and_json_of_all_generations() {
    let row = |method: &str, path: &str, deprecated, secured| {
        (method.to_owned(), path.to_owned(), deprecated, secured)
    };
    let yaml = "
openapi: 3.1.0
info: {title: T, version: 1.10}
security: [{key: []}]
paths:
  /a:
    parameters: []
    get: {responses: {200: {description: ok}}}
    post: {deprecated: true, security: []}
  /b: {$ref: '#/components/pathItems/b'}
  /c: {$ref: 'other.yaml#/c'}
  /d: null
components: {pathItems: {b: {delete: {security: [{}, {key: []}]}}}}
";
    let expected = [
        row("GET", "/a", false, true),
        row("POST", "/a", true, false),
        row("DELETE", "/b", false, false),
    ];
    assert_eq!(operations(yaml), expected);
    let json = r#"{"swagger":"2.0","info":{"title":"T","version":"1"},"host":"API.test:8080",
        "basePath":"/v1/","paths":{"/a":{"get":{"deprecated":true}}}}"#;
    assert_eq!(operations(json), [row("GET", "/a", true, false)]);
    let swagger = parse(json);
    assert_eq!(swagger.hosts, ["api.test"]);
    assert_eq!(swagger.base_paths, ["/v1"]);
    assert_eq!(parse("openapi: 3.0.0\npaths:\n").operations, []);
}

#[test]
fn servers_give_hosts_and_base_paths() {
    for (servers, hosts, base_paths) in [
        ("[]", vec![], vec![""]),
        ("[{url: /}]", vec![], vec![""]),
        ("[{url: /api/v1/}]", vec![], vec!["/api/v1"]),
        (
            "[{url: 'https://API.test:8443/v2'}]",
            vec!["api.test"],
            vec!["/v2"],
        ),
        (
            "[{url: 'https://a.test'}, {url: 'http://b.test/x'}]",
            vec!["a.test", "b.test"],
            vec!["", "/x"],
        ),
        (
            "[{url: 'https://a.test'}, {url: /x}]",
            vec![],
            vec!["", "/x"],
        ),
        ("[{url: '//a.test/x'}]", vec!["a.test"], vec!["/x"]),
        ("[{url: 'https://[::1]:80/x'}]", vec!["::1"], vec!["/x"]),
        (
            "[{url: 'https://a.test/{v}', variables: {v: {default: v1}}}]",
            vec!["a.test"],
            vec!["/v1"],
        ),
        (
            "[{url: 'https://{r}.test/{v}', variables: {r: {default: eu, enum: [eu, us]}, v: {default: v1, enum: [v1, v2]}}}]",
            vec!["eu.test", "us.test"],
            vec!["/v1", "/v2"],
        ),
        (
            "[{url: 'https://{tenant}.api.test', variables: {tenant: {default: demo}}}]",
            vec!["{tenant}.api.test"],
            vec![""],
        ),
    ] {
        let one = parse(&format!(
            "openapi: 3.0.0\nservers: {servers}\npaths: {{}}\n"
        ));
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list
        };
        assert_eq!(sorted(one.hosts), hosts, "{servers}");
        assert_eq!(sorted(one.base_paths), base_paths, "{servers}");
    }
}

#[test]
fn what_is_no_specification_is_refused_with_one_sentence() {
    for (source, syntax) in [
        ("", true),
        ("{\"openapi\": ", true),
        ("a: [", true),
        ("just text", false),
        ("[1, 2]", false),
        ("openapi: 4.0.0\npaths: {}", false),
        ("swagger: '1.2'\npaths: {}", false),
        ("openapi: 3.0.0\ninfo: {}", false),
        ("title: x", false),
    ] {
        let error = Specification::parse("test", source).unwrap_err();
        let is_syntax = matches!(error, SpecificationError::Syntax(_));
        assert_eq!(is_syntax, syntax, "{source}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn an_alias_bomb_and_deep_nesting_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let alias = format!("*a{}", i - 1);
        let row = vec![alias; 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{row}]\n"));
    }
    bomb.push_str("openapi: 3.0.0\npaths: {}\n");
    assert!(Specification::parse("test", &bomb).is_err());
    let deep = format!(
        "openapi: 3.0.0\npaths: {}{}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert!(Specification::parse("test", &deep).is_err());
}

#[test]
fn endpoints_are_matched_by_structure() {
    let one = parse(
        "
openapi: 3.0.0
servers: [{url: 'https://api.test/v1'}]
paths:
  /users/{id}: {get: {}}
  /users/me: {get: {deprecated: true}}
  /files/{name}.json: {get: {}}
  /shop/: {get: {}}
  /other: {servers: [{url: 'https://api.test/v2'}], get: {}}
",
    );
    let coverage = Coverage::of_host(core::slice::from_ref(&one), "api.test");
    for (method, template, covered, documented) in [
        ("GET", "/v1/users/{user}", true, Some("/v1/users/{id}")),
        ("GET", "/v1/users/42", true, Some("/v1/users/{id}")),
        ("GET", "/v1/users/me", true, Some("/v1/users/me")),
        (
            "GET",
            "/v1/files/a.json",
            true,
            Some("/v1/files/{name}.json"),
        ),
        ("GET", "/v1/files/a.xml", true, None),
        ("GET", "/v1/shop", true, Some("/v1/shop")),
        ("GET", "/v2/other", true, Some("/v2/other")),
        ("GET", "/v1/other", true, None),
        ("POST", "/v1/users/42", true, None),
        ("HEAD", "/v1/users/42", true, Some("/v1/users/{id}")),
        ("OPTIONS", "/v1/users/42", true, Some("/v1/users/{id}")),
        ("GET", "/health", false, None),
        ("GET", "/v10/users/1", false, None),
    ] {
        let standing = coverage.standing(method, template);
        assert_eq!(standing.covered, covered, "{method} {template}");
        assert_eq!(
            standing.template.as_deref(),
            documented,
            "{method} {template}"
        );
    }
    assert!(coverage.standing("GET", "/v1/users/me").deprecated);
    assert!(!coverage.standing("GET", "/v1/users/42").deprecated);
    assert!(Coverage::of_host(&[one], "other.test").is_empty());
}

#[test]
fn of_several_documents_the_one_named_first_holds_then_the_most_specific_then_the_newest() {
    let document = |name: &str, base: &str, path: &str, deprecated: bool| {
        let source = format!(
            "openapi: 3.0.0\nservers: [{{url: 'https://a.test{base}'}}]\npaths: {{{path}: {{get: \
             {{deprecated: {deprecated}}}}}}}"
        );
        Specification::parse(name, &source).unwrap()
    };
    let standing = |documents: &[Specification]| {
        Coverage::of_host(documents, "a.test").standing("GET", "/v2/orders")
    };
    let mut wide = document("wide", "", "/v2/orders", true);
    let specific = document("specific", "/v2", "/orders", false);
    let newer = Specification {
        added: 7,
        ..document("newer", "/v2", "/orders", true)
    };
    let found = standing(&[wide.clone(), specific.clone()]);
    assert_eq!(found.documented_in, ["specific", "wide"]);
    assert!(!found.deprecated);
    assert!(standing(&[specific.clone(), newer.clone()]).deprecated);
    wide.priority = 1;
    let found = standing(&[specific, newer, wide]);
    assert_eq!(found.documented_in, ["wide", "newer", "specific"]);
}

#[test]
fn what_a_newer_revision_has_no_more_names_its_document() {
    let one = parse("openapi: 3.0.0\nservers: [{url: 'https://a.test'}]\npaths: {/a: {get: {}}}");
    let two = parse("openapi: 3.0.0\nservers: [{url: 'https://a.test'}]\npaths: {/b: {get: {}}}");
    let standing = Coverage::of_host(&[one, two], "a.test").standing("GET", "/a");
    assert!(standing.removed);
    assert_eq!(standing.removed_from.as_deref(), Some("test"));
}

#[test]
fn what_a_newer_revision_dropped_is_not_what_its_neighbour_with_a_parameter_is() {
    let with = |paths: &[&str]| {
        let paths: String = paths
            .iter()
            .map(|path| format!("  '{path}': {{get: {{}}}}\n"))
            .collect();
        parse(&format!(
            "openapi: 3.0.0\nservers: [{{url: 'http://a.test'}}]\npaths:\n{paths}"
        ))
    };
    let old = with(&[
        "/users/{id}",
        "/users/export",
        "/diff/{a}...{b}",
        "/list/page-{n}.atom",
    ]);
    let new = with(&["/users/{user}", "/diff/{both}", "/list/{q}.atom"]);
    let coverage = Coverage::of_host(&[old, new], "a.test");
    for (template, removed, found) in [
        ("/users/export", true, "/users/export"),
        ("/users/{id}", false, "/users/{user}"),
        ("/users/me", false, "/users/{user}"),
        ("/list/page-{page}.atom", true, "/list/page-{n}.atom"),
        ("/list/{name}.atom", false, "/list/{q}.atom"),
        // Written otherwise, and the same.
        ("/diff/{a}...{b}", false, "/diff/{both}"),
    ] {
        let standing = coverage.standing("GET", template);
        assert_eq!(standing.removed, removed, "{template}");
        assert_eq!(standing.template.as_deref(), Some(found), "{template}");
    }
}

#[test]
fn of_operations_that_calls_cannot_tell_apart_one_is_expected() {
    let one = parse(
        "openapi: 3.0.0\nservers: [{url: 'http://a.test'}]\npaths:\n  '/v/{clip}.atom': {get: {}}\n  \
         '/v/{film}.atom': {get: {}}\n  '/v/{any}': {get: {}}\n  '/v/all': {get: {}}",
    );
    let coverage = Coverage::of_host(&[one], "a.test");
    let expected: Vec<String> = coverage.expected().into_iter().map(|it| it.1).collect();
    assert_eq!(expected, ["/v/all", "/v/{any}", "/v/{clip}.atom"]);
    for template in ["/v/{clip}.atom", "/v/{film}.atom"] {
        let standing = coverage.standing("GET", template);
        assert_eq!(standing.template.as_deref(), Some("/v/{clip}.atom"));
    }
}
