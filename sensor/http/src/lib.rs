//! Stage 3: stream events become HTTP exchanges.
//!
//! Pure, streaming and bounded. HTTP is recognised by content on any port; a gap marks the
//! exchange and the connection goes on at the next message.

mod exchange;

pub use exchange::{
    Body, BodyEnd, ExchangeId, ExchangeSink, HeadBytes, HeaderSpan, HttpExchange, MessageAnomaly,
    Pairing, Protocol, Request, Response, Span, Version,
};
pub use tapscope_flow::{Encapsulation, Layer, Timestamp};
