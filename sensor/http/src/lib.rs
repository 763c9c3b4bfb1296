//! Stage 3: stream events become HTTP exchanges.
//!
//! Pure, streaming and bounded. HTTP is recognised by content on any port; a gap marks the
//! exchange and the connection goes on at the next message.
//!
//! [`HttpStage`] finds the connection of an event. A connection has two sides, each of which is
//! between messages, in a head, in a body or no longer HTTP; heads are assembled and read by
//! httparse, framing decides how a body ends, and pairing says which request a response answers.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

/// Every cap of the stage.
mod settings;

/// The stage itself.
mod stage;

/// One connection and its two sides.
mod connection;

/// What a first line says.
mod detect;

/// Start line and header lines.
mod head;

/// Heads that httparse refuses.
mod dialect;

/// How content is delimited.
mod framing;

/// Content.
mod body;

/// Which request a response answers.
mod pair;

/// The output.
mod exchange;

/// What was refused, lost and capped.
mod counters;

pub use exchange::{
    Body, BodyEnd, ExchangeId, ExchangeSink, HeadBytes, HeaderSpan, HttpExchange, MessageAnomaly,
    Pairing, Protocol, Request, Response, Span, Version,
};
pub use settings::HttpSettings;
pub use stage::HttpStage;
pub use tapscope_flow::{CounterValue, Encapsulation, Layer, Timestamp};
