//! The documented HTTP API and the page that is its first client.
//!
//! The engine publishes into a [`LiveView`]; [`router`] serves it under `/api/v1` and the page at
//! `/`. What changes something ([`Command`]) is sent to the engine, which owns the analyzer and
//! the store. The API's own document ([`openapi`]) is generated from the handlers and types, and
//! committed as `openapi.json`.
//!
//! There are no user accounts yet: [`serve`] refuses to listen beyond loopback unless it is told
//! to ([`ApiSettings::allow_remote`]).

/// Every cap, with its reason.
mod settings;

/// The inventory as it is published.
pub mod live;

/// What the API asks of the engine.
mod command;

/// What the API shows.
pub mod view;

/// What handlers share.
mod state;

/// Errors as problem details.
mod error;

/// Query strings.
mod query;

/// Keyset pages.
mod page;

/// `/overview`.
mod overview;

/// `/endpoints`.
mod endpoints;

/// `/policy`.
mod policy;

/// `/hosts`.
mod hosts;

/// `/findings`.
mod findings;

/// `/consumers`.
mod consumers;

/// `/specifications`.
mod specifications;

/// `/template-rules`.
mod templates;

/// `/export/{format}`.
mod export;

/// `/health`.
mod health;

/// `/metrics`.
mod metrics;

/// How much of an endpoint's traffic was seen.
mod coverage;

/// `/events`.
mod events;

/// The page.
mod assets;

/// Headers, Host check, cross-site refusal.
mod security;

/// All routes.
mod router;

/// The server.
mod server;

pub use command::{Command, CommandError, Reply};
pub use error::Problem;
pub use live::{LiveView, PublishedSpecification, StoreState};
pub use router::{openapi, router};
pub use server::serve;
pub use settings::ApiSettings;
pub use state::ApiState;
