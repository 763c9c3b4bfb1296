//! Signs and tags.

use super::*;
use crate::inventory::entry::Entry;
use crate::settings::InventorySettings;
use crate::snapshot::schema::{FieldSnapshot, SchemaSnapshot};
use crate::snapshot::{EndpointId, EndpointRef, OperationName, ParameterSnapshot};

fn endpoint(method: &str, template: &str) -> EndpointSnapshot {
    let settings = InventorySettings::default();
    let at = EndpointRef {
        id: EndpointId(1),
        method: method.to_owned(),
        host: "api.example".to_owned(),
        template: template.to_owned(),
        operation: None,
    };
    Entry::new(at, &settings).snapshot(&settings)
}

fn names(endpoint: &EndpointSnapshot) -> Vec<String> {
    let found = tags(endpoint, &TagPolicy::default());
    found.into_iter().map(|one| one.name).collect()
}

fn with_body(mut endpoint: EndpointSnapshot, fields: &[&str]) -> EndpointSnapshot {
    let field = |name: &&str| FieldSnapshot {
        name: (*name).to_owned(),
        ..FieldSnapshot::default()
    };
    let schema = SchemaSnapshot {
        root: FieldSnapshot {
            fields: fields.iter().map(field).collect(),
            ..FieldSnapshot::default()
        },
        ..SchemaSnapshot::default()
    };
    endpoint.schemas = vec![schema].into();
    endpoint
}

#[test]
fn paths_say_what_an_endpoint_is_for() {
    for (method, template, expected) in [
        ("POST", "/v2/login", &["login"][..]),
        ("POST", "/api/signIn", &["login"]),
        ("POST", "/users/sign-up", &["sign_up"]),
        ("POST", "/orders/{id}/payment", &["payment"]),
        ("POST", "/password/reset", &["password_reset"]),
        ("GET", "/admin/users/{id}", &["admin"]),
        ("GET", "/payments/{id}/receipt", &[]),
        ("GET", "/users/{id}/export", &["export"]),
        ("GET", "/products/search", &["search"]),
        ("POST", "/v1/chat/completions", &["ai"]),
        ("GET", "/products/{id}", &[]),
        ("GET", "/authors/{id}", &[]),
        ("GET", "/researchers", &[]),
        ("GET", "/login", &[]),
    ] {
        assert_eq!(
            names(&endpoint(method, template)),
            expected,
            "{method} {template}"
        );
    }
}

#[test]
fn weak_signs_add_up_and_the_reason_names_them() {
    let plain = endpoint("POST", "/v2/carts/{id}/complete");
    assert_eq!(names(&plain), [""; 0]);
    let one = with_body(plain.clone(), &["amount"]);
    assert_eq!(names(&one), [""; 0]);
    let card = with_body(plain, &["card_number", "cvc", "note"]);
    let found = tags(&card, &TagPolicy::default());
    assert_eq!(found[0].name, "payment");
    assert!((found[0].confidence - 0.51).abs() < 1e-9);
    assert_eq!(
        found[0].reason,
        "Because of the field 'card_number', the field 'cvc'."
    );
}

#[test]
fn operations_and_parameters_are_signs_too() {
    let mut graphql = endpoint("POST", "/graphql");
    graphql.operation = Some(OperationName {
        style: "graphql".to_owned(),
        kind: "mutation".to_owned(),
        name: "resetPassword".to_owned(),
    });
    assert_eq!(names(&graphql), ["password_reset"]);
    graphql.operation = Some(OperationName {
        style: "mcp".to_owned(),
        kind: "tool".to_owned(),
        name: "weather".to_owned(),
    });
    assert_eq!(names(&graphql), ["ai"]);
    let mut list = endpoint("GET", "/items");
    for name in ["q", "keywords"] {
        list.parameters.push(ParameterSnapshot {
            location: "query".to_owned(),
            name: name.to_owned(),
            ..ParameterSnapshot::default()
        });
    }
    assert_eq!(names(&list), ["search"]);
}

#[test]
fn a_users_own_tag_is_given_by_the_users_own_words() {
    let mut policy = TagPolicy::default();
    policy.rules.push(TagRule {
        tag: "kyc".to_owned(),
        path: ["identity"].map(str::to_owned).into(),
        ..TagRule::default()
    });
    let found = tags(&endpoint("GET", "/customers/{id}/identity"), &policy);
    assert_eq!(found[0].name, "kyc");
    assert_eq!(found[0].reason, "Because of the path's 'identity'.");
}
