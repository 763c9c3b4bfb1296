//! `tapscope templates`: a person's decisions on templates, in a store that nobody writes to at the
//! time (a running sensor takes them through its API).

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use tapscope_analyzer::endpoint::rules::{TemplateAction, TemplateDecision};
use tapscope_dashboard_api::LiveView;
use tapscope_store::SqliteReader;

use super::listing::{Column, print_rows};
use crate::cli::{Listing, OneTemplate, Templates};
use crate::config::Settings;
use crate::engine::{Engine, Watched};
use crate::view::rfc3339;

const RULES: &[Column] = &[
    ("RULE", "kind"),
    ("HOST", "host"),
    ("TEMPLATE", "template"),
    ("METHOD", "method"),
    ("DECIDED", "at"),
    ("COMMENT", "comment"),
];

/// Decides, takes back or lists.
pub(crate) fn execute(arguments: &Templates, settings: &Settings) -> Result<()> {
    match arguments {
        Templates::List(listing) => list(listing),
        Templates::Withdraw(on) => {
            let mut engine = open(settings, &on.store)?;
            engine.withdraw_rules(&on.host.to_ascii_lowercase(), &on.template)?;
            engine.close()
        }
        Templates::Pin(on) => decide(settings, on, TemplateAction::Pin, |_| {}),
        Templates::Rename(on) => decide(settings, on, TemplateAction::Rename, |_| {}),
        Templates::Ignore { on, method } => {
            decide(settings, on, TemplateAction::Ignore, |decision| {
                decision.method.clone_from(method);
            })
        }
        Templates::Merge { on, part } => decide(settings, on, TemplateAction::Merge, |decision| {
            decision.parts.clone_from(part);
        }),
        Templates::Split {
            on,
            value,
            parameter,
        } => decide(settings, on, TemplateAction::Split, |decision| {
            decision.parts.clone_from(value);
            decision.parameter.clone_from(parameter);
        }),
    }
}

fn decide(
    settings: &Settings,
    on: &OneTemplate,
    action: TemplateAction,
    complete: impl FnOnce(&mut TemplateDecision),
) -> Result<()> {
    let mut decision = TemplateDecision {
        action,
        host: on.host.to_ascii_lowercase(),
        template: on.template.clone(),
        method: None,
        parameter: None,
        parts: Vec::new(),
        comment: on.comment.clone(),
    };
    complete(&mut decision);
    let mut engine = open(settings, &on.store)?;
    engine.decide_templates(&decision)?;
    engine.close()
}

/// The engine on a store that is there: deciding on nothing must not make an empty one.
fn open(settings: &Settings, store: &Path) -> Result<Engine> {
    SqliteReader::open(store)?;
    let watched = Watched::new(None, Vec::new(), settings.specification_priority.clone());
    let view = Arc::new(LiveView::new(1));
    Engine::open(settings, Some(store), (&[], watched), None, (view, false))
}

fn list(listing: &Listing) -> Result<()> {
    let rules = SqliteReader::open(&listing.store)?.template_rules()?;
    let rows: Vec<Value> = rules
        .iter()
        .map(|rule| {
            json!({
                "kind": rule.kind.name(),
                "host": rule.host,
                "template": rule.template,
                "method": rule.method,
                "at": rfc3339(rule.at),
                "comment": rule.comment,
            })
        })
        .collect();
    print_rows(&rows, RULES, listing.format)
}
