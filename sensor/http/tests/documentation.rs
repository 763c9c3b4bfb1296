//! The list of anomalies in `docs/anomalies.md` is what the code says.

use tapscope_http::MessageAnomaly;

const WRITTEN: &str = include_str!("../../../docs/anomalies.md");

#[test]
fn every_anomaly_is_documented() {
    let mut wanted = String::from(
        "# Anomalies of messages\n\n\
         What a strict parser would not have accepted, or readers disagree on.\n\
         The names stand in the `anomalies` of records and of `tapscope exchanges`; \
         each exchange has each once, whichever of its messages it is about.\n\
         This list is compared with the code by a test.\n\n\
         | Name | What it is | Rule |\n|---|---|---|\n",
    );
    for anomaly in MessageAnomaly::ALL {
        let text = anomaly.description().trim();
        wanted += &format!(
            "| `{}` | {text} | {} |\n",
            anomaly.name(),
            anomaly.section()
        );
    }
    assert!(WRITTEN == wanted, "docs/anomalies.md is to be:\n\n{wanted}");
}
