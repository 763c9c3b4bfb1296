//! A person's rules at work on one host.

use std::collections::{BTreeMap, BTreeSet};

use super::super::documented::Documented;
use super::super::evidence::{Key, NodeId};
use super::super::registry::Group;
use super::super::rules::{RuleKind, TemplateRule};
use super::{HostTemplates, naming};
use crate::snapshot::EndpointId;

/// Groups of evidence with the leaves (node, index) of each.
type Groups = (Vec<Group>, Vec<Vec<(NodeId, usize)>>);

/// The rules of one host.
#[derive(Debug)]
pub(super) struct Rules {
    /// Templates that hold whatever else says.
    pub(super) pinned: Documented,
    /// What templates are called, by their shape, with the names of their parameters.
    names: BTreeMap<String, (String, Vec<String>)>,
    /// Shapes that are no endpoints, of one method or of all.
    ignored: BTreeSet<(String, Option<String>)>,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Rules {
    fn of(rules: &[&TemplateRule]) -> Self {
        let of_kind = |kind| rules.iter().filter(move |rule| rule.kind == kind);
        let pins: Vec<(String, String)> = of_kind(RuleKind::Pin)
            .map(|rule| (String::new(), rule.template.clone()))
            .collect();
        let names = of_kind(RuleKind::Rename).map(|rule| {
            let parameters = naming::parameters(&rule.template);
            (rule.shape(), (rule.template.clone(), parameters))
        });
        let ignored = of_kind(RuleKind::Ignore).map(|rule| (rule.shape(), rule.method.clone()));
        Self {
            // A literal of a pin is that word and no other, whatever it looks like.
            pinned: Documented::new(&pins, |text| Key::Text(text.into())),
            names: names.collect(),
            ignored: ignored.collect(),
        }
    }

    /// What a template is called, when a person has said so.
    pub(super) fn name_of(&self, template: &str) -> Option<&(String, Vec<String>)> {
        if self.names.is_empty() {
            return None;
        }
        self.names.get(&naming::shape(template))
    }

    pub(super) fn called<'a>(&'a self, template: &'a str) -> &'a str {
        self.name_of(template).map_or(template, |(name, _)| name)
    }

    pub(super) fn ignores(&self, method: &str, template: &str) -> bool {
        if self.ignored.is_empty() {
            return false;
        }
        let shape = naming::shape(template);
        self.ignored.contains(&(shape.clone(), None))
            || self.ignored.contains(&(shape, Some(method.to_owned())))
    }
}

impl HostTemplates {
    /// Sets what a person has decided on this host's templates; it wins over specifications and
    /// over what is learned.
    pub fn set_rules(&mut self, rules: &[TemplateRule]) {
        let own: Vec<&TemplateRule> = rules
            .iter()
            .filter(|r| r.host == self.host && !r.is_about_host())
            .collect();
        self.rules = Rules::of(&own);
        self.pace.dirty = true;
        self.settle();
    }

    pub(super) fn is_ignored(&self, id: EndpointId) -> bool {
        let entry = self.registry.entries.get(&id);
        entry.is_some_and(|e| self.rules.ignores(&e.method, &e.template))
    }

    /// Leaves out what a person has said is no endpoint. Its evidence stays, so that it comes back
    /// with its past when the rule is withdrawn.
    pub(super) fn without_ignored(
        &mut self,
        groups: Vec<Group>,
        leaves: Vec<Vec<(NodeId, usize)>>,
    ) -> Groups {
        if self.rules.ignored.is_empty() {
            return (groups, leaves);
        }
        let mut kept: Groups = (Vec::new(), Vec::new());
        for (group, leaves) in groups.into_iter().zip(leaves) {
            if !self
                .rules
                .ignores(&group.entry.method, &group.entry.template)
            {
                kept.0.push(group);
                kept.1.push(leaves);
                continue;
            }
            for (node, leaf) in leaves {
                let leaf = &mut self.trie.nodes[node as usize].leaves[leaf];
                leaf.endpoint = None;
                leaf.earlier += core::mem::take(&mut leaf.counted);
            }
        }
        kept
    }
}
