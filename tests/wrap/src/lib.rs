//! Wraps the packets of a plain capture in every encapsulation the sensor knows, to see that the
//! exchanges are the same as without. Not part of the product.
//!
//! Written from the specifications and apart from the code that peels, so that a mistake of the one
//! is not repeated by the other.
#![expect(
    clippy::indexing_slicing,
    reason = "works on captures that were chosen, not on hostile input"
)]

/// Headers, outermost last.
mod headers;

/// IP packets in pieces.
mod fragment;

/// The encapsulations by name.
pub mod kinds;

/// What networks and mirrors do to packets.
pub mod disturb;

/// A captured packet as the wrapping sees it.
pub mod packet;

/// The sensor over packets, wrapped or not.
pub mod exchanges;
