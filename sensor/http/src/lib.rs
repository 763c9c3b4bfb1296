//! Stage 3: stream events become HTTP exchanges.
//!
//! Pure, streaming and bounded. HTTP is recognised by content on any port; a gap marks the
//! exchange and the connection goes on at the next message.
//!
//! [`HttpStage`] finds the connection of an event, `conversation` says what the connection speaks,
//! and a folder for each protocol says what its two sides mean.
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

/// What a connection speaks.
mod conversation;

/// Pieces of a stream.
mod chunk;

/// HTTP/2.
mod http2;

/// Messages of gRPC.
mod grpc;

/// HTTP/1.
mod http1;

/// WebSocket.
mod websocket;

/// What is odd about a message.
mod anomaly;

/// The output.
mod exchange;

/// What was refused, lost and capped.
mod counters;

/// The same by feed.
mod feed;

pub use anomaly::{Anomalies, FramingRule, MessageAnomaly, Reading, Readings};
pub use exchange::{
    Body, BodyEnd, Certainty, ExchangeId, ExchangeSink, HeadBytes, HeaderSpan, HttpExchange,
    MessageFlow, Messages, Pairing, Part, Protocol, Request, Response, Span, Version,
};
pub use feed::HttpFeedCounts;
pub use settings::HttpSettings;
pub use stage::HttpStage;
pub use tapscope_flow::{CounterValue, Encapsulation, GROUPS, Layer, Timestamp, group_of};
