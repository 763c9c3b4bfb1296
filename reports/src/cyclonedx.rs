//! CycloneDX 1.6: each host as a service, with its endpoints and the classes of data that flow.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tapscope_analyzer::snapshot::EndpointSnapshot;

use crate::table::label;
use crate::time::moment;
use crate::{Material, ReportError};

/// Writes the bill of materials.
pub(crate) fn write(material: &Material) -> Result<Vec<u8>, ReportError> {
    let mut by_host: BTreeMap<&str, Vec<&EndpointSnapshot>> = BTreeMap::new();
    let endpoints = material.endpoints.iter();
    for endpoint in endpoints.filter(|one| one.transport.is_none()) {
        by_host.entry(&endpoint.host).or_default().push(endpoint);
    }
    let services: Vec<Value> = by_host
        .iter()
        .map(|(host, endpoints)| service(host, endpoints))
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

fn service(host: &str, endpoints: &[&EndpointSnapshot]) -> Value {
    let urls: BTreeSet<String> = endpoints
        .iter()
        .map(|one| format!("http://{host}{}", encoded(&one.template)))
        .collect();
    let successes = |one: &&EndpointSnapshot| -> (u64, u64) {
        let all = one.authentication_successful.values().sum();
        let anonymous = one.authentication_successful.get("none");
        (all, anonymous.copied().unwrap_or(0))
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
    let mut service = json!({
        "bom-ref": format!("service:{host}"),
        "name": host,
        "endpoints": urls,
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
        for class in one.request_data_classes.keys() {
            flows.entry(class).or_default().0 = true;
        }
        for class in one.response_data_classes.keys() {
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
