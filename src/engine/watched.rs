//! What is read again while a run goes on: the policy, and folders of specifications.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Engine;
use crate::reload::{PolicyFile, SpecificationFolder};

/// How often is looked whether files changed: soon enough for a person who waits for it.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Files that are read again when they change.
pub(crate) struct Watched {
    policy: Option<PolicyFile>,
    folders: Vec<SpecificationFolder>,
    /// Names of specifications, the one that holds before all others first.
    priority: Vec<String>,
    looked: Instant,
    /// What was wrong with a folder at the last look: told once, not every second.
    told: String,
}

impl Watched {
    /// Watches a configuration file and folders.
    pub(crate) fn new(
        policy: Option<PolicyFile>,
        folders: Vec<SpecificationFolder>,
        priority: Vec<String>,
    ) -> Self {
        Self {
            policy,
            folders,
            priority,
            looked: Instant::now(),
            told: String::new(),
        }
    }

    fn tell(&mut self, failures: &[anyhow::Error]) {
        let lines: Vec<String> = failures.iter().map(|error| format!("{error:#}")).collect();
        let lines = lines.join("; ");
        if lines != self.told && !lines.is_empty() {
            tracing::error!("{lines}; the specifications that held before go on");
        }
        self.told = lines;
    }

    /// The priority of a specification: the earlier it is named, the higher; 0 when it is not.
    pub(super) fn priority(&self, name: &str) -> u32 {
        let place = self.priority.iter().rev().position(|known| known == name);
        place.map_or(0, |place| u32::try_from(place + 1).unwrap_or(u32::MAX))
    }
}

impl Engine {
    /// Takes what the folders hold at the beginning. A document with a mistake is told in one line
    /// and costs nothing else; a folder that cannot be read is an error.
    pub(super) fn read_folders(&mut self) -> Result<()> {
        let mut changed = Vec::new();
        for folder in &mut self.watched.folders {
            changed.extend(folder.look()?);
        }
        self.take_documents(changed);
        Ok(())
    }

    /// Reads again what changed. Mistakes are told, and what held before goes on.
    pub(super) fn look_again(&mut self) {
        if self.watched.looked.elapsed() < LOOK_INTERVAL {
            return;
        }
        self.watched.looked = Instant::now();
        let (mut changed, mut failures) = (Vec::new(), Vec::new());
        for folder in &mut self.watched.folders {
            match folder.look() {
                Ok(documents) => changed.extend(documents),
                Err(error) => failures.push(error),
            }
        }
        self.watched.tell(&failures);
        if self.take_documents(changed)
            && let Err(error) = self.use_specifications()
        {
            tracing::error!("{error:#}; the specifications stay as they were");
        }
        match self.watched.policy.as_mut().and_then(PolicyFile::look) {
            Some(Ok(settings)) => {
                self.watched
                    .priority
                    .clone_from(&settings.specification_priority);
                self.analyzer.set_policy(&settings.analyzer);
                self.view.set_policy(&settings.analyzer);
                if let Err(error) = self.use_specifications() {
                    tracing::error!("{error:#}; the specifications stay as they were");
                }
                self.dirty = true;
                tracing::warn!("the policy was read again");
            }
            Some(Err(error)) => tracing::error!("{error:#}; the policy stays as it was"),
            None => {}
        }
    }

    /// Adds documents as revisions; whether there was any that could be read.
    fn take_documents(&mut self, documents: Vec<Result<(String, String)>>) -> bool {
        let mut any = false;
        for document in documents {
            let added = document.and_then(|(name, source)| self.add_specification(&name, &source));
            match added {
                Ok(()) => any = true,
                Err(error) => {
                    tracing::error!("{error:#}; the specification that held before goes on");
                }
            }
        }
        any
    }
}
