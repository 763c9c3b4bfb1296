//! Tables for people: what a page and paper show. Of a table's many columns those that matter
//! stand together in few, and those that say nothing of any row are left out.

use crate::table::{Cell, Table};

/// A column, made of one or more of a table's.
pub(crate) struct Column {
    /// What stands above it; the name of the table's column when it is one.
    heading: &'static str,
    /// What is read first.
    main: &'static [&'static str],
    /// What stands below it, smaller.
    note: &'static [&'static str],
    /// Its width beside the others'.
    weight: f32,
}

const fn column(
    heading: &'static str,
    main: &'static [&'static str],
    note: &'static [&'static str],
    weight: f32,
) -> Column {
    Column {
        heading,
        main,
        note,
        weight,
    }
}

/// Of the inventory.
pub(crate) const ENDPOINTS: [Column; 10] = [
    column(
        "Endpoint",
        &["method", "template"],
        &["operation", "host"],
        3.2,
    ),
    column("Lifecycle", &["lifecycle"], &["lifecycle_reason"], 2.6),
    column("Risk", &["risk"], &[], 0.5),
    column("Data", &["data_classes"], &[], 1.3),
    column("Authentication", &["authentication_shares"], &[], 1.2),
    column("Exposure", &["exposure"], &[], 0.8),
    column("Purpose", &["tags"], &[], 0.8),
    column("Owner", &["owner"], &[], 0.9),
    column("Requests", &["requests"], &[], 0.8),
    column("Consumers", &["consumers"], &[], 0.8),
];

/// Of the parameters.
pub(crate) const PARAMETERS: [Column; 8] = [
    column("Endpoint", &["method", "template"], &["host"], 3.0),
    column("In", &["in"], &[], 0.7),
    column("Name", &["name"], &[], 1.4),
    column("Types", &["types"], &["format"], 1.2),
    column("Present", &["present_share"], &[], 0.8),
    column("Different values", &["distinct"], &[], 0.9),
    column("Range", &["range"], &["choices"], 1.3),
    column("Data", &["data_classes"], &[], 1.0),
];

/// Of the fields of bodies.
pub(crate) const FIELDS: [Column; 6] = [
    column("Endpoint", &["method", "template"], &["host"], 3.0),
    column("Body", &["body"], &["media_type"], 1.4),
    column("Field", &["field"], &[], 2.0),
    column("Types", &["types"], &[], 1.2),
    column("Present", &["present_share"], &[], 0.8),
    column("Data", &["data_classes"], &[], 1.0),
];

/// Of what waits.
pub(crate) const CANDIDATES: [Column; 5] = [
    column("Host", &["host"], &[], 1.6),
    column("Reason", &["reason"], &["needs"], 2.6),
    column("Paths", &["paths"], &[], 0.6),
    column("Exchanges", &["exchanges"], &[], 0.8),
    column("Examples", &["examples"], &[], 3.4),
];

/// Of the findings.
pub(crate) const FINDINGS: [Column; 5] = [
    column("Severity", &["severity"], &[], 0.7),
    column("Finding", &["title"], &["kind"], 3.4),
    column("Endpoint", &["method", "template"], &["host"], 2.8),
    column("Status", &["status"], &[], 0.8),
    column("Occurrences", &["occurrences"], &[], 0.8),
];

/// Of the labels that changed.
pub(crate) const CHANGES: [Column; 5] = [
    column("At", &["at"], &[], 1.2),
    column(
        "Endpoint",
        &["method", "template"],
        &["operation", "host"],
        3.0,
    ),
    column("Gained", &["gained"], &[], 0.9),
    column("Lost", &["lost"], &[], 0.9),
    column("Reason", &["lifecycle_reason"], &[], 2.8),
];

/// What one cell shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// What is read first.
    pub(crate) main: String,
    /// What stands below it; mostly empty.
    pub(crate) note: String,
}

/// A column of what is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) heading: &'static str,
    pub(crate) weight: f32,
    /// Whether it holds numbers.
    pub(crate) is_number: bool,
    /// Whether it holds templates.
    pub(crate) is_code: bool,
}

/// A table as it is shown.
pub(crate) struct Sheet {
    pub(crate) name: &'static str,
    pub(crate) heads: Vec<Head>,
    pub(crate) rows: Vec<Vec<Shown>>,
}

impl Sheet {
    /// Shows a table in these columns.
    pub(crate) fn new(table: &Table, columns: &[Column]) -> Self {
        let mut sheet = Self {
            name: table.name,
            heads: Vec::new(),
            rows: vec![Vec::new(); table.rows.len()],
        };
        for column in columns {
            let main = places(table, column.main);
            let note = places(table, column.note);
            let shown: Vec<Shown> = table
                .rows
                .iter()
                .map(|row| Shown {
                    main: joined(row, &main, " "),
                    note: joined(row, &note, " · "),
                })
                .collect();
            if shown.iter().all(|one| *one == Shown::default()) {
                continue;
            }
            sheet.heads.push(Head {
                heading: column.heading,
                weight: column.weight,
                is_number: is_number(table, &main),
                is_code: column.main.contains(&"template"),
            });
            for (row, one) in sheet.rows.iter_mut().zip(shown) {
                row.push(one);
            }
        }
        sheet
    }
}

fn places(table: &Table, names: &[&str]) -> Vec<usize> {
    let place = |name: &&str| table.columns.iter().position(|known| known == name);
    names.iter().filter_map(place).collect()
}

fn joined(row: &[Cell], places: &[usize], between: &str) -> String {
    let texts = places.iter().filter_map(|at| row.get(*at)).map(Cell::text);
    let said: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    said.join(between)
}

fn is_number(table: &Table, places: &[usize]) -> bool {
    let [place] = places else { return false };
    let cell = |row: &Vec<Cell>| row.get(*place).cloned();
    let mut cells = table.rows.iter().filter_map(cell);
    cells.all(|cell| matches!(cell, Cell::Count(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(owner: &str) -> Table {
        let text = |text: &str| Cell::Text(text.to_owned());
        Table {
            name: "Endpoints",
            columns: &[
                "host",
                "method",
                "template",
                "operation",
                "owner",
                "requests",
            ],
            rows: vec![vec![
                text("api.example"),
                text("GET"),
                text("/a"),
                text(""),
                text(owner),
                Cell::Count(3),
            ]],
        }
    }

    #[test]
    fn columns_are_joined_and_those_that_say_nothing_are_left_out() {
        let sheet = Sheet::new(&table(""), &ENDPOINTS);
        let heads: Vec<&str> = sheet.heads.iter().map(|head| head.heading).collect();
        assert_eq!(heads, ["Endpoint", "Requests"]);
        let endpoint = Shown {
            main: "GET /a".to_owned(),
            note: "api.example".to_owned(),
        };
        assert_eq!(sheet.rows[0][0], endpoint);
        assert!(sheet.heads[1].is_number && !sheet.heads[0].is_number);
        let owned = Sheet::new(&table("payments"), &ENDPOINTS);
        assert_eq!(owned.heads.len(), 3);
    }

    #[test]
    fn every_column_is_one_of_the_table() {
        let material = crate::Report::default();
        let shown = [
            (crate::table::endpoints(&material), ENDPOINTS.as_slice()),
            (crate::table::findings(&material), FINDINGS.as_slice()),
            (crate::table::changes(&material), CHANGES.as_slice()),
            (crate::table::parameters(&material), PARAMETERS.as_slice()),
            (crate::table::fields(&material), FIELDS.as_slice()),
            (crate::table::candidates(&material), CANDIDATES.as_slice()),
        ];
        for (table, columns) in &shown {
            for column in *columns {
                for name in column.main.iter().chain(column.note) {
                    assert!(table.columns.contains(name), "{}: {name}", table.name);
                }
            }
        }
    }
}
