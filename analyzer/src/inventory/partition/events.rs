//! What template learning found out, applied to the entries.

use super::Partition;
use crate::endpoint::TemplateEvent;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, Nanos};

impl Partition {
    /// Applies all events that wait. `current` is the endpoint of the record that is being taken.
    pub(super) fn apply_events(
        &mut self,
        now: Nanos,
        room: usize,
        current: Option<EndpointId>,
        settings: &AnalyzerSettings,
    ) {
        let mut doubtful = Vec::new();
        for event in self.templates.take_events() {
            match event {
                TemplateEvent::Created {
                    id,
                    earlier,
                    first_seen,
                    ..
                } => {
                    doubtful.push(id);
                    if self.ensure(id, room, settings) {
                        self.add_earlier(id, (earlier, first_seen), settings);
                        self.redescribe(id, now, settings);
                    }
                }
                TemplateEvent::Recognized {
                    id,
                    earlier,
                    first_seen,
                } => self.add_earlier(id, (earlier, first_seen), settings),
                TemplateEvent::Split {
                    from,
                    to,
                    sightings,
                    first_seen,
                } => {
                    doubtful.push(from);
                    self.split(from, to, (sightings, first_seen), settings);
                    // Its label was drawn before it had any exchange.
                    self.restand(to, now, settings);
                }
                TemplateEvent::Retemplated { id, .. } => self.redescribe(id, now, settings),
                TemplateEvent::Merged { gone, survivor } => {
                    self.merge(gone, survivor, now, settings);
                }
                TemplateEvent::Removed { id } => self.remove(id),
            }
        }
        doubtful.retain(|id| Some(*id) != current);
        self.drop_unseen(doubtful);
    }

    /// Adds sightings that were counted as being of no endpoint.
    fn add_earlier(
        &mut self,
        id: EndpointId,
        (earlier, first_seen): (u64, Nanos),
        settings: &AnalyzerSettings,
    ) {
        if earlier > 0
            && let Some(entry) = self.entries.get_mut(&id)
        {
            entry.add_earlier(earlier, first_seen, &settings.inventory);
            self.changes.freshly_placed = true;
            self.changes.due.touch(id);
            self.changes.placed = self.changes.placed.saturating_add(earlier);
        }
    }

    /// Moves sightings to the endpoint they prove to be of. What else was learned of them stays
    /// where it is, for it is known of the sum only.
    fn split(
        &mut self,
        from: EndpointId,
        to: EndpointId,
        (sightings, first_seen): (u64, Nanos),
        settings: &AnalyzerSettings,
    ) {
        if !self.entries.contains_key(&to) {
            return;
        }
        let Some(entry) = self.entries.get_mut(&from) else {
            return;
        };
        let moved = entry.give_away(sightings);
        let is_empty = entry.requests == 0;
        self.changes.due.touch(from);
        if is_empty {
            self.move_operations(from, to, settings);
        }
        if moved > 0
            && let Some(entry) = self.entries.get_mut(&to)
        {
            entry.add_earlier(moved, first_seen, &settings.inventory);
            self.changes.due.touch(to);
        }
    }

    /// An endpoint that no exchange is left of is no row; it gets one when it is seen.
    fn drop_unseen(&mut self, ids: Vec<EndpointId>) {
        for id in ids {
            let unseen = self.entries.get(&id).is_some_and(|e| e.requests == 0);
            if unseen && !self.coverage.orphans.contains(&id) {
                self.remove(id);
            }
        }
    }

    /// Takes the template, its confidence and examples over, and what hangs on the template.
    pub(super) fn redescribe(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        self.spin_off_operation(id, id, settings);
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
        self.redescribe_operations(id, now, settings);
    }

    pub(super) fn merge(
        &mut self,
        gone: EndpointId,
        survivor: EndpointId,
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        if gone == survivor {
            return;
        }
        // What each was called by name stays a row when the template that named it goes.
        self.spin_off_operation(survivor, survivor, settings);
        self.spin_off_operation(gone, survivor, settings);
        let Some(mut old) = self.entries.remove(&gone) else {
            return;
        };
        self.changes.due.forget(gone);
        if self.ensure(survivor, usize::MAX, settings)
            && let Some(entry) = self.entries.get_mut(&survivor)
        {
            entry.merge(&mut old, settings);
            self.changes.due.insist(survivor);
            self.changes.merged.push((gone, survivor));
            self.changes.moves.merged.push((gone, survivor));
            self.move_operations(gone, survivor, settings);
        } else {
            self.remove_operations(gone);
            self.changes.withdrawn = self.changes.withdrawn.saturating_add(old.requests);
            self.changes.removed.insert(gone);
        }
        self.changes.structure = true;
        self.redescribe(survivor, now, settings);
    }

    pub(super) fn remove(&mut self, id: EndpointId) {
        if let Some(entry) = self.entries.remove(&id) {
            self.changes.withdrawn = self.changes.withdrawn.saturating_add(entry.requests);
            self.changes.due.forget(id);
            self.changes.removed.insert(id);
            self.changes.structure = true;
            self.remove_operations(id);
        }
    }
}
