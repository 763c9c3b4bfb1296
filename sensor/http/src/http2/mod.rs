//! HTTP/2.

/// Header compression.
mod hpack;

/// Frames.
mod frame;

/// Frames found again.
mod resync;
