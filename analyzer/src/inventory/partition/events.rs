//! What template learning found out, applied to the entries.

use super::Partition;
use crate::endpoint::TemplateEvent;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, Nanos};
use tapscope_record::{ExchangeRecord, PathSegment};

impl Partition {
    /// Applies all events that wait. `record` is the one that was just observed, when template
    /// learning held it back: if one of the events makes its path an endpoint, that is returned,
    /// and the record is no longer one of the endpoint's earlier sightings.
    pub(super) fn apply_events(
        &mut self,
        now: Nanos,
        room: usize,
        record: Option<&ExchangeRecord>,
        settings: &AnalyzerSettings,
    ) -> Option<EndpointId> {
        let mut claimed = None;
        for event in self.templates.take_events() {
            match event {
                TemplateEvent::Created {
                    id,
                    method,
                    template,
                    mut earlier,
                    first_seen,
                    ..
                } => {
                    let claims = claimed.is_none()
                        && earlier > 0
                        && record.is_some_and(|r| is_of(r, &method, &template));
                    if self.ensure(id, room, settings) {
                        if claims {
                            claimed = Some(id);
                            earlier -= 1;
                        }
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
        claimed
    }

    /// Takes the template, its confidence and examples over, and what hangs on the template.
    pub(super) fn redescribe(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        if let Some(view) = self.templates.describe(id)
            && let Some(entry) = self.entries.get_mut(&id)
        {
            if entry.at.template == view.template {
                self.changes.due.touch(id);
            } else {
                self.changes.moves.renamed.push(id);
                self.changes.due.insist(id);
                self.changes.structure = true;
            }
            entry.describe(view);
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
        self.changes.due.forget(gone);
        if self.ensure(survivor, usize::MAX, settings)
            && let Some(entry) = self.entries.get_mut(&survivor)
        {
            entry.merge(&old, settings);
            self.changes.due.insist(survivor);
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
            self.changes.due.forget(id);
            self.changes.removed.insert(id);
            self.changes.structure = true;
        }
    }
}

/// Whether a record's path is one of the template's: as many segments, and each a parameter or the
/// same text.
fn is_of(record: &ExchangeRecord, method: &str, template: &str) -> bool {
    let parts = || template.split('/').filter(|s| !s.is_empty());
    record.method.as_deref() == Some(method)
        && parts().count() == record.path.len()
        && parts()
            .zip(&record.path)
            .all(|(part, segment)| match segment {
                PathSegment::Literal(text) => part.contains('{') || part == text,
                PathSegment::Redacted { .. } => part.contains('{'),
            })
}
