//! Where the inventory and the findings live on disk. The only disk writer.
//!
//! [`Store`] is what the product needs of a store; [`SqliteStore`] is it on SQLite, one writer a
//! file; [`SqliteReader`] reads the same file beside the writer or without one.

/// Every cap, with its reason.
mod settings;

/// The tables, and how an older store becomes a current one.
mod schema;

/// Opening and refusing.
mod open;

/// Rows from snapshots: saving.
mod save;

/// Snapshots from rows: loading.
mod load;

/// Structs without what is kept beside them.
mod apart;

/// Specifications and their revisions.
mod specifications;

/// Minutes: history beyond what a snapshot holds.
mod minutes;

/// The store on SQLite.
mod sqlite;

/// The sensor's latest health report.
mod health;

/// What a person has decided on templates.
mod rules;

pub use settings::StoreSettings;
pub use sqlite::{SqliteReader, SqliteStore};

use tapscope_analyzer::Restored;
use tapscope_analyzer::endpoint::TemplateRule;
use tapscope_analyzer::snapshot::{Changes, EndpointId, MinuteSnapshot, Nanos};
use tapscope_record::HealthReport;

/// A specification document as it was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSpecification {
    /// Name it was added under; adding the same name again makes a new version.
    pub name: String,
    /// Version within the name, from 1.
    pub revision: u32,
    /// Wall clock of the addition, nanoseconds since the Unix epoch.
    pub added: Nanos,
    /// The document.
    pub source: String,
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store there.
    #[error("{path}: there is no store here; `tapscope replay FILE --store {path}` makes one")]
    NotFound {
        /// Where.
        path: String,
    },
    /// Another process writes to it.
    #[error("{path}: the store is in use by another tapscope; stop it or name another --store")]
    InUse {
        /// Where.
        path: String,
    },
    /// Written by a newer version.
    #[error(
        "{path}: the store has version {found}, this tapscope knows up to {known}; use the newer tapscope"
    )]
    Newer {
        /// Where.
        path: String,
        /// Version of the file.
        found: u32,
        /// Latest version this program knows.
        known: u32,
    },
    /// Not a store.
    #[error("{path}: not a tapscope store ({reason}); name another --store")]
    NotAStore {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk or the database said no.
    #[error("{path}: {reason}")]
    Failed {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// What the product needs of a store, at the level of the domain. SQLite today.
pub trait Store: Send {
    /// Everything a restart needs.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn load(&mut self) -> Result<Restored, StoreError>;

    /// Saves what changed, in one transaction; when it returns, a killed process loses none of it.
    ///
    /// # Errors
    /// When it cannot be written; nothing of `changes` is then saved.
    fn save(&mut self, changes: &Changes) -> Result<(), StoreError>;

    /// Adds a revision of a specification.
    ///
    /// # Errors
    /// When it cannot be written.
    fn add_specification(
        &mut self,
        name: &str,
        source: &str,
        at: Nanos,
    ) -> Result<StoredSpecification, StoreError>;

    /// Withdraws a specification and its revisions; false when there was none of that name.
    ///
    /// # Errors
    /// When it cannot be written.
    fn remove_specification(&mut self, name: &str) -> Result<bool, StoreError>;

    /// All revisions of all specifications, by name, oldest revision first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn specifications(&mut self) -> Result<Vec<StoredSpecification>, StoreError>;

    /// Keeps what a person has decided on templates, all of it, in the place of what was before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save_template_rules(&mut self, rules: &[TemplateRule]) -> Result<(), StoreError>;

    /// What a person has decided on templates.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn template_rules(&mut self) -> Result<Vec<TemplateRule>, StoreError>;

    /// Keeps the sensor's health report in the place of the one before.
    ///
    /// # Errors
    /// When it cannot be written.
    fn save_health(&mut self, report: &HealthReport) -> Result<(), StoreError>;

    /// The sensor's health report that was kept last.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn health(&mut self) -> Result<Option<HealthReport>, StoreError>;

    /// The minutes of an endpoint from `from` (inclusive) to `to` (exclusive), ascending.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn minutes(
        &mut self,
        endpoint: EndpointId,
        from: Nanos,
        to: Nanos,
    ) -> Result<Vec<MinuteSnapshot>, StoreError>;
}
