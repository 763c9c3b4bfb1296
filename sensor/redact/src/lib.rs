//! Stage 4: the raw exchange becomes the redacted record. The only stage that sees both.
//!
//! Pure. Classifies path segments, parameters, headers and body fields; replaces what is personal
//! or secret by keyed tokens; reduces bodies to their shape.
//!
//! The data's way: `settings` bound it; `target` (method, authority, path, query of the start
//! line), `head` (what header fields tell), `credential` (who calls), `operation` (what is asked for)
//! and `body` (shape and data classes) each read one part of the exchange with the recognisers of `text`; `redactor` puts the
//! record together.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

/// Every cap, with its reason.
mod settings;

/// Keyed tokens.
mod token;

/// What was cut or not looked at, and why.
mod counters;

/// Recognisers of personal and secret data.
mod text;

/// What was found out of values before.
mod known;

/// Names met before.
mod names;

/// Header fields and cookies by their names.
mod fields;

/// Percent-decoding.
mod percent;

/// What is kept of a parameter's value.
mod profile;

/// The request target: authority, path, query.
mod target;

/// Header fields: media types, codings, dates, addresses.
mod head;

/// What names one request across hops.
mod trace;

/// Credentials.
mod credential;

/// Operations: what a request asks for where the URL does not say it.
mod operation;

/// Bodies: shape and data classes.
mod body;

/// Which bodies are looked at.
mod sampling;

/// Messages inside an exchange.
mod messages;

/// What is odd about the form of messages.
mod framing;

/// The record, put together.
mod redactor;

pub use redactor::Redactor;
pub use settings::RedactSettings;
pub use tapscope_http::CounterValue;
pub use text::{CustomClassError, CustomClassRule, CustomClasses, CustomValues};
pub use token::TokenKey;
