//! The thread that owns the analyzer and the store: the single writer of both.
//!
//! Records go through the analyzer one by one; what changed is saved in one transaction, and only
//! then shown (API, page) and logged. So nothing anybody has seen is lost with a killed process.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tapscope_analyzer::Analyzer;
use tapscope_analyzer::endpoint::rules::{self, TemplateDecision};
use tapscope_analyzer::endpoint::{RuleError, TemplateRule};
use tapscope_analyzer::snapshot::{
    Changes, EndpointId, EndpointSnapshot, FindingId, FindingSnapshot, FindingStatus,
};
use tapscope_analyzer::vantage::Legs;
use tapscope_dashboard_api::{Command, CommandError, LiveView};
use tapscope_record::{ExchangeRecord, HealthReport, Part};
use tapscope_store::{SqliteStore, Store, StoreSettings, StoredSpecification};
use tokio::sync::mpsc;

use crate::config::Settings;
use crate::feed::Listener;
use crate::spent::{Returned, Spent, way_back};
use crate::view::LogLine;

pub(crate) use specifications::read_specification;
pub(crate) use watched::Watched;

/// The documents that the inventory is compared with.
mod specifications;

/// What is read again while a run goes on.
mod watched;

/// How long the engine waits for input before it looks at commands and saves.
const TURN: Duration = Duration::from_millis(50);

/// How long what must not be lost (a new endpoint, a finding) may wait to be saved.
const URGENT: Duration = Duration::from_millis(100);

/// Between two saves, this many times what the one before took goes to analysis: where so much comes
/// in that saving and showing are long, they are rarer instead of taking all the time there is.
const ANALYSIS_PER_SAVE: u32 = 12;

/// The same when a file is read: it can be read again, and whoever waits for it waits for the end.
const ANALYSIS_PER_SAVE_OF_FILE: u32 = 49;

/// How often a save that keeps failing is logged: it is tried several times a second, and a full
/// disk must not be filled further by its own messages.
const FAILURE_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How often the health report is kept in the store: it is for whoever looks at the store later,
/// and a killed process may cost the last seconds of it.
const HEALTH_SAVE_INTERVAL: Duration = Duration::from_secs(10);

/// How much there is.
mod counted;

/// What is said of how the run goes.
mod health;

/// The exchange log.
mod log;

pub(crate) use counted::Counted;
use log::ExchangeLog;

/// What the sensor's thread sends.
pub(crate) enum Input {
    /// Records in the order in which their exchanges ended.
    #[expect(
        clippy::vec_box,
        reason = "records are large and move from thread to thread and through queues"
    )]
    Records(Vec<Box<ExchangeRecord>>),
    /// Packet time has come to this point.
    Time(i64),
    /// What the sensor says of itself.
    Health(HealthReport),
}

/// Analyzer, store, exchange log and read model.
pub(crate) struct Engine {
    /// Joins what was seen on both sides of a proxy before it is analyzed.
    legs: Legs,
    /// Takes the records that are done; none where they were made by nobody who waits for them.
    spent: Option<Spent>,
    /// Those that are next.
    #[expect(clippy::vec_box, reason = "records are large and stay where they are")]
    ready: Vec<Box<ExchangeRecord>>,
    analyzer: Analyzer,
    store: Option<SqliteStore>,
    store_path: String,
    view: Arc<LiveView>,
    /// Whether anybody can look at the view during the run.
    is_served: bool,
    counted: Counted,
    /// Without a store: the endpoints, to be shown when the run is over.
    kept: BTreeMap<EndpointId, EndpointSnapshot>,
    log: Option<ExchangeLog>,
    specifications: Vec<StoredSpecification>,
    rules: Vec<TemplateRule>,
    /// Files that are read again when they change.
    watched: Watched,
    unsaved: Changes,
    health: HealthReport,
    /// The cap on memory, which the process is shown beside.
    memory_bytes: usize,
    /// Whether the store holds an older one.
    health_is_new: bool,
    health_saved: Instant,
    save_interval: Duration,
    last_save: Instant,
    last_urgent: Instant,
    /// No save that is not asked for begins before.
    rest_until: Instant,
    /// The longest that a long save puts off the next one. Of live traffic it is half an interval,
    /// so that a killed process loses little more than one.
    rest_max: Duration,
    analysis_per_save: u32,
    /// Endpoints that are copied at once to be saved before stopping.
    flushed_endpoints: usize,
    /// What `rest_max` is when a file is read.
    replay_rest: Duration,
    /// What is taken in can be read again.
    is_file: bool,
    /// Wall clock of the last save that succeeded; 0 before the first.
    last_saved: i64,
    dirty: bool,
    records: u64,
    /// The latest packet time that was told.
    latest: i64,
    store_failures: u64,
    /// When the latest failure was logged.
    failure_told: Option<Instant>,
}

impl Engine {
    /// Opens the store and starts from what it holds.
    ///
    /// # Errors
    /// When the store, a specification or the log cannot be opened.
    pub(crate) fn open(
        settings: &Settings,
        store: Option<&Path>,
        (specifications, watched): (&[(String, String)], Watched),
        log: Option<&Path>,
        (view, is_served): (Arc<LiveView>, bool),
    ) -> Result<Self> {
        let store_path = store.map_or_else(String::new, |path| path.display().to_string());
        let mut kept = StoreSettings::default();
        kept.divide_memory(settings.memory_bytes);
        let store = store.map(|path| SqliteStore::open_with(path, kept));
        let mut store = store.transpose()?;
        let restored = store
            .as_mut()
            .map(Store::load)
            .transpose()?
            .unwrap_or_default();
        let known = store
            .as_mut()
            .map(Store::specifications)
            .transpose()?
            .unwrap_or_default();
        let rules = store.as_mut().map(Store::template_rules).transpose()?;
        let health = store.as_mut().map(Store::health).transpose()?.flatten();
        let counted = Counted::restored(&restored);
        if is_served {
            view.restore(restored.clone());
        }
        let mut engine = Self {
            legs: Legs::new(settings.analyzer.vantage.clone()),
            spent: None,
            ready: Vec::new(),
            analyzer: Analyzer::new(settings.analyzer.clone(), restored),
            store,
            store_path,
            view,
            is_served,
            counted,
            kept: BTreeMap::new(),
            log: log.map(ExchangeLog::create).transpose()?,
            specifications: known,
            rules: rules.unwrap_or_default(),
            watched,
            unsaved: Changes::default(),
            health: health.map(health::restored).unwrap_or_default(),
            memory_bytes: settings.memory_bytes,
            health_is_new: false,
            health_saved: Instant::now(),
            save_interval: settings.save_interval,
            last_save: Instant::now(),
            last_urgent: Instant::now(),
            rest_until: Instant::now(),
            rest_max: settings.save_interval / 2,
            analysis_per_save: ANALYSIS_PER_SAVE,
            flushed_endpoints: settings.analyzer.inventory.save_endpoints,
            replay_rest: settings.replay_rest,
            is_file: false,
            last_saved: 0,
            dirty: true,
            records: 0,
            latest: 0,
            store_failures: 0,
            failure_told: None,
        };
        for (name, source) in specifications {
            engine.add_specification(name, source)?;
        }
        engine.read_folders()?;
        engine.use_specifications()?;
        engine.use_rules();
        engine.save()?;
        Ok(engine)
    }

    /// What is taken in is no live traffic.
    pub(crate) fn read_files(&mut self) {
        self.is_file = true;
        self.rest_max = self.replay_rest;
        self.analysis_per_save = ANALYSIS_PER_SAVE_OF_FILE;
        if !self.is_served && self.log.is_none() {
            // Nobody waits to see anything before the end.
            self.rest_until = Instant::now() + self.replay_rest;
        }
    }

    /// Where records that are done come back from here on.
    pub(crate) fn way_back(&mut self) -> Returned {
        let (spent, returned) = way_back();
        self.spent = Some(spent);
        returned
    }

    /// Takes input until the sender is gone, and commands until their sender is gone; then saves.
    ///
    /// # Errors
    /// When the store or the log cannot be written at the end.
    pub(crate) fn run(
        mut self,
        inputs: &Receiver<Input>,
        mut commands: Option<mpsc::Receiver<Command>>,
    ) -> Result<Self> {
        loop {
            match inputs.recv_timeout(TURN) {
                Ok(input) => self.handle_input(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Some(command) = commands
                .as_mut()
                .and_then(|waiting| waiting.try_recv().ok())
            {
                self.handle_command(command);
            }
            self.look_again();
            self.save_when_due();
        }
        let Some(mut commands) = commands else {
            return self.conclude();
        };
        self.finish();
        let saved = self.save_all();
        if let Err(error) = saved {
            self.tell_failure(&error);
        }
        self.serve_commands(&mut commands);
        self.save_all()?;
        Ok(self)
    }

    /// The input is over: saves everything.
    ///
    /// # Errors
    /// When the store or the log cannot be written.
    pub(crate) fn conclude(mut self) -> Result<Self> {
        self.finish();
        self.save_all()?;
        Ok(self)
    }

    /// Takes commands until their sender is gone, and tries again what could not be saved.
    fn serve_commands(&mut self, commands: &mut mpsc::Receiver<Command>) {
        loop {
            match commands.try_recv() {
                Ok(command) => self.handle_command(command),
                Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(TURN),
                Err(mpsc::error::TryRecvError::Disconnected) => return,
            }
            self.look_again();
            if self.dirty || !self.unsaved.is_empty() {
                self.save_when_due();
            }
        }
    }

    /// Records taken in.
    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// How much there is as of the last save, and without a store: the endpoints.
    pub(crate) fn into_outcome(self) -> (Counted, Vec<EndpointSnapshot>) {
        // The process is about to end: giving the memory back piece by piece would only take time.
        std::mem::forget(self.analyzer);
        (self.counted, self.kept.into_values().collect())
    }

    fn handle_input(&mut self, input: Input) {
        match input {
            Input::Records(records) => {
                // One thing after the other for all of them: what is done for one record is about
                // as large as the processor's cache for instructions.
                for record in records {
                    self.legs.handle_record(record);
                }
                self.analyze();
            }
            Input::Time(now) => {
                self.legs.handle_time(now);
                self.analyze();
                self.latest = self.latest.max(now);
                self.analyzer.handle_time(self.legs.settled(now));
                self.dirty = true;
            }
            Input::Health(report) => {
                self.health = report;
                self.health_is_new = true;
            }
        }
    }

    /// Gives the analyzer the exchanges whose legs have come in.
    fn analyze(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        ready.extend(std::iter::from_fn(|| self.legs.take_record()));
        match &mut self.log {
            Some(log) => {
                for record in &ready {
                    let observation = self.analyzer.handle_record(record);
                    log.push(&LogLine::new(record, &observation));
                }
            }
            None => self.analyzer.handle_records_quietly(&ready),
        }
        self.dirty |= !ready.is_empty();
        let whole = ready.iter().filter(|record| record.part != Part::Closing);
        self.records += whole.count() as u64;
        match &mut self.spent {
            Some(spent) => ready.drain(..).for_each(|record| spent.put(record)),
            None => ready.clear(),
        }
        self.ready = ready;
    }

    /// The input is over: nothing waits for another leg any more.
    fn finish(&mut self) {
        self.legs.flush();
        self.analyze();
        if self.latest > 0 {
            self.analyzer.handle_time(self.latest);
            self.dirty = true;
        }
    }

    /// Saves when the interval is over, or soon when there is something that must not be lost; not
    /// as long as the save before weighs on analysis.
    fn save_when_due(&mut self) {
        let began = Instant::now();
        if began < self.rest_until {
            return;
        }
        let result = if self.last_save.elapsed() >= self.save_interval {
            self.save()
        } else if self.last_urgent.elapsed() >= URGENT && self.analyzer.has_urgent_changes() {
            self.save_urgent()
        } else {
            return;
        };
        let ended = Instant::now();
        let rest = (ended - began) * self.analysis_per_save;
        self.rest_until = ended + self.rest_max.min(rest);
        if let Err(error) = result {
            self.tell_failure(&error);
        }
    }

    /// Saves and shows what must not be lost. The log waits: it tells of counters, too.
    fn save_urgent(&mut self) -> Result<()> {
        self.last_urgent = Instant::now();
        let changes = self.analyzer.take_urgent_changes();
        self.save_and_show(changes)
    }

    /// The changes are kept and tried again; the page and the log tell the operator.
    fn tell_failure(&mut self, error: &anyhow::Error) {
        self.store_failures += 1;
        let told = self.failure_told.map(|told| told.elapsed());
        if told.is_none_or(|told| told >= FAILURE_LOG_INTERVAL) {
            self.failure_told = Some(Instant::now());
            tracing::error!("{error:#}; what changed is kept in memory and tried again");
        }
    }

    /// Saves what changed, then shows and logs it.
    fn save(&mut self) -> Result<()> {
        self.last_save = Instant::now();
        if self.dirty || !self.unsaved.is_empty() {
            let changes = if self.is_file {
                self.analyzer.take_few_changes()
            } else {
                self.analyzer.take_changes()
            };
            self.save_changes(changes)?;
            // One save takes no more than a short time: the rest has its turn.
            self.dirty = self.analyzer.has_changes();
        }
        if self.health_saved.elapsed() >= HEALTH_SAVE_INTERVAL {
            self.save_health()?;
        }
        self.show_health(None);
        Ok(())
    }

    /// Saves what changed with everything a restart can use: what is done before stopping.
    fn save_all(&mut self) -> Result<()> {
        self.analyzer.conclude();
        loop {
            let changes = self.analyzer.flush_some(self.flushed_endpoints);
            self.save_changes(changes)?;
            if !self.analyzer.has_changes() {
                break;
            }
        }
        self.save_health()?;
        self.show_health(None);
        Ok(())
    }

    fn save_changes(&mut self, changes: Changes) -> Result<()> {
        self.dirty = false;
        self.save_and_show(changes)?;
        self.log.as_mut().map_or(Ok(()), ExchangeLog::write)
    }

    fn save_and_show(&mut self, changes: Changes) -> Result<()> {
        let changes = match std::mem::take(&mut self.unsaved) {
            older if older.is_empty() => changes,
            older => merged(older, changes),
        };
        match &mut self.store {
            Some(store) => {
                if let Err(error) = store.save(&changes) {
                    self.unsaved = changes;
                    self.show_health(Some(error.to_string()));
                    return Err(error.into());
                }
                self.last_saved = wall_clock();
            }
            None => keep(&mut self.kept, &changes),
        }
        self.counted.take(&changes);
        if self.is_served {
            self.view.publish(changes);
        }
        Ok(())
    }

    fn handle_command(&mut self, command: Command) {
        // A reply nobody waits for any more (the browser went away) is no error.
        match command {
            Command::SetFindingStatus {
                id,
                status,
                comment,
                reply,
            } => {
                let _ = reply.send(self.set_finding_status(id, status, &comment));
            }
            Command::AddSpecification {
                specification,
                reply,
            } => {
                let result = self
                    .add_specification(&specification.name, &specification.source)
                    .and_then(|()| self.use_specifications())
                    .and_then(|()| self.save());
                let published = result.map_err(failed).and_then(|()| {
                    let published = self.view.specifications();
                    published
                        .iter()
                        .find(|one| one.specification.name == specification.name)
                        .cloned()
                        .ok_or_else(|| CommandError::Failed("it was not kept".to_owned()))
                });
                let _ = reply.send(published);
            }
            Command::DecideTemplates { decision, reply } => {
                let _ = reply.send(self.decide_templates(&decision));
            }
            Command::WithdrawTemplateRules {
                host,
                template,
                reply,
            } => {
                let _ = reply.send(self.withdraw_rules(&host, &template));
            }
            Command::RemoveSpecification { name, reply } => {
                let _ = reply.send(match self.remove_specification(&name) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(CommandError::NotFound(
                        "there is no such specification".to_owned(),
                    )),
                    Err(error) => Err(failed(error)),
                });
            }
            _ => {}
        }
    }

    fn set_finding_status(
        &mut self,
        id: FindingId,
        status: FindingStatus,
        comment: &str,
    ) -> Result<FindingSnapshot, CommandError> {
        self.analyzer
            .set_finding_status(id, status, comment, wall_clock())
            .map_err(|error| CommandError::NotFound(error.to_string()))?;
        self.dirty = true;
        self.save().map_err(failed)?;
        let finding = self.view.finding(id);
        finding
            .map(|finding| (*finding).clone())
            .ok_or_else(|| CommandError::NotFound("the finding is gone".to_owned()))
    }

    /// Carries a person's decision on templates out and keeps it before anybody is told.
    pub(crate) fn decide_templates(
        &mut self,
        decision: &TemplateDecision,
    ) -> Result<Vec<TemplateRule>, CommandError> {
        let mut rules = self.rules.clone();
        let added = rules::decide_templates(&mut rules, decision, wall_clock());
        let added = added.map_err(|error| match error {
            RuleError::Conflict { .. } => CommandError::Conflict(error.to_string()),
            _ => CommandError::Invalid(error.to_string()),
        })?;
        self.set_rules(rules).map_err(failed)?;
        Ok(added)
    }

    /// Takes the rules on a template back.
    pub(crate) fn withdraw_rules(
        &mut self,
        host: &str,
        template: &str,
    ) -> Result<(), CommandError> {
        let mut rules = self.rules.clone();
        if rules::withdraw_rules(&mut rules, host, template) == 0 {
            let none = format!("there is no rule on {host}{template}");
            return Err(CommandError::NotFound(none));
        }
        self.set_rules(rules).map_err(failed)
    }

    fn set_rules(&mut self, rules: Vec<TemplateRule>) -> Result<()> {
        if let Some(store) = &mut self.store {
            store.save_template_rules(&rules)?;
        }
        self.rules = rules;
        self.use_rules();
        self.save()
    }

    fn use_rules(&mut self) {
        self.analyzer.set_template_rules(self.rules.clone());
        self.view.set_template_rules(self.rules.clone());
        self.dirty = true;
    }

    /// Saves everything: what a command that takes no traffic does at its end.
    pub(crate) fn close(mut self) -> Result<()> {
        self.save_all()
    }
}

fn failed(error: anyhow::Error) -> CommandError {
    CommandError::Failed(format!("{error:#}"))
}

impl Listener<Input> for Engine {
    fn hear(&mut self, input: Input) -> bool {
        self.handle_input(input);
        self.look_again();
        self.save_when_due();
        true
    }
}

/// Keeps in memory what a store would keep, as far as a person is shown it at the end.
fn keep(kept: &mut BTreeMap<EndpointId, EndpointSnapshot>, changes: &Changes) {
    for endpoint in &changes.endpoints {
        kept.insert(endpoint.id, endpoint.clone());
    }
    let gone = changes
        .merged
        .iter()
        .map(|(gone, _)| gone)
        .chain(&changes.removed);
    for id in gone {
        kept.remove(id);
    }
}

/// Changes that could not be saved, and those that came since: of each thing the newest.
fn merged(older: Changes, newer: Changes) -> Changes {
    let gone: HashSet<_> = newer
        .removed
        .iter()
        .copied()
        .chain(newer.merged.iter().map(|(gone, _)| *gone))
        .collect();
    // What was removed and has come back since is there: readers are shown removals last.
    let back: HashSet<_> = newer.endpoints.iter().map(|endpoint| endpoint.id).collect();
    let mut removed = older.removed;
    removed.retain(|id| !back.contains(id));
    removed.extend(newer.removed);
    let mut endpoints = newest(older.endpoints, newer.endpoints, |endpoint| endpoint.id);
    endpoints.retain(|endpoint| !gone.contains(&endpoint.id));
    let mut hosts = newest(older.hosts, newer.hosts, |host| host.host.clone());
    hosts.retain(|host| !newer.removed_hosts.contains(&host.host));
    let removed_hosts = [older.removed_hosts, newer.removed_hosts].concat();
    Changes {
        endpoints,
        // The newer snapshots and counts are of all that changed since; older counts are history.
        counts: newer.counts,
        merged: [older.merged, newer.merged].concat(),
        removed,
        hosts,
        removed_hosts,
        findings: newest(older.findings, newer.findings, |finding| finding.id),
        consumers: newest(older.consumers, newer.consumers, |consumer| consumer.id),
        now: newer.now,
        urgent: older.urgent || newer.urgent,
    }
}

fn newest<T, K: Eq + Hash>(mut older: Vec<T>, newer: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let keys: HashSet<K> = newer.iter().map(&key).collect();
    older.retain(|item| !keys.contains(&key(item)));
    older.extend(newer);
    older
}

pub(crate) fn wall_clock() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
        })
}
