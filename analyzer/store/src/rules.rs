//! What a person has decided on templates.

use rusqlite::{Connection, OptionalExtension as _, params};
use tapscope_analyzer::endpoint::TemplateRule;

use crate::load::LoadError;

/// Its key among the store's own facts.
const KEY: &str = "template_rules";

/// Keeps the rules in the place of those before.
pub(crate) fn save(connection: &Connection, rules: &[TemplateRule]) -> rusqlite::Result<()> {
    let text = serde_json::to_string(rules)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![KEY, text],
    )?;
    Ok(())
}

/// The rules that hold. What a person has decided is not dropped silently: rules that cannot be
/// read are an error.
pub(crate) fn read(connection: &Connection) -> Result<Vec<TemplateRule>, LoadError> {
    let text: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [KEY], |row| {
            row.get(0)
        })
        .optional()?;
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    let rules = read.map_err(|error| LoadError::Row {
        table: "meta",
        error,
    })?;
    Ok(rules.unwrap_or_default())
}
