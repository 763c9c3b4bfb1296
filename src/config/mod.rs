//! The configuration file: what was written, and what is meant (defaulted, validated, flags won).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tapscope_analyzer::AnalyzerSettings;
#[cfg(feature = "live")]
use tapscope_capture::LiveSettings;
use tapscope_flow::UrgentReading;
use tapscope_pipeline::{MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MIN, WorkerSettings};
use tapscope_redact::RedactSettings;

/// Where the API and the page listen when nobody says: loopback only.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7878);

/// Time between saves when nobody says. A killed process may lose one second of counters; what the
/// ring, the queue and the save itself take comes on top of this.
const SAVE_INTERVAL_MS: u64 = 500;

/// The longest that a save of a file puts off the next one when nobody says: a capture can be
/// replayed again, and whoever looks on meanwhile sees it move.
const REPLAY_REST_MS: u64 = 10_000;

/// Most workers anybody may ask for: each has a ring of its own.
pub(crate) const WORKERS_MAX: u16 = 64;

/// What was written. Every key is optional; unknown keys are an error that names them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    capture: WrittenCapture,
    store: WrittenStore,
    api: WrittenApi,
    privacy: WrittenPrivacy,
    filter: WrittenFilter,
    specifications: WrittenSpecifications,
    data_classes: WrittenDataClasses,
    memory: WrittenMemory,
    lifecycle: WrittenLifecycle,
    owners: Vec<WrittenOwner>,
    exposure: WrittenExposure,
    tags: Vec<WrittenTag>,
    risk: WrittenRisk,
    consumers: WrittenConsumers,
    limits: WrittenLimits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenConsumers {
    trusted_proxies: Vec<String>,
    learn_proxies: Option<bool>,
}

impl WrittenConsumers {
    fn apply(&self, analyzer: &mut AnalyzerSettings) -> Result<()> {
        for text in &self.trusted_proxies {
            let network = text
                .parse()
                .with_context(|| format!("consumers.trusted_proxies has {text:?}"))?;
            analyzer.proxies.trusted.push(network);
        }
        if let Some(learn) = self.learn_proxies {
            analyzer.proxies.learn = learn;
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenMemory {
    limit_bytes: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenCapture {
    interfaces: Vec<String>,
    pcap_over_ip: Vec<String>,
    filter: Option<String>,
    ring_bytes: Option<u32>,
    snap_len: Option<u32>,
    block_timeout_ms: Option<u32>,
    promiscuous: Option<bool>,
    workers: Option<u16>,
    urgent_data: UrgentData,
}

/// How the servers behind the mirror read urgent data, as written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UrgentData {
    #[default]
    OutOfBand,
    OutOfBandAtPointer,
    InLine,
}

impl From<UrgentData> for UrgentReading {
    fn from(written: UrgentData) -> Self {
        match written {
            UrgentData::OutOfBand => Self::OutOfBand,
            UrgentData::OutOfBandAtPointer => Self::OutOfBandAtPointer,
            UrgentData::InLine => Self::InLine,
        }
    }
}

impl WrittenCapture {
    fn check(&self) -> Result<()> {
        if self
            .workers
            .is_some_and(|workers| !(1..=WORKERS_MAX).contains(&workers))
        {
            bail!("capture.workers must be between 1 and {WORKERS_MAX}");
        }
        if self.snap_len.is_some_and(|len| len < 96) {
            bail!("capture.snap_len is too short for headers; use 96 or more (262144 is usual)");
        }
        if self
            .ring_bytes
            .is_some_and(|bytes| !(1 << 20..=i32::MAX as u32).contains(&bytes))
        {
            bail!("capture.ring_bytes must be between 1048576 and 2147483647");
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenStore {
    path: Option<PathBuf>,
    save_interval_ms: Option<u64>,
    replay_rest_ms: Option<u64>,
}

impl WrittenStore {
    /// How long counters may wait to be saved, and how long a save of a file may put off the next.
    fn intervals(&self) -> Result<(Duration, Duration)> {
        let save_interval_ms = self.save_interval_ms.unwrap_or(SAVE_INTERVAL_MS);
        if !(10..=60_000).contains(&save_interval_ms) {
            bail!("store.save_interval_ms is {save_interval_ms}; use 10 to 60000");
        }
        let replay_rest_ms = self.replay_rest_ms.unwrap_or(REPLAY_REST_MS);
        if replay_rest_ms > 60_000 {
            bail!("store.replay_rest_ms is {replay_rest_ms}; use 0 to 60000");
        }
        let interval = Duration::from_millis(save_interval_ms);
        Ok((interval, Duration::from_millis(replay_rest_ms)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenApi {
    listen: Option<SocketAddr>,
    allow_remote: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenPrivacy {
    key_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenFilter {
    rules: Vec<String>,
    file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenSpecifications {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
    priority: Vec<String>,
}

/// Classes of data of the user's own.
mod data_classes;

/// Caps and thresholds of the stages.
mod limits;

/// How facts become labels, owners, exposure, purpose, risk.
mod policy;

use data_classes::WrittenDataClasses;
use limits::WrittenLimits;
use policy::{
    WrittenExposure, WrittenLifecycle, WrittenOwner, WrittenPolicy, WrittenRisk, WrittenTag,
};

use crate::filter::FilterSource;

/// What is meant.
pub(crate) struct Settings {
    /// Interfaces to watch when no flag names them.
    pub(crate) interfaces: Vec<String>,
    /// Streams over TCP to take in when no flag names them.
    pub(crate) pcap_over_ip: Vec<String>,
    /// Workers when no flag says how many.
    pub(crate) workers: Option<u16>,
    /// Live capture.
    #[cfg(feature = "live")]
    pub(crate) live: LiveSettings,
    /// Bytes of each ring, when somebody says how many.
    #[cfg(feature = "live")]
    pub(crate) ring_bytes: Option<u32>,
    /// Which segments are wanted.
    pub(crate) filter: FilterSource,
    /// The file all this was read from.
    pub(crate) path: Option<PathBuf>,
    /// The cap on memory.
    pub(crate) memory_bytes: usize,
    /// Decapsulation, connections, HTTP.
    pub(crate) worker: WorkerSettings,
    /// Redaction.
    pub(crate) redact: RedactSettings,
    /// Analysis.
    pub(crate) analyzer: AnalyzerSettings,
    /// Store to go on with.
    pub(crate) store: Option<PathBuf>,
    /// How long counters may wait to be saved: what a killed process may lose of them.
    pub(crate) save_interval: Duration,
    /// The longest that a save puts off the next one when a file is read.
    pub(crate) replay_rest: Duration,
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// Whether it may listen beyond loopback (there are no user accounts yet).
    pub(crate) allow_remote: bool,
    /// The installation's key, when not in its usual place.
    pub(crate) key_file: Option<PathBuf>,
    /// Specifications beside those the flags name.
    pub(crate) specifications: Vec<PathBuf>,
    /// A folder of specifications that is kept up to date.
    pub(crate) specification_folder: Option<PathBuf>,
    /// Names of specifications, the one that holds before all others first.
    pub(crate) specification_priority: Vec<String>,
}

impl Settings {
    /// Reads the configuration; without a file everything has its default.
    ///
    /// # Errors
    /// When the file cannot be read, or a value in it makes no sense; says which and what would.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Self::from_written(Written::default());
        };
        let text = fs::read_to_string(path)
            .with_context(|| format!("{}: the configuration cannot be read", path.display()))?;
        let settings = Self::parse(&text).with_context(|| format!("{}", path.display()))?;
        Ok(Self {
            path: Some(path.to_owned()),
            ..settings
        })
    }

    /// How many workers to run: as typed, else as configured, else `usual`.
    pub(crate) fn workers(&self, typed: Option<u16>, usual: usize) -> usize {
        typed.or(self.workers).map_or(usual, usize::from)
    }

    fn parse(text: &str) -> Result<Self> {
        let written: Written = toml::from_str(text)
            .map_err(|error| anyhow::anyhow!("{}", one_line(&error.to_string())))?;
        Self::from_written(written)
    }

    fn from_written(written: Written) -> Result<Self> {
        let Written {
            capture,
            store,
            api,
            privacy,
            filter,
            specifications,
            data_classes,
            memory,
            lifecycle,
            owners,
            exposure,
            tags,
            risk,
            consumers,
            limits,
        } = written;
        let (save_interval, replay_rest) = store.intervals()?;
        capture.check()?;
        let mut worker = WorkerSettings::default();
        let mut redact = RedactSettings::default();
        let mut analyzer = AnalyzerSettings::default();
        let limit = memory.limit_bytes.unwrap_or(MEMORY_BYTES_DEFAULT);
        if limit < MEMORY_BYTES_MIN {
            bail!("memory.limit_bytes is {limit}; use {MEMORY_BYTES_MIN} or more");
        }
        worker.divide_memory(limit);
        worker.flow.urgent = capture.urgent_data.into();
        redact.divide_memory(limit);
        analyzer.divide_memory(limit);
        limits.apply(&mut worker, &mut redact, &mut analyzer)?;
        let policy = WrittenPolicy {
            lifecycle,
            owners,
            exposure,
            tags,
            risk,
        };
        policy.apply(&mut analyzer)?;
        consumers.apply(&mut analyzer)?;
        (redact.custom_classes, analyzer.inventory.class_tags) = data_classes::meant(data_classes)?;
        Ok(Self {
            interfaces: capture.interfaces.clone(),
            pcap_over_ip: capture.pcap_over_ip.clone(),
            filter: FilterSource {
                rules: filter.rules,
                file: filter.file,
            },
            path: None,
            workers: capture.workers,
            #[cfg(feature = "live")]
            live: live_settings(&capture),
            #[cfg(feature = "live")]
            ring_bytes: capture.ring_bytes,
            memory_bytes: limit,
            worker,
            redact,
            analyzer,
            store: store.path,
            save_interval,
            replay_rest,
            listen: api.listen.unwrap_or(LISTEN),
            allow_remote: api.allow_remote.unwrap_or(false),
            key_file: privacy.key_file,
            specifications: specifications.files,
            specification_folder: specifications.folder,
            specification_priority: specifications.priority,
        })
    }
}

#[cfg(feature = "live")]
fn live_settings(capture: &WrittenCapture) -> LiveSettings {
    let usual = LiveSettings::default();
    LiveSettings {
        ring_bytes: capture.ring_bytes.unwrap_or(usual.ring_bytes),
        snap_len: capture.snap_len.unwrap_or(usual.snap_len),
        block_timeout_ms: capture.block_timeout_ms.unwrap_or(usual.block_timeout_ms),
        promiscuous: capture.promiscuous.unwrap_or(usual.promiscuous),
        filter: capture.filter.clone(),
    }
}

/// A parser's message of several lines (it draws the place) as one.
fn one_line(message: &str) -> String {
    message
        .split_whitespace()
        .filter(|word| *word != "|")
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reading_of_urgent_data_is_one_of_three() {
        let read = |text: &str| Settings::parse(text).map(|it| it.worker.flow.urgent);
        let written = |name: &str| read(&format!("[capture]\nurgent_data = \"{name}\""));
        assert_eq!(read("").unwrap(), UrgentReading::OutOfBand);
        assert_eq!(written("in_line").unwrap(), UrgentReading::InLine);
        let at_pointer = written("out_of_band_at_pointer").unwrap();
        assert_eq!(at_pointer, UrgentReading::OutOfBandAtPointer);
        assert!(written("inline").is_err());
    }

    #[test]
    fn empty_file_means_the_defaults() {
        let settings = Settings::parse("").unwrap();
        assert_eq!(settings.listen, LISTEN);
        assert_eq!(settings.save_interval, Duration::from_millis(500));
        assert!(!settings.allow_remote);
    }

    #[test]
    fn proxies_are_trusted_by_name() {
        let text = "[consumers]\ntrusted_proxies = [\"10.1.0.0/16\"]\nlearn_proxies = false";
        let proxies = Settings::parse(text).unwrap().analyzer.proxies;
        let trusts = |address: &str| {
            let address = address.parse().unwrap();
            proxies.trusted.iter().any(|net| net.contains(address))
        };
        assert!(!proxies.learn && trusts("10.1.2.3") && !trusts("10.2.2.3"));
    }

    #[test]
    fn the_cap_on_memory_is_divided_and_a_cap_that_is_set_stands() {
        let usual = Settings::parse("").unwrap().worker;
        let text = "[memory]\nlimit_bytes = 134217728\n[limits]\nheld_bytes_max = 70000";
        let small = Settings::parse(text).unwrap().worker;
        assert_eq!(small.http.held_bytes_max, usual.http.held_bytes_max / 8);
        assert!(small.flow.connections_max < usual.flow.connections_max / 7);
        assert_eq!(small.flow.held_bytes_max, 70_000);
    }

    #[test]
    fn a_policy_is_what_was_written_and_the_defaults_elsewhere() {
        let text = "[lifecycle]\ndormant_after_days = 60\nretired_by = [\"deprecated\"]\n\
                    [[owners]]\nowner = \"shop\"\nhosts = [\"*.Shop.example\"]\n\
                    [[tags]]\ntag = \"kyc\"\npath_words = [\"Know-Your\"]\n\
                    [risk.weights]\nwrites = 50";
        let settings = Settings::parse(text).unwrap().analyzer;
        let usual = AnalyzerSettings::default();
        assert_eq!(
            settings.lifecycle.dormant_after,
            2 * usual.lifecycle.dormant_after
        );
        assert_eq!(settings.lifecycle.new_for, usual.lifecycle.new_for);
        assert_eq!(settings.lifecycle.retired_by.len(), 1);
        assert_eq!(settings.owners[0].hosts, ["*.shop.example"]);
        assert_eq!(settings.tags.rules.len(), usual.tags.rules.len() + 1);
        assert!(
            settings
                .tags
                .rules
                .last()
                .unwrap()
                .path
                .contains("knowyour")
        );
        assert_ne!(settings.risk, usual.risk);
    }

    #[test]
    fn errors_are_one_line_that_names_the_key() {
        for (text, expected) in [
            ("[capture]\nring_byte = 1", "ring_byte"),
            ("[store]\nsave_interval_ms = 0", "save_interval_ms"),
            ("[store]\nreplay_rest_ms = 100000", "replay_rest_ms"),
            ("[api]\nlisten = \"here\"", "listen"),
            ("[capture]\nsnap_len = 10", "snap_len"),
            ("[memory]\nlimit_bytes = 1000", "memory.limit_bytes"),
            (
                "[consumers]\ntrusted_proxies = [\"10.0.0.0/40\"]",
                "10.0.0.0/40",
            ),
            ("capture = [", "expected"),
            ("[lifecycle]\nretired_by = [\"age\"]", "superseded"),
            ("[lifecycle]\ndormant_after_days = 0", "dormant_after_days"),
            (
                "[lifecycle]\norphan_min_complete = 90.0",
                "orphan_min_complete",
            ),
            ("[[owners]]\nhosts = [\"a\"]", "rule 1"),
            (
                "[[owners]]\nowner = \"a\"\npaths = [\"v2\"]",
                "begin with /",
            ),
            ("[exposure]\ninternal = [\"ten\"]", "exposure.internal"),
            ("[[tags]]\ntag = \"kyc\"", "kyc"),
            ("[risk.weights]\nluck = 1", "exposure"),
            (
                "[[data_classes]]\nname = \"email\"\npattern = \"a\"",
                "data class 1 (\"email\"): this name is built in; use another",
            ),
            (
                "[[data_classes]]\nname = \"a\"\npattern = \"(\"",
                "data class 1 (\"a\"): its pattern is not valid",
            ),
            (
                "[[data_classes]]\nname = \"a\"",
                "neither pattern nor fields",
            ),
            ("[[data_classes]]\npattern = \"a\"", "a name has 1 to 32"),
            (
                "[[data_classes]]\nname = \"a\"\npattern = \"a\"\ntags = [\"\"]",
                "data class 1 (\"a\"): the tag \"\" must be 1 to 32 bytes",
            ),
            (
                "[[data_classes]]\nname = \"a\"\npattern = \"a\"\nvalues = \"public\"",
                "personal",
            ),
            ("[[data_classes]]\nregex = \"a\"", "regex"),
        ] {
            let error = Settings::parse(text).err().unwrap();
            let error = format!("{error:#}");
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }
}
