//! Comma-separated values (RFC 4180), safe to open in a spreadsheet.

use crate::ReportError;
use crate::table::Table;

/// A text that no spreadsheet takes for a formula: what begins like one gets an apostrophe in
/// front (OWASP, "CSV Injection").
pub(crate) fn neutral(text: &str) -> String {
    let begins = text.trim_start_matches([' ', '"', '\'']).chars().next();
    let first = text.chars().next();
    let dangerous = |c: Option<char>| {
        matches!(
            c,
            Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
        )
    };
    if dangerous(begins) || dangerous(first) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Writes a table.
pub(crate) fn write(table: &Table) -> Result<Vec<u8>, ReportError> {
    let failed = |error: ::csv::Error| ReportError::Failed(error.to_string());
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(table.columns).map_err(failed)?;
    for row in &table.rows {
        let cells = row.iter().map(|cell| neutral(&cell.text()));
        writer.write_record(cells).map_err(failed)?;
    }
    let failed = |error: ::csv::IntoInnerError<_>| ReportError::Failed(error.to_string());
    writer.into_inner().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_like_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\"=1", "＝1",
        ] {
            assert!(neutral(text).starts_with('\''), "{text:?}");
        }
        for text in ["", "a=1", "/v1/{id}", "GET"] {
            assert_eq!(neutral(text), text);
        }
    }
}
