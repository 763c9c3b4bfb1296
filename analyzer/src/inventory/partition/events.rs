//! What template learning found out, applied to the entries.

use super::Partition;
use crate::endpoint::TemplateEvent;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, Nanos};

impl Partition {
    /// Applies all events that wait.
    pub(super) fn apply_events(&mut self, now: Nanos, room: usize, settings: &AnalyzerSettings) {
        for event in self.templates.take_events() {
            match event {
                TemplateEvent::Created {
                    id,
                    earlier,
                    first_seen,
                    ..
                } => {
                    if self.ensure(id, room, settings) {
                        if let Some(entry) = self.entries.get_mut(&id) {
                            entry.add_earlier(earlier, first_seen);
                        }
                        self.redescribe(id, now, settings);
                    }
                }
                TemplateEvent::Retemplated { id, .. } => self.redescribe(id, now, settings),
                TemplateEvent::Merged { gone, survivor } => {
                    self.merge(gone, survivor, now, settings);
                }
                TemplateEvent::Removed { id } => self.remove(id),
            }
        }
    }

    /// Takes the template, its confidence and examples over, and what hangs on the template.
    pub(super) fn redescribe(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        if let Some(view) = self.templates.describe(id)
            && let Some(entry) = self.entries.get_mut(&id)
        {
            if entry.at.template != view.template {
                self.changes.moves.renamed.push(id);
            }
            entry.describe(view);
            self.changes.dirty.insert(id);
            self.changes.structure = true;
        }
        self.restand(id, now, settings);
        self.absorb_orphan(id);
    }

    fn merge(
        &mut self,
        gone: EndpointId,
        survivor: EndpointId,
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        if gone == survivor {
            return;
        }
        let Some(old) = self.entries.remove(&gone) else {
            return;
        };
        self.changes.dirty.remove(&gone);
        if self.ensure(survivor, usize::MAX, settings)
            && let Some(entry) = self.entries.get_mut(&survivor)
        {
            entry.merge(&old, settings);
            self.changes.dirty.insert(survivor);
            self.changes.merged.push((gone, survivor));
            self.changes.moves.merged.push((gone, survivor));
        } else {
            self.changes.removed.insert(gone);
        }
        self.changes.structure = true;
        self.redescribe(survivor, now, settings);
    }

    pub(super) fn remove(&mut self, id: EndpointId) {
        if self.entries.remove(&id).is_some() {
            self.changes.dirty.remove(&id);
            self.changes.removed.insert(id);
            self.changes.structure = true;
        }
    }
}
