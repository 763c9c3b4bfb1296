//! Problem details of an error (RFC 9457).

use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused or failed, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// What is wrong with this request, and what to do, in a sentence.
    pub detail: String,
}
