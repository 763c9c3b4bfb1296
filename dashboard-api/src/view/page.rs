//! A page of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list, in the order asked for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows of this page.
    pub items: Vec<T>,
    /// Hand this back as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Rows that match the filters, on all pages, at this moment.
    pub total: u64,
}
