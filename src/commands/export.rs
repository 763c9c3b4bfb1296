//! `tapscope export`: a report of a store, the same bytes as the API gives.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use tapscope_reports::{Format, Material, Request, export};
use tapscope_store::SqliteReader;

use crate::cli::{Export, ExportFormat};
use crate::config::Settings;

/// Writes the report.
pub(crate) fn execute(arguments: &Export, settings: &Settings) -> Result<()> {
    let mut material = Material::from(SqliteReader::open(&arguments.store)?.load()?);
    material.risk = settings.analyzer.risk.clone();
    let request = Request {
        format: match arguments.format {
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Json => Format::Json,
            ExportFormat::Xlsx => Format::Xlsx,
            ExportFormat::Html => Format::Html,
            ExportFormat::Pdf => Format::Pdf,
            ExportFormat::Openapi => Format::OpenApi,
            ExportFormat::Cyclonedx => Format::CycloneDx,
        },
        part: arguments.table,
        host: arguments.host.clone(),
        since: arguments.since,
    };
    let bytes = export(material, &request)?;
    match &arguments.output {
        Some(path) => fs::write(path, bytes)
            .with_context(|| format!("{}: the report cannot be written", path.display())),
        None => {
            let mut output = std::io::stdout();
            output.write_all(&bytes)?;
            Ok(output.flush()?)
        }
    }
}
