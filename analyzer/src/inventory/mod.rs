//! placeholder

/// OpenAPI and Swagger documents.
pub mod specification;
