//! Laws that hold whatever the bytes: one function a subject, run by the fuzz targets of
//! `tests/fuzz` and, on the corpus they grew and on seeded mutations of it, by an ordinary test.
//!
//! A law says more than "does not panic": what goes in comes out or is counted, results are within
//! bounds, two ways to the same result agree. To add a subject: a file with a function that takes
//! bytes and asserts, its line in [`SUBJECTS`], a folder `corpus/<subject>` with at least one file,
//! and a target in `tests/fuzz` (two lines: the file and its `[[bin]]`).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a law that does not hold must stop the run"
)]

/// How arbitrary bytes become structured input.
pub mod input;

/// Changes inputs as a fuzzer does, the same in every run.
pub mod mutation;

/// Decapsulation.
pub mod decap;

/// Reassembly of IP fragments, against a naive oracle.
pub mod fragments;

/// Reassembly of TCP streams, against a naive oracle.
pub mod reassembly;

/// Bodies.
pub mod bodies;

/// WebSocket.
pub mod websocket;

/// HTTP/1.
pub mod http1;

/// HTTP/2 and HPACK.
pub mod http2;

/// A subject's name, which is its corpus folder and its fuzz target, and its law.
pub type Subject = (&'static str, fn(&[u8]));

/// Every subject.
pub const SUBJECTS: &[Subject] = &[
    ("decap", decap::decap),
    ("fragments", fragments::fragments),
    ("reassembly", reassembly::reassembly),
    ("websocket", websocket::websocket),
    ("protobuf", bodies::protobuf),
    ("graphql", bodies::graphql),
    ("decompression", bodies::decompression),
    ("json-shape", bodies::json_shape),
    ("http1", http1::http1),
    ("http2", http2::http2),
];
