//! CycloneDX 1.6: each host as a service, with its endpoints and the classes of data that flow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tapscope_analyzer::snapshot::EndpointSnapshot;

use crate::table::{label, owner, points};
use crate::time::moment;
use crate::{Report, ReportError};

/// Writes the bill of materials.
pub(crate) fn write(material: &Report) -> Result<Vec<u8>, ReportError> {
    let mut by_host: BTreeMap<&str, Vec<&EndpointSnapshot>> = BTreeMap::new();
    let endpoints = material.endpoints.iter();
    for endpoint in endpoints.filter(|one| one.transport.is_none()) {
        by_host.entry(&endpoint.host).or_default().push(endpoint);
    }
    let services: Vec<Value> = by_host
        .iter()
        .map(|(host, endpoints)| service(material, host, endpoints))
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{
                "type": "application", "name": "tapscope", "version": env!("CARGO_PKG_VERSION"),
            }]},
        },
        "services": services,
    });
    if material.now > 0 {
        document["metadata"]["timestamp"] = json!(moment(material.now));
    }
    crate::pretty(&document)
}

fn service(material: &Report, host: &str, endpoints: &[&EndpointSnapshot]) -> Value {
    // A URL has a host and no template of one.
    let at = material.example_host(host);
    let urls: BTreeSet<String> = endpoints
        .iter()
        .map(|one| format!("http://{at}{}", encoded(&one.template)))
        .collect();
    let successes = |one: &&EndpointSnapshot| -> (u64, u64) {
        let calls = &one.authentication_successful;
        (calls.total(), calls.get("none"))
    };
    let (calls, anonymous) = endpoints
        .iter()
        .map(successes)
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let mut labels: BTreeMap<String, u64> = BTreeMap::new();
    for one in endpoints {
        *labels.entry(label(one.lifecycle)).or_insert(0) += 1;
    }
    let requests: u64 = endpoints.iter().map(|one| one.requests).sum();
    let mut properties = vec![
        json!({"name": "tapscope:requests", "value": requests.to_string()}),
        json!({"name": "tapscope:endpoints", "value": endpoints.len().to_string()}),
    ];
    properties.extend(labels.iter().map(|(label, count)| {
        json!({"name": format!("tapscope:lifecycle:{label}"), "value": count.to_string()})
    }));
    let highest = endpoints.iter().map(|one| material.risk(one).score);
    let highest = points(highest.fold(0.0, f64::max)).to_string();
    properties.push(json!({"name": "tapscope:risk:highest", "value": highest}));
    let told = |name: &str, list: BTreeSet<String>| {
        let list: Vec<String> = list.into_iter().filter(|one| !one.is_empty()).collect();
        let value = list.join(", ");
        (!list.is_empty()).then(|| json!({"name": format!("tapscope:{name}"), "value": value}))
    };
    let tags = |one: &&EndpointSnapshot| -> Vec<String> {
        one.profile
            .tags
            .iter()
            .map(|tag| tag.name.clone())
            .collect()
    };
    let zones = endpoints
        .iter()
        .map(|one| one.profile.exposure.zone.clone());
    properties.extend(told("exposure", zones.collect()));
    properties.extend(told(
        "owners",
        endpoints.iter().map(|one| owner(one)).collect(),
    ));
    properties.extend(told("tags", endpoints.iter().flat_map(tags).collect()));
    let external = endpoints
        .iter()
        .any(|one| one.profile.exposure.zone == "external");
    let mut service = json!({
        "bom-ref": format!("service:{host}"),
        "name": host,
        "endpoints": urls,
        "x-trust-boundary": external,
        "authenticated": calls > 0 && anonymous < calls,
        "properties": properties,
    });
    let data = flows(endpoints);
    if !data.is_empty() {
        service["data"] = json!(data);
    }
    service
}

/// Classes of personal or secret data by the way they flow.
fn flows(endpoints: &[&EndpointSnapshot]) -> Vec<Value> {
    let mut flows: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for one in endpoints {
        for class in one.request_data_classes.names() {
            flows.entry(class).or_default().0 = true;
        }
        for class in one.response_data_classes.names() {
            flows.entry(class).or_default().1 = true;
        }
    }
    let flow = |(class, way): (&&str, &(bool, bool))| {
        let flow = match way {
            (true, true) => "bi-directional",
            (true, false) => "inbound",
            (false, _) => "outbound",
        };
        json!({"flow": flow, "classification": class})
    };
    flows.iter().map(flow).collect()
}

/// A template as part of a URI: braces are no characters of one (RFC 3986).
fn encoded(template: &str) -> String {
    let mut out = String::new();
    for byte in template.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b':' | b'@' | b'!' | b'$' | b'&' | b'\''
            | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
