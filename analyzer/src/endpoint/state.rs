//! Evidence to JSON and back, so that a restart goes on where it stopped.
//!
//! Decisions are not saved: they follow from the evidence.

use serde_json::{Value, json};

use super::evidence::{Key, Leaf, Lengths, NodeId, Trie, Values};
use super::look::Look;
use super::settings::TemplateSettings;
use crate::snapshot::EndpointId;

/// Version of the form written.
const VERSION: u64 = 1;
/// What stands for [`Key::Fixed`]; the numbers below it are for looks.
const FIXED: u8 = u8::MAX;

/// Writes a trie; parents come before their children.
pub(super) fn save(trie: &Trie, candidates: u64) -> Value {
    let mut rows = Vec::with_capacity(trie.len());
    let mut work: Vec<(NodeId, usize)> = vec![(0, 0)];
    while let Some((id, parent)) = work.pop() {
        let node = trie.node(id);
        let (kind, text) = match &node.key {
            Key::Text(text) => (0, &**text),
            Key::Rest => (1, ""),
            Key::Fixed(name) => (FIXED, &**name),
            Key::Typed(look, after) => (2 + *look as u8, &**after),
        };
        let leaves: Vec<Value> = node
            .leaves
            .iter()
            .map(|l| {
                let endpoint = l.endpoint.map(|e| e.0);
                json!([
                    l.method,
                    l.succeeded,
                    l.seen,
                    l.shape,
                    l.fingerprint,
                    l.first_seen,
                    l.earlier,
                    endpoint,
                    l.counted
                ])
            })
            .collect();
        let mut row = json!([parent, kind, text, node.hits, leaves]);
        if kind != 0
            && let Some(row) = row.as_array_mut()
        {
            row.push(json!(node.values.minima()));
            row.push(json!(
                node.values
                    .examples
                    .iter()
                    .map(|e| &**e)
                    .collect::<Vec<_>>()
            ));
            let lengths = node.values.lengths();
            row.push(json!([lengths.shortest, lengths.longest]));
        }
        let at = rows.len();
        rows.push(row);
        work.extend(node.children.values().rev().map(|child| (*child, at)));
    }
    let methods: Vec<&str> = trie.methods.iter().map(|m| &**m).collect();
    json!({"version": VERSION, "candidates": candidates, "denied": trie.denied, "methods": methods, "nodes": rows})
}

/// Reads what [`save`] wrote; none when it is not that, or does not keep to the caps.
pub(super) fn load(state: &Value, settings: &TemplateSettings) -> Option<(Trie, u64)> {
    if state.get("version")?.as_u64()? != VERSION {
        return None;
    }
    let mut trie = Trie::new();
    for method in state.get("methods")?.as_array()? {
        trie.methods.push(method.as_str()?.into());
    }
    let rows = state.get("nodes")?.as_array()?;
    if rows.len() > settings.max_nodes + 1 {
        return None;
    }
    for (i, row) in rows.iter().enumerate() {
        let row = row.as_array()?;
        let parent = usize::try_from(row.first()?.as_u64()?).ok()?;
        let id = if i == 0 {
            0
        } else {
            if parent >= i {
                return None;
            }
            let text = row.get(2)?.as_str()?;
            let key = match row.get(1)?.as_u64()? {
                0 => Key::Text(text.into()),
                1 => Key::Rest,
                n if n == u64::from(FIXED) => Key::Fixed(text.into()),
                n => Key::Typed(*Look::ALL.get(usize::try_from(n - 2).ok()?)?, text.into()),
            };
            // Nodes are added in order, so a row's number is its node.
            trie.add(NodeId::try_from(parent).ok()?, key)
        };
        trie.nodes[id as usize].hits = row.get(3)?.as_u64()?;
        for leaf in row.get(4)?.as_array()? {
            let leaf = self::leaf(leaf, trie.methods.len())?;
            trie.nodes[id as usize].leaves.push(leaf);
            trie.leaves += 1;
        }
        if let (Some(minima), Some(examples)) = (row.get(5), row.get(6)) {
            let minima = minima
                .as_array()?
                .iter()
                .filter_map(Value::as_u64)
                .collect();
            let examples = examples
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect();
            let lengths = row.get(7).and_then(lengths).unwrap_or(Lengths::UNKNOWN);
            trie.nodes[id as usize].values = Values::from_parts(minima, examples, lengths);
        }
    }
    trie.denied = state.get("denied")?.as_u64()?;
    Some((trie, state.get("candidates")?.as_u64()?))
}

/// Of the shortest and of the longest value; older stores have none.
fn lengths(value: &Value) -> Option<Lengths> {
    let at = |i: usize| u32::try_from(value.get(i)?.as_u64()?).ok();
    Some(Lengths {
        shortest: at(0)?,
        longest: at(1)?,
    })
}

fn leaf(value: &Value, methods: usize) -> Option<Leaf> {
    let at = |i: usize| value.get(i).and_then(Value::as_u64);
    let method = u16::try_from(at(0)?).ok()?;
    (usize::from(method) < methods).then_some(())?;
    Some(Leaf {
        method,
        succeeded: at(1)?,
        seen: at(2)?,
        shape: at(3)?,
        fingerprint: at(4)?,
        first_seen: value.get(5)?.as_i64()?,
        earlier: at(6)?,
        endpoint: at(7).map(EndpointId),
        counted: at(8).unwrap_or(0),
    })
}
