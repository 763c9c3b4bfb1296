//! Versions of an endpoint: which other ones answer, and whether a newer one has taken its place.

use std::collections::BTreeMap;

use super::Partition;
use crate::inventory::version::Version;
use crate::settings::AnalyzerSettings;
use crate::snapshot::Nanos;
use crate::snapshot::profile::VersionSnapshot;

/// An endpoint among its versions.
struct Member {
    version: Version,
    known: VersionSnapshot,
}

impl Partition {
    /// Compares the versions of all endpoints, when more was seen since that was last done.
    pub(super) fn settle_versions(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        if self.compared == self.totals.requests {
            return;
        }
        self.compared = self.totals.requests;
        self.forget_versions();
        for mut members in self.families(now, settings).into_values() {
            members.sort_by(|a, b| {
                (&a.version, a.known.endpoint).cmp(&(&b.version, b.known.endpoint))
            });
            for member in &members {
                self.set_versions(member, &members, now, settings);
            }
        }
    }

    /// A template may have lost its version since.
    fn forget_versions(&mut self) {
        for (id, entry) in &mut self.entries {
            if entry.profile.version.is_some() && Version::of_template(&entry.at.template).is_none()
            {
                entry.profile.version = None;
                entry.profile.versions.clear();
                entry.facts.superseded_by = None;
                self.changes.due.touch(*id);
            }
        }
    }

    /// Endpoints that are versions of one, by method and what they have in common.
    fn families(
        &self,
        now: Nanos,
        settings: &AnalyzerSettings,
    ) -> BTreeMap<(String, String), Vec<Member>> {
        let policy = &settings.lifecycle;
        let mut families: BTreeMap<(String, String), Vec<Member>> = BTreeMap::new();
        for (id, entry) in &self.entries {
            if entry.transport.is_some() {
                continue;
            }
            let Some((version, family)) = Version::of_template(&entry.at.template) else {
                continue;
            };
            let silent = now.saturating_sub(entry.last_seen);
            let known = VersionSnapshot {
                version: version.text.clone(),
                endpoint: *id,
                template: entry.at.template.clone(),
                first_seen: entry.first_seen,
                active: entry.counts.successes >= policy.successor_min_successes
                    && silent <= policy.dormant_after,
            };
            let key = (entry.at.method.clone(), family);
            let members = families.entry(key).or_default();
            members.push(Member { version, known });
        }
        families
    }

    fn set_versions(
        &mut self,
        own: &Member,
        members: &[Member],
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        let id = own.known.endpoint;
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let others = members.iter().filter(|one| one.known.endpoint != id);
        let others = others.take(settings.inventory.max_versions);
        let versions: Vec<VersionSnapshot> = others.map(|one| one.known.clone()).collect();
        let newer = members.iter().rev();
        let successor = newer
            .take_while(|one| one.version > own.version)
            .find(|one| one.known.active);
        let superseded_by =
            successor.map(|one| format!("{} {}", entry.at.method, one.known.template));
        let since = successor.map_or(0, |one| one.known.first_seen);
        let version = Some(own.version.text.clone());
        let is_news = entry.profile.versions != versions
            || entry.profile.version != version
            || entry.facts.superseded_by != superseded_by;
        if is_news {
            entry.profile.versions = versions;
            entry.profile.version = version;
            entry.facts.superseded_by = superseded_by;
            entry.facts.superseded_since = since;
            entry.relabel(self.totals.sight(), now, settings);
            self.changes.due.touch(id);
        }
    }
}
