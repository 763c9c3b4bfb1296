//! Where an exchange was seen, as names that can be counted: its feed, and its other legs.

use std::borrow::Cow;

use tapscope_record::{ExchangeRecord, FeedHealth, VantagePoint};

/// Name of the feed without VLAN and tunnel.
const PLAIN: &str = "untagged";

/// Layers that tell networks or mirror sessions apart, as the record names them.
const NETWORKS: [&str; 4] = ["vxlan:", "geneve:", "erspan:", "gre:"];

/// The feed of a record, by the rule by which the sensor counts feeds: the VLAN inside the
/// innermost network, else the outermost.
#[must_use]
pub fn feed_of_record(record: &ExchangeRecord) -> Cow<'static, str> {
    let (mut vlan, mut network, mut vlan_is_outer) = (None, None, false);
    for layer in &record.encapsulation {
        if let Some(id) = layer.strip_prefix("vlan:") {
            if vlan.is_none() || vlan_is_outer {
                vlan = id.parse::<u16>().ok();
                vlan_is_outer = false;
            }
        } else if NETWORKS.iter().any(|name| layer.starts_with(name)) && layer != "gre:0" {
            network = Some(layer.as_str());
            vlan_is_outer = vlan.is_some();
        }
    }
    name(vlan, network)
}

/// The name under which exchanges of a feed are counted.
#[must_use]
pub fn feed_of_report(feed: &FeedHealth) -> Cow<'static, str> {
    name(feed.vlan, feed.network.as_deref())
}

fn name(vlan: Option<u16>, network: Option<&str>) -> Cow<'static, str> {
    let vlan = vlan.map(|vlan| format!("vlan:{vlan}"));
    match (vlan, network) {
        (None, None) => Cow::Borrowed(PLAIN),
        (Some(vlan), None) => vlan.into(),
        (None, Some(network)) => network.to_owned().into(),
        (Some(vlan), Some(network)) => format!("{vlan} {network}").into(),
    }
}

/// The name under which exchanges seen on a further leg are counted.
#[must_use]
pub fn leg(point: &VantagePoint) -> String {
    format!("{} > {}", point.client.ip(), point.server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_reports_name_a_feed_alike() {
        let feed = |vlan, network: Option<&str>| FeedHealth {
            vlan,
            network: network.map(str::to_owned),
            ..FeedHealth::default()
        };
        let cases: [(&[&str], FeedHealth); 5] = [
            (&[], feed(None, None)),
            (&["vlan:10", "vlan:20"], feed(Some(10), None)),
            (&["vlan:10", "vxlan:7"], feed(Some(10), Some("vxlan:7"))),
            (
                &["vlan:10", "vxlan:7", "vlan:30"],
                feed(Some(30), Some("vxlan:7")),
            ),
            (&["gre:0", "erspan:3"], feed(None, Some("erspan:3"))),
        ];
        let mut record = record();
        for (layers, feed) in cases {
            record.encapsulation = layers.iter().map(|&layer| layer.to_owned()).collect();
            assert_eq!(feed_of_record(&record), feed_of_report(&feed));
        }
    }

    fn record() -> ExchangeRecord {
        let text = r#"{"version":1,"id":"1","time":0,"client":"10.0.0.1:1","server":"10.0.0.2:2",
            "protocol":"http1","method":null,"host":"h","port":null,"path":[],
            "trailing_slash":false,"request":null,"status":null,"response":null,"latency_ns":null,
            "user_agent":null,"forwarded_for":null,
            "completeness":{"request":"missing","response":"missing","pairing":"unpaired"}}"#;
        serde_json::from_str(text).unwrap()
    }
}
