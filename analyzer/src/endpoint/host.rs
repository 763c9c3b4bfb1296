//! The templates of one host: sightings in, endpoints and events out.

mod rules;

mod deciding;

mod fold;

mod pending;

mod step;

mod union;

mod ways;

pub use union::Said;

use super::decide::{self, Decision, Part, PlaceId};
use super::documented::{Documented, Template};
use super::evidence::{Key, Leaf, NodeId, Step, Trie};
use super::judge::Previous;
use super::noise::{self, Noise, Worth};
use super::registry::{Entry, Registry};
use super::waiting::{Sight, Waiting};
use super::{Sighting, TemplateEvent, TemplateSettings, TemplateView, naming, state};
use crate::snapshot::EndpointId;
use crate::snapshot::waiting::WaitingReason;
use rules::Rules;
pub use step::shape_name;
#[cfg(test)]
pub(super) use step::step as step_of;
use step::{fix, is_grpc, parameter, step};
use tapscope_record::PathSegment;
use ways::{Way, Ways};

/// Learns the templates of one host.
#[derive(Debug)]
pub struct HostTemplates {
    host: String,
    settings: TemplateSettings,
    trie: Trie,
    noise: Noise,
    waiting: Waiting,
    decision: Decision,
    /// What the last decision has learned, while the nodes it was of are unchanged.
    learned: Option<Previous>,
    registry: Registry,
    /// What a person has decided.
    rules: Rules,
    /// From imported specifications.
    documented: Documented,
    /// From before a restart whose evidence is lost.
    recalled: Documented,
    revision: u64,
    candidates: u64,
    pace: Pace,
    ways: Ways,
    /// An empty text, to be lent.
    nothing: Box<str>,
}

/// When to decide again.
#[derive(Clone, Debug, Default)]
struct Pace {
    /// Leaves that came in since the start.
    leaves: u64,
    /// How many they were at the last decision.
    decided: u64,
    /// How many they were at the last decision that rested on the evidence alone.
    whole: u64,
    /// Leaves without an endpoint since.
    unresolved: u64,
    /// Sightings learned from by the last decision that rested on the evidence alone.
    hits: u64,
    /// Packet time of the last decision.
    time: i64,
    /// Whether anything came in since.
    dirty: bool,
    /// Whether a response has proven to mean nothing since: what was believed of it must not go on
    /// counting.
    noisy: bool,
}

/// What a name takes beside its place: its text, and the way to it in a tree.
const NAME_COST: usize = 128;

/// What the last decision says of a path.
enum Resolved {
    /// It is this endpoint.
    Endpoint(EndpointId),
    /// A person has said that it is none.
    Ignored,
    /// It has none yet.
    Unknown,
}

/// The method under which a path is known when it is asked for with this one.
fn as_known(method: &str) -> &str {
    match method {
        "HEAD" => "GET",
        other => other,
    }
}

/// Whether a path waits because it seems to stand beside the API.
fn is_beside(why: WaitingReason) -> bool {
    matches!(why, WaitingReason::Operational | WaitingReason::Static)
}

/// Has a leaf take in what a success looked like.
fn see(leaf: &mut Leaf, sighting: &Sighting<'_>) {
    let shape = sighting.response_shape.unwrap_or(0);
    let print = noise::fingerprint(sighting);
    if leaf.succeeded == 0 {
        leaf.shape = shape;
        leaf.fingerprint = print;
    } else {
        // One that was not looked at is no other one.
        let is_same = leaf.shape == shape || sighting.response_passed;
        leaf.shape = if is_same { leaf.shape } else { 0 };
        leaf.fingerprint = if leaf.fingerprint == print { print } else { 0 };
    }
    leaf.succeeded += 1;
}

impl HostTemplates {
    /// Starts with nothing known of `host`.
    #[must_use]
    pub fn new(host: &str, settings: &TemplateSettings) -> Self {
        Self {
            host: host.to_owned(),
            settings: settings.clone(),
            trie: Trie::new(),
            noise: Noise::default(),
            waiting: Waiting::default(),
            decision: Decision::default(),
            learned: None,
            registry: Registry::default(),
            rules: Rules::default(),
            documented: Documented::new(&[], |t| Key::Text(t.into())),
            recalled: Documented::new(&[], |t| Key::Text(t.into())),
            revision: 0,
            candidates: 0,
            pace: Pace::default(),
            ways: Ways::default(),
            nothing: Box::default(),
        }
    }

    /// Goes on from `state`; an unreadable state falls back to the endpoints' templates.
    #[must_use]
    pub fn restore(
        host: &str,
        settings: &TemplateSettings,
        state: &serde_json::Value,
        endpoints: &[(EndpointId, String, String)],
    ) -> Self {
        let mut new = Self::new(host, settings);
        for (id, method, template) in endpoints {
            let entry = Entry {
                method: method.clone(),
                template: template.clone(),
                parameters: naming::parameters(template),
                confidence: 0.5,
                first_seen: i64::MAX,
                nodes: Vec::new(),
            };
            new.registry.restore(*id, entry);
        }
        match state::load(state, settings) {
            Some((trie, candidates)) => {
                new.pace.leaves = trie.leaves as u64;
                new.trie = trie;
                new.candidates = candidates;
                let part = |name: &str| state.get(name).unwrap_or(&serde_json::Value::Null);
                new.waiting = Waiting::load(part("waiting"), settings);
                new.noise = Noise::load(part("noise"));
            }
            None => {
                let pairs: Vec<(String, String)> = endpoints
                    .iter()
                    .map(|(_, m, t)| (m.clone(), t.clone()))
                    .collect();
                new.recalled = new.documented_from(&pairs);
            }
        }
        new.decide(0);
        new
    }

    /// Takes one sighting and says which endpoint it is; none for a candidate or noise.
    pub fn observe(&mut self, sighting: &Sighting<'_>) -> Option<EndpointId> {
        if sighting.path.len() > self.settings.max_depth {
            self.trie.denied += 1;
            self.candidates += 1;
            return None;
        }
        if let Some(way) = self.ways.find(sighting.path, is_grpc(sighting))
            && let Some(found) = self.observe_again(sighting, way)
        {
            return Some(found);
        }
        let steps = self.steps(sighting);
        let path = steps.iter().fold(0, |h, s| super::mix(h ^ s.hash));
        let (mut worth, why) = self.noise.judge(sighting, path);
        if is_beside(why) && self.is_given(&steps) {
            // Who has it in a specification, or has pinned it, knows better.
            worth = Worth::Evidence;
        }
        if core::mem::take(&mut self.noise.learned) {
            self.pace.noisy = true;
            // This one must not be counted for what was believed until now.
            self.maybe_decide(sighting.time);
        }
        let key = super::mix(path ^ super::hash_text(sighting.method));
        let found = if worth == Worth::Evidence {
            self.learn(sighting, &steps, key, 0)
        } else {
            match self.known(sighting, &steps) {
                Some(found) => found,
                None => self.hold(sighting, &steps, key, (worth, why)),
            }
        };
        self.maybe_decide(sighting.time);
        let found = found.or_else(|| self.decided_now(sighting.method, &steps));
        if found.is_none() {
            self.candidates += 1;
        }
        found
    }

    /// Takes a sighting of a path whose way is known; none, and nothing learned, when it has no
    /// endpoint there.
    fn observe_again(&mut self, sighting: &Sighting<'_>, way: Way) -> Option<EndpointId> {
        let method = self.trie.find_method(as_known(sighting.method))?;
        let node = &self.trie.nodes[way.node as usize];
        let at = node.leaves.iter().position(|l| l.method == method)?;
        let found = node.leaves[at].endpoint?;
        let (worth, _) = self.noise.judge(sighting, way.path);
        self.pace.noisy |= core::mem::take(&mut self.noise.learned);
        if worth == Worth::Evidence {
            self.trie.count(way.node);
        }
        let leaf = &mut self.trie.nodes[way.node as usize].leaves[at];
        if worth == Worth::Evidence {
            see(leaf, sighting);
        }
        leaf.seen += 1;
        leaf.counted += 1;
        self.maybe_decide(sighting.time);
        Some(found)
    }

    /// The segments of a sighting, ready to be looked up.
    fn steps<'a>(&self, sighting: &Sighting<'a>) -> Vec<Step<'a>> {
        let settings = &self.settings;
        let mut steps: Vec<Step<'_>> = sighting.path.iter().map(|s| step(s, settings)).collect();
        if is_grpc(sighting) {
            steps.iter_mut().for_each(fix);
        }
        if self.has_given() {
            self.rules.pinned.fix(&mut steps);
            self.documented.fix(&mut steps);
        }
        steps
    }

    /// The endpoint of a sighting by what is known now; nothing is learned from it.
    #[must_use]
    pub fn find(&self, sighting: &Sighting<'_>) -> Option<EndpointId> {
        match self.resolve(sighting.method, &self.steps(sighting)) {
            Resolved::Endpoint(id) => Some(id),
            Resolved::Ignored | Resolved::Unknown => None,
        }
    }

    /// The endpoint of a sighting that had none before the latest decision; it is held back when
    /// there still is none.
    fn decided_now(&mut self, method: &str, steps: &[Step<'_>]) -> Option<EndpointId> {
        let node = self.trie.find(steps)?;
        let method = self.trie.find_method(method)?;
        let leaf = self.trie.nodes[node as usize]
            .leaves
            .iter_mut()
            .find(|l| l.method == method)?;
        let told = u64::from(leaf.endpoint.is_some());
        leaf.counted += told;
        leaf.earlier += 1 - told;
        leaf.endpoint
    }

    /// A sighting that proves its path. `held` of the sightings that were held back are this one.
    fn learn(
        &mut self,
        sighting: &Sighting<'_>,
        steps: &[Step<'_>],
        key: u64,
        held: u64,
    ) -> Option<EndpointId> {
        let method = self.trie.method(sighting.method, &self.settings)?;
        let node = self.trie.enter(steps, &self.settings)?;
        let before = self.trie.leaves;
        let leaf = self.trie.leaf(node, method, sighting.time);
        see(leaf, sighting);
        leaf.seen += 1;
        let known = leaf.endpoint;
        leaf.counted += u64::from(known.is_some());
        let mut earlier = 0;
        if self.trie.leaves > before {
            self.pace.leaves += 1;
            self.pace.dirty = true;
            if let Some(released) = self.waiting.release(key) {
                earlier = released.seen.saturating_sub(held);
                let leaf = self.trie.leaf(node, method, sighting.time);
                leaf.seen += earlier;
                leaf.first_seen = released.first_seen;
            }
        }
        let path = steps.iter().fold(0, |h, s| super::mix(h ^ s.hash));
        self.ways.keep(Way { node, path });
        if known.is_some() {
            return known;
        }
        let found = self.resolve(sighting.method, steps);
        let leaf = self.trie.leaf(node, method, sighting.time);
        match found {
            Resolved::Endpoint(id) => {
                leaf.endpoint = Some(id);
                leaf.counted += 1 + earlier;
                let first_seen = leaf.first_seen;
                self.registry.recognize(id, earlier, first_seen);
                Some(id)
            }
            Resolved::Ignored => {
                leaf.earlier += earlier;
                None
            }
            Resolved::Unknown => {
                leaf.earlier += earlier;
                self.pace.unresolved += 1;
                self.pace.dirty = true;
                None
            }
        }
    }

    /// The endpoint of a sighting that proves nothing, when its path is known: none inside when
    /// the path has no endpoint yet.
    fn known(&mut self, sighting: &Sighting<'_>, steps: &[Step<'_>]) -> Option<Option<EndpointId>> {
        let name = as_known(sighting.method);
        let at = self.trie.find(steps);
        if let (Some(node), Some(method)) = (at, self.trie.find_method(name))
            && let Some(leaf) = self.trie.nodes[node as usize]
                .leaves
                .iter_mut()
                .find(|l| l.method == method)
        {
            leaf.seen += 1;
            leaf.counted += u64::from(leaf.endpoint.is_some());
            return Some(leaf.endpoint);
        }
        match self.resolve(name, steps) {
            Resolved::Endpoint(id) => Some(Some(id)),
            Resolved::Ignored => Some(None),
            Resolved::Unknown => None,
        }
    }

    /// Holds a candidate back until it has proven itself.
    fn hold(
        &mut self,
        s: &Sighting<'_>,
        steps: &[Step<'_>],
        key: u64,
        (worth, why): (Worth, WaitingReason),
    ) -> Option<EndpointId> {
        let print = super::mix(s.response_len ^ u64::from(s.status.unwrap_or(0)) << 32);
        let doubtful = (worth == Worth::Doubtful).then_some((s.consumer, print));
        let sight = Sight {
            key,
            time: s.time,
            why,
            method: s.method,
            steps,
            doubtful,
        };
        if self.waiting.hold(&sight, &self.settings) {
            return self.learn(s, steps, key, 1);
        }
        None
    }

    /// The endpoint that a path belongs to by the last decision.
    fn resolve(&self, method: &str, steps: &[Step<'_>]) -> Resolved {
        let Some(template) = self.template_of(method, steps) else {
            return Resolved::Unknown;
        };
        if self.rules.ignores(method, &template) {
            return Resolved::Ignored;
        }
        match self.registry.find(method, &template) {
            Some(id) => Resolved::Endpoint(id),
            None => Resolved::Unknown,
        }
    }

    fn template_of(&self, method: &str, steps: &[Step<'_>]) -> Option<String> {
        if self.has_given() {
            let keys: Vec<&Key> = steps.iter().map(|s| &s.key).collect();
            if let Some((_, template)) = self.given(&keys) {
                return Some(self.rules.called(&template.of(method).template).to_owned());
            }
        }
        let place = self.place(steps)?;
        let named = naming::name(&naming::parts(&self.decision.places, place));
        Some(self.rules.called(&named.template).to_owned())
    }

    /// The decided place of a path, seen before or not.
    fn place(&self, steps: &[Step<'_>]) -> Option<PlaceId> {
        let places = &self.decision.places;
        let mut at: PlaceId = 0;
        for step in steps {
            let here = places.get(at as usize)?;
            if matches!(&here.part, Part::Parameter(affix) if affix.takes_rest) {
                return Some(at);
            }
            let literal = match &step.key {
                Key::Text(text) | Key::Fixed(text) => text,
                _ => step.text.as_ref(),
            };
            let literal = here.children.get(&Part::Literal(literal.into()));
            at = match literal {
                Some(id) => *id,
                None => parameter(here, step)?,
            };
        }
        Some(at)
    }

    /// Whether a person or a specification has a template for the path.
    fn is_given(&self, steps: &[Step<'_>]) -> bool {
        let keys: Vec<&Key> = steps.iter().map(|s| &s.key).collect();
        let sets = [&self.rules.pinned, &self.documented];
        sets.iter().any(|set| set.find(&keys).is_some())
    }

    fn has_given(&self) -> bool {
        let sets = [&self.rules.pinned, &self.documented, &self.recalled];
        sets.iter().any(|set| !set.is_empty())
    }

    /// The template that is given for a path rather than learned, with a name for it. A person wins
    /// over a specification, and that over what is left of an earlier run.
    fn given(&self, keys: &[&Key]) -> Option<(u32, &Template)> {
        let sets = [&self.rules.pinned, &self.documented, &self.recalled];
        sets.into_iter().zip(0_u32..).find_map(|(set, n)| {
            let i = set.find(keys)?;
            Some((i as u32 * 3 + n, set.templates.get(i)?))
        })
    }

    fn documented_from(&self, pairs: &[(String, String)]) -> Documented {
        let settings = &self.settings;
        Documented::new(pairs, |text| {
            step(&PathSegment::Literal(text.to_owned().into()), settings).key
        })
    }

    fn keys(&self, mut node: NodeId) -> Vec<&Key> {
        let mut keys = Vec::new();
        while node != 0 {
            keys.push(&self.trie.node(node).key);
            node = self.trie.node(node).parent;
        }
        keys.reverse();
        keys
    }

    /// What changed since the last call.
    pub fn take_events(&mut self) -> Vec<TemplateEvent> {
        core::mem::take(&mut self.registry.events)
    }

    /// Sets the (method, full template) pairs of imported specifications; they win where they
    /// match.
    pub fn set_documented(&mut self, documented: &[(String, String)]) {
        self.documented = self.documented_from(documented);
        self.pace.dirty = true;
        self.settle();
    }

    /// The state to restore from.
    #[must_use]
    pub fn state(&self) -> serde_json::Value {
        let mut state = state::save(&self.trie, self.candidates);
        state["waiting"] = self.waiting.save();
        state["noise"] = self.noise.save();
        state
    }

    /// Changes whenever [`Self::state`] has changed by more than counters.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What caps took: sightings not learned from, words that had to share a place, and
    /// candidates that gave way to later ones.
    #[must_use]
    pub fn denied(&self) -> u64 {
        self.trie.denied + self.trie.crowded + self.waiting.evicted
    }

    /// Nodes of the evidence trie in use.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.trie.len()
    }

    /// Rows of [`Self::state`], roughly.
    #[must_use]
    pub fn state_rows(&self) -> usize {
        self.nodes() + self.waiting.saved()
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let places = self.decision.places.len() * size_of::<decide::Decided>();
        let entries = self.registry.entries.len() * size_of::<Entry>();
        // Names stand where they are and where they are looked up, and some more in between.
        let names =
            self.trie.nodes.len() + self.decision.places.len() + self.registry.entries.len();
        self.trie.bytes()
            + places
            + entries
            + names * NAME_COST
            + self.waiting.bytes()
            + self.ways.bytes()
    }

    /// Sightings that are no endpoint (yet).
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.candidates
    }

    /// What is known of an endpoint's template.
    #[must_use]
    pub fn describe(&self, id: EndpointId) -> Option<TemplateView> {
        let entry = self.registry.entries.get(&id)?;
        Some(TemplateView {
            method: entry.method.clone(),
            template: entry.template.clone(),
            confidence: entry.confidence,
            path_parameters: entry.parameters.clone(),
            examples: {
                // Of what was taken over from another host it is not known yet where it is.
                let known = |node: &&NodeId| **node != 0 || entry.template == "/";
                let nodes = entry.nodes.iter().filter(known);
                nodes.map(|n| self.example(*n)).collect()
            },
        })
    }

    fn example(&self, mut node: NodeId) -> String {
        let mut parts = Vec::new();
        while node != 0 {
            let here = self.trie.node(node);
            parts.push(match &here.key {
                Key::Text(text) | Key::Fixed(text) => &**text,
                _ => here.values.examples.first().map_or("", |e| &**e),
            });
            node = here.parent;
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// The endpoints, in a fixed order.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointId> + '_ {
        self.registry.entries.keys().copied()
    }
}
