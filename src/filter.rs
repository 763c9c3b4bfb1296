//! The filter of segments while a run goes on: read again on SIGHUP and when its file changes, so
//! that rules change without a flow being lost.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use tapscope_decap::Filter;
use tapscope_decap::filter::FilterRule;

/// Where rules come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterSource {
    /// Rules in the configuration.
    pub(crate) rules: Vec<String>,
    /// A file with a rule a line.
    pub(crate) file: Option<PathBuf>,
}

impl FilterSource {
    /// The rules as they are now.
    ///
    /// # Errors
    /// When the file cannot be read or a rule cannot be understood; says which.
    pub(crate) fn read(&self) -> Result<Vec<FilterRule>> {
        let mut rules = Vec::new();
        for rule in &self.rules {
            let rule: FilterRule = rule
                .parse()
                .with_context(|| format!("filter.rules: '{rule}'"))?;
            rules.push(rule);
        }
        if let Some(path) = &self.file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{}: the filter cannot be read", path.display()))?;
            let filter: Filter = text.parse().with_context(|| path.display().to_string())?;
            rules.extend(filter.rules().iter().cloned());
        }
        Ok(rules)
    }

    fn changed(&self) -> Option<SystemTime> {
        modified(self.file.as_deref()?)
    }
}

/// The filter that holds now, shared with the threads that use it.
#[derive(Clone, Debug)]
pub(crate) struct SharedFilter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Counts the filters there were: cheap to look at for every batch.
    version: AtomicU64,
    filter: Mutex<Filter>,
}

impl SharedFilter {
    /// What a run begins with.
    ///
    /// # Errors
    /// As [`FilterSource::read`], and when there are too many rules.
    pub(crate) fn new(source: &FilterSource, own: &[FilterRule]) -> Result<Self> {
        let filter = with_own(source.read()?, own)?;
        Ok(Self(Arc::new(Shared {
            version: AtomicU64::new(1),
            filter: Mutex::new(filter),
        })))
    }

    /// The filter, when it is another one than that of `seen`, which is set to its version.
    pub(crate) fn newer(&self, seen: &mut u64) -> Option<Filter> {
        let version = self.0.version.load(Ordering::Acquire);
        if version == *seen {
            return None;
        }
        *seen = version;
        let filter = self.0.filter.lock();
        Some(filter.unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn set(&self, filter: Filter) {
        *self.0.filter.lock().unwrap_or_else(PoisonError::into_inner) = filter;
        self.0.version.fetch_add(1, Ordering::Release);
    }
}

/// Reads the rules again when that is asked for or their file changed.
pub(crate) struct Reloader {
    source: FilterSource,
    own: Vec<FilterRule>,
    filter: SharedFilter,
    /// The configuration file, whose `[filter]` is read again on request.
    config: Option<PathBuf>,
    changed: Option<SystemTime>,
}

impl Reloader {
    /// Keeps `filter` up to date; `own` rules stay whatever the source says.
    pub(crate) fn new(
        source: FilterSource,
        own: Vec<FilterRule>,
        filter: SharedFilter,
        config: Option<PathBuf>,
    ) -> Self {
        let changed = source.changed();
        Self {
            source,
            own,
            filter,
            config,
            changed,
        }
    }

    /// Looks whether the file of rules changed.
    pub(crate) fn look(&mut self) {
        let changed = self.source.changed();
        if changed.is_some() && changed != self.changed {
            self.changed = changed;
            self.reload(&self.source.clone());
        }
    }

    /// Reads everything again. A mistake is told in one line, and the rules that held go on.
    pub(crate) fn read_again(&mut self) {
        let source = match &self.config {
            None => Ok(self.source.clone()),
            Some(path) => crate::config::Settings::read(Some(path)).map(|settings| settings.filter),
        };
        match source {
            Ok(source) => {
                self.changed = source.changed();
                self.reload(&source);
            }
            Err(error) => tracing::error!("{error:#}; the filter stays as it was"),
        }
    }

    fn reload(&mut self, source: &FilterSource) {
        match source.read().and_then(|rules| with_own(rules, &self.own)) {
            Ok(filter) => {
                tracing::warn!("the filter was read again: {} rules", filter.rules().len());
                self.filter.set(filter);
                self.source = source.clone();
            }
            Err(error) => tracing::error!("{error:#}; the filter stays as it was"),
        }
    }
}

fn with_own(mut rules: Vec<FilterRule>, own: &[FilterRule]) -> Result<Filter> {
    rules.extend(own.iter().cloned());
    Ok(Filter::new(rules)?)
}

/// The rules that leave out what our own API serves at `listen`: a page that shows its own
/// requests would never come to rest.
pub(crate) fn own_rules(listen: SocketAddr) -> Vec<FilterRule> {
    let addresses = if listen.ip().is_unspecified() {
        local_addresses()
    } else {
        vec![listen.ip()]
    };
    let rules = addresses.iter().map(|address| {
        let rule = format!("exclude net {address} port {}", listen.port());
        rule.parse().ok()
    });
    rules.flatten().collect()
}

/// The addresses of this machine, as far as the system tells.
fn local_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let trie = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    addresses.extend(local_in_trie(&trie).map(IpAddr::V4));
    let six = fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let six = six.lines().filter_map(|line| {
        let digits = line.split_whitespace().next()?;
        u128::from_str_radix(digits, 16).ok()
    });
    addresses.extend(six.map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))));
    addresses.sort();
    addresses.dedup();
    addresses
}

/// In the kernel's routing table an address is a line, and what it is the line after it.
fn local_in_trie(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let pairs = trie.lines().zip(trie.lines().skip(1));
    pairs.filter_map(|(address, kind)| {
        if !kind.contains("host LOCAL") {
            return None;
        }
        address.rsplit(' ').next()?.parse().ok()
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_api_is_left_out_at_every_address_it_has() {
        let one = own_rules("192.0.2.7:7878".parse().unwrap());
        assert_eq!(
            one.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["exclude net 192.0.2.7 port 7878"]
        );
        let all = own_rules("0.0.0.0:9".parse().unwrap());
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(
            all.contains(&"exclude net 127.0.0.1 port 9".to_owned()),
            "{all:?}"
        );
    }

    #[test]
    fn local_addresses_are_those_the_kernel_answers_to() {
        let trie = "  +-- 10.0.0.0/24 2 0 2\n     |-- 10.0.0.5\n        /32 host LOCAL\n     \
                    |-- 10.0.0.255\n        /32 link BROADCAST\n";
        let found: Vec<_> = local_in_trie(trie).collect();
        assert_eq!(found, [Ipv4Addr::new(10, 0, 0, 5)]);
    }

    #[test]
    fn a_mistake_leaves_the_rules_as_they_were() {
        let path = std::env::temp_dir().join(format!("tapscope-filter-{}", std::process::id()));
        fs::write(&path, "exclude port 81\n").unwrap();
        let source = FilterSource {
            rules: vec!["exclude port 80".to_owned()],
            file: Some(path.clone()),
        };
        let own = own_rules("127.0.0.1:7878".parse().unwrap());
        let filter = SharedFilter::new(&source, &own).unwrap();
        let mut seen = 0;
        assert_eq!(filter.newer(&mut seen).unwrap().rules().len(), 3);
        assert!(filter.newer(&mut seen).is_none());
        let mut reloader = Reloader::new(source, own, filter.clone(), None);
        fs::write(&path, "exclude prot 81\n").unwrap();
        reloader.read_again();
        assert!(filter.newer(&mut seen).is_none());
        fs::write(&path, "exclude port 81\nexclude vlan 7\n").unwrap();
        reloader.read_again();
        assert_eq!(filter.newer(&mut seen).unwrap().rules().len(), 4);
        fs::remove_file(&path).unwrap();
    }
}
