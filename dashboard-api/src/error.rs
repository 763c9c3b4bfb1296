//! Errors as problem details (RFC 9457): whatever goes wrong, the answer has the same form and
//! one sentence that says what is wrong with the request.

use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::command::CommandError;
use crate::view::problem::ProblemDetails;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// A problem of that status; `detail` is one sentence.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    /// 400: the request cannot be understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 403: the request is refused.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 422: understood, but it cannot be done.
    #[must_use]
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 500: our fault. The cause goes to the log, not to the client.
    #[must_use]
    pub fn internal(cause: &dyn core::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed; its log says why.",
        )
    }

    /// 503: not now.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = ProblemDetails {
            kind: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut response = (self.status, axum::Json(details)).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), sentence(&rejection.body_text()))
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), sentence(&rejection.body_text()))
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotFound(detail) => Self::not_found(detail),
            CommandError::Conflict(detail) => Self::new(StatusCode::CONFLICT, sentence(&detail)),
            CommandError::Invalid(detail) => Self::unprocessable(detail),
            CommandError::Failed(detail) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail),
            CommandError::Unavailable => {
                Self::unavailable("Nothing takes decisions here: the store is only being read.")
            }
        }
    }
}

/// Characters of a library's message that are told at most; a message may quote the input.
const MESSAGE_CHARS_MAX: usize = 400;

/// A library's message as one sentence on one line.
pub(crate) fn sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(MESSAGE_CHARS_MAX).collect();
    format!("{}.", line.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn has_the_media_type_and_members_of_rfc_9457() {
        let response = Problem::not_found("There is no such thing.").into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let body = axum::body::to_bytes(response.into_body(), 1 << 16)
            .await
            .unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "There is no such thing.",
            })
        );
    }

    #[tokio::test]
    async fn an_internal_cause_stays_in_the_log() {
        let response = Problem::internal(&"secret path").into_response();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16)
            .await
            .unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("secret"));
    }
}
