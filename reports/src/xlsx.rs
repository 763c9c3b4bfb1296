//! A workbook: endpoints, label changes, parameters, fields, findings, hosts and what waits, a sheet each.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::csv::neutral;
use crate::table::{Cell, Table};
use crate::{Part, Report, ReportError, time};

/// Rows of a sheet without its head; the format allows 1,048,576.
const ROWS_MAX: usize = 1_048_575;

/// Characters of a cell; the format allows 32,767.
const CELL_CHARS_MAX: usize = 32_000;

/// Writes the workbook.
pub(crate) fn write(material: &Report) -> Result<Vec<u8>, ReportError> {
    workbook(material).map_err(|error| ReportError::Failed(error.to_string()))
}

fn workbook(material: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The library would write the clock's time.
    let created = ExcelDateTime::parse_from_str(&time::date(material.now))?;
    let properties = DocProperties::new()
        .set_title("API inventory")
        .set_creation_datetime(&created);
    workbook.set_properties(&properties);
    for (part, _) in Part::ALL {
        sheet(workbook.add_worksheet(), &part.of(material))?;
    }
    workbook.save_to_buffer()
}

fn sheet(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    sheet.set_name(table.name)?;
    let head = Format::new().set_bold();
    let percent = Format::new().set_num_format("0.0%");
    for (column, name) in (0_u16..).zip(table.columns) {
        sheet.write_string_with_format(0, column, *name, &head)?;
        let width = if name.ends_with("template") || name.ends_with("reason") || *name == "title" {
            44.0
        } else {
            16.0
        };
        sheet.set_column_width(column, width)?;
    }
    for (row, cells) in (1_u32..).zip(table.rows.iter().take(ROWS_MAX)) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                // Written as a string, never as a formula; and harmless when saved as CSV.
                Cell::Text(text) => {
                    let text: String = neutral(text).chars().take(CELL_CHARS_MAX).collect();
                    sheet.write_string(row, column, text)?;
                }
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a workbook's numbers are floats"
                )]
                Cell::Count(count) => {
                    sheet.write_number(row, column, *count as f64)?;
                }
                Cell::Share(share) => {
                    sheet.write_number_with_format(row, column, *share, &percent)?;
                }
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    if !table.rows.is_empty() {
        let last = u32::try_from(table.rows.len().min(ROWS_MAX)).unwrap_or(u32::MAX);
        let columns = u16::try_from(table.columns.len()).unwrap_or(1);
        sheet.autofilter(0, 0, last, columns.saturating_sub(1))?;
    }
    Ok(())
}
