//! The store on SQLite: a writer, and readers beside it.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use tapscope_analyzer::Restored;
use tapscope_analyzer::endpoint::TemplateRule;
use tapscope_analyzer::snapshot::{Changes, EndpointId, MinuteSnapshot, Nanos};
use tapscope_record::HealthReport;

use crate::minutes::SavedMinutes;
use crate::open::{failed, open_reader, open_writer, shown};
use crate::{
    Store, StoreError, StoreSettings, StoredSpecification, health, load, minutes, rules, save,
    specifications,
};

/// The store's writer. There is one per file, whichever process it is in.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    settings: StoreSettings,
    /// What is known to be saved of each endpoint's minutes, so that only news are written.
    saved_minutes: SavedMinutes,
    saves_since_prune: u64,
    /// Held, not read: the lock ends with it.
    _lock: File,
}

impl SqliteStore {
    /// Opens a store, and makes it when it is absent.
    ///
    /// # Errors
    /// When it is in use, from a newer version, no store, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, StoreSettings::default())
    }

    /// The same with settings of one's own.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(path: impl AsRef<Path>, settings: StoreSettings) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let (connection, lock) = open_writer(&path, &settings)?;
        Ok(Self {
            connection,
            path,
            settings,
            saved_minutes: SavedMinutes::default(),
            saves_since_prune: 0,
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn save_all(&mut self, changes: &Changes) -> rusqlite::Result<()> {
        let prune = self.saves_since_prune >= self.settings.saves_between_prunes;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let saved = save::save(&transaction, changes, &self.saved_minutes)?;
        if prune {
            minutes::prune(&transaction, &self.settings, changes.now)?;
        }
        transaction.commit()?;
        // Only now is it true.
        self.saved_minutes.apply(saved);
        self.saves_since_prune = if prune { 0 } else { self.saves_since_prune + 1 };
        Ok(())
    }
}

impl Store for SqliteStore {
    fn load(&mut self) -> Result<Restored, StoreError> {
        load::load(&self.connection).map_err(|error| error.at(&self.path))
    }

    fn save(&mut self, changes: &Changes) -> Result<(), StoreError> {
        self.save_all(changes)
            .map_err(|error| failed(&self.path, &error))
    }

    fn add_specification(
        &mut self,
        name: &str,
        source: &str,
        at: Nanos,
    ) -> Result<StoredSpecification, StoreError> {
        let revisions_max = self.settings.revisions_max;
        specifications::add(&mut self.connection, name, source, at, revisions_max)
            .map_err(|error| failed(&self.path, &error))
    }

    fn remove_specification(&mut self, name: &str) -> Result<bool, StoreError> {
        specifications::remove(&self.connection, name).map_err(|error| failed(&self.path, &error))
    }

    fn specifications(&mut self) -> Result<Vec<StoredSpecification>, StoreError> {
        specifications::all(&self.connection).map_err(|error| failed(&self.path, &error))
    }

    fn save_template_rules(&mut self, rules: &[TemplateRule]) -> Result<(), StoreError> {
        rules::save(&self.connection, rules).map_err(|error| failed(&self.path, &error))
    }

    fn template_rules(&mut self) -> Result<Vec<TemplateRule>, StoreError> {
        rules::read(&self.connection).map_err(|error| error.at(&self.path))
    }

    fn save_health(&mut self, report: &HealthReport) -> Result<(), StoreError> {
        health::save(&self.connection, report).map_err(|error| failed(&self.path, &error))
    }

    fn health(&mut self) -> Result<Option<HealthReport>, StoreError> {
        health::read(&self.connection).map_err(|error| failed(&self.path, &error))
    }

    fn minutes(
        &mut self,
        endpoint: EndpointId,
        from: Nanos,
        to: Nanos,
    ) -> Result<Vec<MinuteSnapshot>, StoreError> {
        minutes::read(&self.connection, endpoint, from, to)
            .map_err(|error| failed(&self.path, &error))
    }
}

/// Reads a store, beside its writer or without one; never changes it.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    path: PathBuf,
}

impl SqliteReader {
    /// Opens a store for reading.
    ///
    /// # Errors
    /// When it is absent, from a newer version, no store, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let connection = open_reader(&path, &StoreSettings::default())?;
        Ok(Self { connection, path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> String {
        shown(&self.path)
    }

    /// Everything a restart needs, as of one moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn load(&self) -> Result<Restored, StoreError> {
        load::load(&self.connection).map_err(|error| error.at(&self.path))
    }

    /// All revisions of all specifications, by name, oldest revision first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn specifications(&self) -> Result<Vec<StoredSpecification>, StoreError> {
        specifications::all(&self.connection).map_err(|error| failed(&self.path, &error))
    }

    /// What a person has decided on templates.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn template_rules(&self) -> Result<Vec<TemplateRule>, StoreError> {
        rules::read(&self.connection).map_err(|error| error.at(&self.path))
    }

    /// The sensor's health report that was kept last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn health(&self) -> Result<Option<HealthReport>, StoreError> {
        health::read(&self.connection).map_err(|error| failed(&self.path, &error))
    }

    /// The minutes of an endpoint from `from` (inclusive) to `to` (exclusive), ascending.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn minutes(
        &self,
        endpoint: EndpointId,
        from: Nanos,
        to: Nanos,
    ) -> Result<Vec<MinuteSnapshot>, StoreError> {
        minutes::read(&self.connection, endpoint, from, to)
            .map_err(|error| failed(&self.path, &error))
    }
}
