//! Reports: the inventory and the findings as documents that leave the house.
//!
//! Pure: plain data in, bytes out. The command line and the API give the same bytes, and the same
//! data gives the same bytes on every run: times are the data's, never the clock's. What leaves is
//! what the API shows; nothing in it is a value of somebody's.

/// Tables that all formats are made of.
mod table;

/// Times as text.
mod time;

/// Comma-separated values.
mod csv;

/// JSON.
mod json;

/// Spreadsheets.
mod xlsx;

/// Tables for people: what page and paper have in common.
mod page;

/// A page that stands for itself, with charts.
mod html;

/// Paper.
mod pdf;

/// OpenAPI, learned from traffic.
mod openapi;

/// Made-up values for it.
mod example;

/// CycloneDX services.
mod cyclonedx;

pub use time::{date, parse_date};

use std::collections::BTreeMap;

use tapscope_analyzer::Restored;
use tapscope_analyzer::inventory::risk::{Risk, RiskPolicy, assess};
use tapscope_analyzer::snapshot::profile::LabelChange;
use tapscope_analyzer::snapshot::{
    EndpointId, EndpointSnapshot, FindingSnapshot, HostSnapshot, Nanos,
};

/// What a report is made of.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Endpoints.
    pub endpoints: Vec<EndpointSnapshot>,
    /// Hosts.
    pub hosts: Vec<HostSnapshot>,
    /// Findings.
    pub findings: Vec<FindingSnapshot>,
    /// Packet time of the latest record.
    pub now: Nanos,
    /// How much each factor of the risk weighs.
    pub risk: RiskPolicy,
}

impl From<Restored> for Material {
    fn from(restored: Restored) -> Self {
        Self {
            endpoints: restored.endpoints,
            hosts: restored.hosts,
            findings: restored.findings,
            now: restored.now,
            risk: RiskPolicy::default(),
        }
    }
}

/// What a report is made of, with what is derived from all of it before parts are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    material: Material,
    /// The risk of each endpoint.
    risks: BTreeMap<EndpointId, Risk>,
    /// Labels that came and went since the time asked for, with the endpoint; in order of time.
    changes: Vec<(EndpointSnapshot, LabelChange)>,
}

impl core::ops::Deref for Report {
    type Target = Material;

    fn deref(&self) -> &Material {
        &self.material
    }
}

impl Report {
    fn new(material: Material, since: Option<Nanos>) -> Self {
        let mut about: BTreeMap<EndpointId, Vec<&FindingSnapshot>> = BTreeMap::new();
        for finding in &material.findings {
            if let Some(at) = &finding.endpoint {
                about.entry(at.id).or_default().push(finding);
            }
        }
        let mut risks = BTreeMap::new();
        let mut changes = Vec::new();
        for one in &material.endpoints {
            let findings = about.get(&one.id).into_iter().flatten().copied();
            risks.insert(one.id, assess(one, findings, &material.risk));
            let since = since.unwrap_or(Nanos::MIN);
            let news = one.profile.changes.iter().filter(|one| one.at >= since);
            changes.extend(news.map(|change| (one.clone(), change.clone())));
        }
        changes.sort_by_key(|(one, change)| (change.at, one.id));
        Self {
            material,
            risks,
            changes,
        }
    }

    /// A host that a host template stands for, the busiest one; the names of its parameters where
    /// none is known.
    pub(crate) fn example_host(&self, host: &str) -> String {
        let known = self.hosts.iter().find(|one| one.host == host);
        let tenants = known.and_then(|one| one.tenants.as_ref());
        let first = tenants.and_then(|tenants| tenants.hosts.first());
        let example = first.map_or(host, |one| &one.host);
        example.replace(['{', '}'], "")
    }

    /// The risk of an endpoint.
    pub(crate) fn risk(&self, endpoint: &EndpointSnapshot) -> Risk {
        self.risks.get(&endpoint.id).cloned().unwrap_or_default()
    }
}

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One table, comma-separated.
    Csv,
    /// Inventory and findings as JSON.
    Json,
    /// Inventory, parameters, fields and findings as a workbook.
    Xlsx,
    /// A page that stands for itself, with charts; prints well.
    Html,
    /// The same on paper.
    Pdf,
    /// OpenAPI 3.1 of one host.
    OpenApi,
    /// CycloneDX 1.6 `services`.
    CycloneDx,
}

impl Format {
    /// All of them: name, media type, ending of a file's name.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 7] = [
        (Self::Csv, "csv", "text/csv; charset=utf-8", "csv"),
        (Self::Json, "json", "application/json", "json"),
        (
            Self::Xlsx,
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
        ),
        (Self::Html, "html", "text/html; charset=utf-8", "html"),
        (Self::Pdf, "pdf", "application/pdf", "pdf"),
        (
            Self::OpenApi,
            "openapi",
            "application/vnd.oai.openapi+json",
            "openapi.json",
        ),
        (
            Self::CycloneDx,
            "cyclonedx",
            "application/vnd.cyclonedx+json",
            "cdx.json",
        ),
    ];

    /// The format of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, known, ..)| *known == name).map(|row| row.0)
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|row| row.0 == self).map_or("", |row| row.2)
    }

    /// The ending of a file's name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|row| row.0 == self).map_or("", |row| row.3)
    }
}

/// A table of a report: what CSV holds one of, and a workbook all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The inventory.
    #[default]
    Endpoints,
    /// Labels that came and went.
    Changes,
    /// Parameters of all endpoints.
    Parameters,
    /// Fields of all bodies.
    Fields,
    /// Findings.
    Findings,
    /// Hosts.
    Hosts,
    /// What was called and is no endpoint yet.
    Candidates,
}

impl Part {
    /// All of them, with their names, in the order of a workbook.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Endpoints, "endpoints"),
        (Self::Changes, "changes"),
        (Self::Parameters, "parameters"),
        (Self::Fields, "fields"),
        (Self::Findings, "findings"),
        (Self::Hosts, "hosts"),
        (Self::Candidates, "candidates"),
    ];

    /// The table of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, known)| *known == name).map(|row| row.0)
    }

    fn of(self, report: &Report) -> table::Table {
        match self {
            Self::Endpoints => table::endpoints(report),
            Self::Changes => table::changes(report),
            Self::Parameters => table::parameters(report),
            Self::Fields => table::fields(report),
            Self::Findings => table::findings(report),
            Self::Hosts => table::hosts(report),
            Self::Candidates => table::candidates(report),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The form.
    pub format: Format,
    /// The table that CSV holds, the inventory when left out; other forms hold all that they can.
    pub part: Option<Part>,
    /// Only this host.
    pub host: Option<String>,
    /// Only what is new since then: endpoints first seen, findings seen, and labels that came or
    /// went, at this time or later.
    pub since: Option<Nanos>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportError {
    /// An OpenAPI document is of one host.
    #[error("an OpenAPI document is of one host; name one of: {0}")]
    HostNeeded(String),
    /// Nothing is known of the host.
    #[error("there is no endpoint of the host {0}")]
    UnknownHost(String),
    /// Other forms hold all tables.
    #[error("only csv holds one table; leave the table out, or take csv")]
    TableOfAll,
    /// A document could not be put together.
    #[error("the document could not be written: {0}")]
    Failed(String),
}

/// Hosts named in an error.
const HOSTS_NAMED: usize = 10;

/// Makes a report.
///
/// # Errors
/// When an OpenAPI document is asked for without naming one of several hosts, or of an unknown one, and
/// when one table is asked for in a form that holds all.
pub fn export(material: Material, request: &Request) -> Result<Vec<u8>, ReportError> {
    if request.part.is_some() && request.format != Format::Csv {
        return Err(ReportError::TableOfAll);
    }
    let mut report = Report::new(material, request.since);
    let material = &mut report.material;
    if let Some(host) = &request.host {
        material.endpoints.retain(|one| one.host == *host);
        material.hosts.retain(|one| one.host == *host);
        material
            .findings
            .retain(|one| one.endpoint.as_ref().is_some_and(|at| at.host == *host));
        report.changes.retain(|(one, _)| one.host == *host);
        if material.endpoints.is_empty() {
            return Err(ReportError::UnknownHost(host.clone()));
        }
    }
    if let Some(since) = request.since {
        material.endpoints.retain(|one| one.first_seen >= since);
        material.findings.retain(|one| one.last_seen >= since);
    }
    material.endpoints.sort_by(|a, b| {
        let key = |one: &EndpointSnapshot| {
            (
                one.host.clone(),
                one.template.clone(),
                one.method.clone(),
                one.id,
            )
        };
        key(a).cmp(&key(b))
    });
    material.hosts.sort_by(|a, b| a.host.cmp(&b.host));
    material
        .findings
        .sort_by_key(|one| (core::cmp::Reverse(one.severity), one.first_seen, one.id));
    match request.format {
        Format::Csv => csv::write(&request.part.unwrap_or_default().of(&report)),
        Format::Json => json::write(&report, request),
        Format::Xlsx => xlsx::write(&report),
        Format::Html => Ok(html::write(&report, request)),
        Format::Pdf => Ok(pdf::write(&report, request)),
        Format::OpenApi => {
            let mut hosts: Vec<&str> = report.endpoints.iter().map(|e| e.host.as_str()).collect();
            hosts.dedup();
            match hosts.as_slice() {
                [host] => openapi::write(&report, host),
                [] => Err(ReportError::UnknownHost(
                    request.host.clone().unwrap_or_default(),
                )),
                several => {
                    let named: Vec<&str> = several.iter().take(HOSTS_NAMED).copied().collect();
                    Err(ReportError::HostNeeded(named.join(", ")))
                }
            }
        }
        Format::CycloneDx => cyclonedx::write(&report),
    }
}

/// JSON as bytes, indented, with a final line end.
fn pretty(value: &serde_json::Value) -> Result<Vec<u8>, ReportError> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|error| ReportError::Failed(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
