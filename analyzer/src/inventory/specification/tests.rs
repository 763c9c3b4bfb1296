//! Tests of reading specifications.
