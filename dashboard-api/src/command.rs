//! Commands: what the API asks of the engine, which owns the analyzer and the store. The API never
//! writes itself; it sends a command and waits for the answer.

use tapscope_analyzer::endpoint::TemplateRule;
use tapscope_analyzer::endpoint::rules::TemplateDecision;
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::snapshot::{FindingId, FindingSnapshot, FindingStatus};
use tokio::sync::oneshot;

use crate::live::PublishedSpecification;

/// Where an answer goes.
pub type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// A command.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// Decide on a finding. The answer is the finding as it is then; the engine publishes it to
    /// the live view before it answers.
    SetFindingStatus {
        /// The finding.
        id: FindingId,
        /// The status it shall have.
        status: FindingStatus,
        /// Why; empty when nothing was said.
        comment: String,
        /// Where the answer goes.
        reply: Reply<FindingSnapshot>,
    },
    /// Add a specification, or a new revision of one. It was parsed already; the document is in
    /// `specification.source`. The engine publishes the list to the live view before it answers.
    AddSpecification {
        /// The document as read.
        specification: Box<Specification>,
        /// Where the answer goes.
        reply: Reply<PublishedSpecification>,
    },
    /// Carry out a person's decision on templates. The answer is the rules it came to; the engine
    /// publishes all of them to the live view before it answers.
    DecideTemplates {
        /// The decision.
        decision: Box<TemplateDecision>,
        /// Where the answer goes.
        reply: Reply<Vec<TemplateRule>>,
    },
    /// Take the rules on a template back.
    WithdrawTemplateRules {
        /// The host.
        host: String,
        /// The template, whatever its parameters are called.
        template: String,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// Withdraw a specification with all its revisions.
    RemoveSpecification {
        /// Its name.
        name: String,
        /// Where the answer goes.
        reply: Reply<()>,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It is about something that is not there.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts something that holds.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done.
    #[error("{0}")]
    Invalid(String),
    /// The store failed; the sentence says how.
    #[error("{0}")]
    Failed(String),
    /// Nobody takes commands (a store that is only read).
    #[error("nothing takes commands here")]
    Unavailable,
}
