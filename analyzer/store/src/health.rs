//! The sensor's latest health report: what the inventory beside it rests on.

use rusqlite::{Connection, OptionalExtension as _, params};
use tapscope_record::HealthReport;

/// Its key among the store's own facts.
const KEY: &str = "health";

/// Keeps the report in the place of the one before.
pub(crate) fn save(connection: &Connection, report: &HealthReport) -> rusqlite::Result<()> {
    let text = serde_json::to_string(report)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![KEY, text],
    )?;
    Ok(())
}

/// The report that was kept last. One that cannot be read is as good as none: the next run writes
/// another.
pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Option<HealthReport>> {
    let text: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [KEY], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
