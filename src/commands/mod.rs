//! The verbs, one file each.

/// `watch`: live interfaces.
pub(crate) mod watch;

/// `replay`: captures.
pub(crate) mod replay;

/// `import`: exchanges without packets.
pub(crate) mod import;

/// `exchanges`: extraction alone.
pub(crate) mod exchanges;

/// `doctor`: whether an interface will do.
#[cfg(feature = "live")]
pub(crate) mod doctor;

/// `inventory` and `findings`.
pub(crate) mod listing;

/// `health`: whether the feed can be trusted.
pub(crate) mod health;

/// `spec add`, `spec list`, `spec diff`.
pub(crate) mod spec;

/// `templates`: a person's decisions on templates.
pub(crate) mod templates;

/// `export`: reports that leave the house.
pub(crate) mod export;

/// `serve`: a store's API and page.
pub(crate) mod serve;

/// `demo`: the sample.
pub(crate) mod demo;

use std::io::Write;

use anyhow::Result;
use tapscope_analyzer::trust;

use crate::product::Outcome;

/// Tells what came out of a run in one line on standard error, and whether the feed it rests on can
/// be trusted.
fn summarize(outcome: &Outcome) -> Result<()> {
    let line = format!(
        "{} exchanges, {} endpoints on {} hosts, {} findings",
        outcome.records,
        outcome.counted.endpoints(),
        outcome.counted.hosts(),
        outcome.counted.findings(),
    );
    writeln!(std::io::stderr(), "{line}")?;
    let verdict = trust::verdict(&outcome.health);
    for line in health::verdict_lines(&verdict) {
        writeln!(std::io::stderr(), "{line}")?;
    }
    Ok(())
}
