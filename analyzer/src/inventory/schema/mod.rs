//! The schemas of an endpoint: what its requests and responses look like, by status and media
//! type, merged over time. Names, types, data classes and how often each was there; never values.
//! Bounded in number, fields, depth and bytes, whatever is sent.

/// Shapes, made ready.
mod outline;

/// Bodies that wait to be added.
mod pending;

/// The places of one schema.
mod tree;

/// Maps told from objects.
mod fold;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::traits::{Side, Traits, accepted};
use crate::settings::InventorySettings;
use crate::snapshot::packed::{PackedSchemas, Packer};
use crate::snapshot::schema::FieldSnapshot;
use outline::Outline;
pub use outline::{Outlined, Outlines};
use pending::{Pending, Waiting};
use tree::Tree;

/// What the bodies of one kind look like.
#[derive(Clone, Debug)]
struct Schema {
    /// None for requests.
    status: Option<u16>,
    media_type: Box<str>,
    bodies: u64,
    tree: Tree,
}

/// All schemas of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    known: Vec<Schema>,
    pending: Pending,
    refused: u64,
    /// Exchanges that are not looked at: memory was short.
    closed_for: u64,
}

/// Exchanges that are not looked at after schemas were given up: so many times those that there
/// were, and some. What is called more than that is not what is missed least.
const CLOSED_TIMES: u64 = 3;
const CLOSED_MIN: u64 = 64;

impl Schemas {
    /// Takes in the bodies of one exchange, with so many bytes of request and of response. A refused
    /// request says nothing of what requests look like.
    pub fn observe(
        &mut self,
        traits: &Traits,
        (request_len, response_len): (u64, u64),
        outlined: &Outlined,
        settings: &InventorySettings,
    ) {
        if self.closed_for > 0 {
            self.closed_for -= 1;
            return;
        }
        if let Some(request) = &traits.request
            && accepted(traits.status)
        {
            let body = (request, request_len, outlined.request.as_ref());
            self.observe_message(None, body, settings);
        }
        if let (Some(status), Some(response)) = (traits.status, &traits.response) {
            let body = (response, response_len, outlined.response.as_ref());
            self.observe_message(Some(status), body, settings);
        }
    }

    /// Schemas and fields that found no place.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes over another endpoint's schemas.
    pub fn merge(&mut self, other: &Self, settings: &InventorySettings) {
        self.refused = self.refused.saturating_add(other.refused);
        let mut places = Vec::with_capacity(other.known.len());
        for theirs in &other.known {
            let at = self.slot(theirs.status, &theirs.media_type, settings);
            places.push(at);
            let mut room = self.room(settings);
            let Some(ours) = at.and_then(|at| self.known.get_mut(at)) else {
                continue;
            };
            ours.bodies = ours.bodies.saturating_add(theirs.bodies);
            if theirs.tree.is_empty() {
                continue;
            }
            let cap = settings.max_tally_keys;
            let refused = ours.tree.merge(&theirs.tree, &mut room, cap);
            self.refused = self.refused.saturating_add(refused);
            at.into_iter().for_each(|at| self.fold(at, settings));
        }
        for kind in other.pending.kinds() {
            let at = places.get(usize::from(kind.schema)).copied().flatten();
            if let Some(at) = at.and_then(|at| u16::try_from(at).ok()) {
                self.wait((at, kind.whole), &kind.outline, kind.bodies, settings);
            }
        }
    }

    /// As plain data: requests first, then responses by status; by media type.
    #[must_use]
    pub fn snapshot(&self, settings: &InventorySettings) -> PackedSchemas {
        if !self.pending.is_empty() {
            let mut settled = Self {
                known: self.known.clone(),
                pending: Pending::default(),
                ..*self
            };
            settled.add(self.pending.kinds(), settings);
            return settled.snapshot(settings);
        }
        let mut all: Vec<&Schema> = self.known.iter().collect();
        all.sort_by(|a, b| (a.status, &a.media_type).cmp(&(b.status, &b.media_type)));
        let mut packer = Packer::new(all.len());
        for schema in all {
            packer.schema(schema.status, &schema.media_type, schema.bodies);
            schema.tree.pack(&mut packer);
        }
        packer.finish()
    }

    /// Goes on from plain data.
    #[must_use]
    pub fn restore(packed: &PackedSchemas) -> Self {
        let snapshots = packed.unpack();
        let known = snapshots.iter().map(|snapshot| Schema {
            status: snapshot.status,
            media_type: snapshot.media_type.as_str().into(),
            bodies: snapshot.bodies,
            tree: Tree::restore(&snapshot.root),
        });
        Self {
            known: known.collect(),
            ..Self::default()
        }
    }

    /// Lets everything go after so many exchanges, and does not look at the next ones.
    pub fn give_up(&mut self, exchanges: u64) {
        *self = Self {
            refused: self.refused,
            closed_for: exchanges
                .saturating_mul(CLOSED_TIMES)
                .saturating_add(CLOSED_MIN),
            ..Self::default()
        };
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.fields() == 0
    }

    /// Number of fields that there are places for, all in all.
    #[must_use]
    pub fn fields(&self) -> usize {
        self.known.iter().map(|schema| schema.tree.fields()).sum()
    }

    /// Bytes held, roughly; names and outlines are shared.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let one = |schema: &Schema| schema.tree.bytes() + schema.media_type.len();
        let known: usize = self.known.iter().map(one).sum();
        known + self.known.capacity() * size_of::<Schema>() + self.pending.bytes()
    }

    /// A body, or where it is a stream of messages, the first of these.
    fn observe_message(
        &mut self,
        status: Option<u16>,
        (message, len, outline): (&Side, u64, Option<&Arc<Outline>>),
        settings: &InventorySettings,
    ) {
        // Shares are of the bodies that were looked at.
        if (len == 0 && outline.is_none()) || message.passed {
            return;
        }
        let media_type = message.media_type.as_deref().unwrap_or_default();
        let Some(at) = self.slot(status, media_type, settings) else {
            self.refused = self.refused.saturating_add(1);
            return;
        };
        if let Some(schema) = self.known.get_mut(at) {
            schema.bodies = schema.bodies.saturating_add(1);
        }
        if let Some(outline) = outline {
            let whole = message.whole && !outline.truncated;
            let at = u16::try_from(at).unwrap_or(u16::MAX);
            self.wait((at, whole), outline, 1, settings);
        }
    }

    /// Has bodies wait.
    fn wait(
        &mut self,
        (schema, whole): (u16, bool),
        outline: &Arc<Outline>,
        bodies: u64,
        settings: &InventorySettings,
    ) {
        if self.pending.count((schema, whole), outline, bodies) {
            return;
        }
        if self.pending.is_full() {
            self.settle(settings);
        }
        self.pending.push(Waiting {
            outline: Arc::clone(outline),
            bodies,
            schema,
            whole,
        });
    }

    /// The schema's place, made when there is room. Refusals have at most half of the room: their
    /// kinds are the caller's to choose, those of success are the server's.
    fn slot(
        &mut self,
        status: Option<u16>,
        media_type: &str,
        settings: &InventorySettings,
    ) -> Option<usize> {
        let same = |schema: &Schema| schema.status == status && *schema.media_type == *media_type;
        if let Some(at) = self.known.iter().position(same) {
            return Some(at);
        }
        let refusal = |status: Option<u16>| status.is_some_and(|status| status >= 400);
        let refusals = self.known.iter().filter(|schema| refusal(schema.status));
        let full = self.known.len() >= settings.max_schemas
            || (refusal(status) && refusals.count() >= settings.max_schemas / 2);
        if full {
            return None;
        }
        self.known.push(Schema {
            status,
            media_type: media_type.into(),
            bodies: 0,
            tree: Tree::default(),
        });
        Some(self.known.len() - 1)
    }

    /// How many more fields there may be.
    fn room(&self, settings: &InventorySettings) -> usize {
        let bytes: usize = self
            .known
            .iter()
            .map(|schema| schema.tree.name_bytes())
            .sum();
        if bytes >= settings.max_schema_name_bytes {
            return 0;
        }
        settings.max_schema_fields.saturating_sub(self.fields())
    }

    /// Adds the bodies that wait.
    fn settle(&mut self, settings: &InventorySettings) {
        let pending = core::mem::take(&mut self.pending);
        self.add(pending.kinds(), settings);
    }

    /// Adds bodies to their schemas.
    fn add(&mut self, kinds: &[Waiting], settings: &InventorySettings) {
        for kind in kinds {
            let at = usize::from(kind.schema);
            let room = self.room(settings);
            let Some(schema) = self.known.get_mut(at) else {
                continue;
            };
            let how = (kind.bodies, kind.whole);
            let taken = schema.tree.take(&kind.outline, how, room, settings);
            let refused = taken.refused.saturating_mul(kind.bodies);
            self.refused = self.refused.saturating_add(refused);
            if taken.grown {
                self.fold(at, settings);
            }
        }
    }

    /// Folds what proves to be a map.
    fn fold(&mut self, at: usize, settings: &InventorySettings) {
        let Some(schema) = self.known.get_mut(at) else {
            return;
        };
        if !schema.tree.may_fold(settings) {
            return;
        }
        let mut root = schema.tree.snapshot();
        let mut folded = false;
        fold_all(&mut root, settings, &mut folded);
        if folded {
            schema.tree = Tree::restore(&root);
        }
    }
}

fn fold_all(field: &mut FieldSnapshot, settings: &InventorySettings, folded: &mut bool) {
    if fold::is_map(field, settings) {
        fold::fold(field);
        *folded = true;
    }
    for one in &mut field.fields {
        fold_all(one, settings, folded);
    }
}
