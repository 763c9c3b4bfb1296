//! `tapscope spec`: the OpenAPI documents of a store, and how they differ from what was seen.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tapscope_analyzer::DriftPolicy;
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_store::{SqliteReader, SqliteStore, Store, StoredSpecification};

use super::listing::{Column, print_rows};
use crate::cli::Listing;
use crate::engine::read_specification;
use crate::view::rfc3339;

const LIST: &[Column] = &[
    ("NAME", "name"),
    ("REVISION", "revision"),
    ("TITLE", "title"),
    ("VERSION", "version"),
    ("OPERATIONS", "operations"),
    ("HOSTS", "hosts"),
    ("ADDED", "added"),
];

const DIFF: &[Column] = &[
    ("SPECIFICATION", "specification"),
    ("DIFFERENCE", "difference"),
    ("METHOD", "method"),
    ("HOST", "host"),
    ("TEMPLATE", "template"),
    ("REQUESTS", "requests"),
    ("WHERE", "place"),
    ("DOCUMENTED", "documented"),
    ("OBSERVED", "observed"),
    ("SEEN", "seen"),
    ("OF", "of"),
    ("EFFECT", "effect"),
];

/// Adds documents. All are read before the first is added, so a broken one changes nothing.
pub(crate) fn add(files: &[PathBuf], store: &Path, name: Option<&str>) -> Result<()> {
    if name.is_some() && files.len() > 1 {
        bail!("--name goes with one document; there are {}", files.len());
    }
    let mut documents = Vec::new();
    for file in files {
        let (own_name, source) = read_specification(file)?;
        let name = name.map_or(own_name, str::to_owned);
        Specification::parse(&name, &source)
            .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        documents.push((name, source));
    }
    let mut store = SqliteStore::open(store)?;
    let known = store.specifications()?;
    for (name, source) in documents {
        let same = latest(&known).any(|known| known.name == name && known.source == source);
        if !same {
            store.add_specification(&name, &source, crate::engine::wall_clock())?;
        }
    }
    Ok(())
}

/// Lists all revisions.
pub(crate) fn list(listing: &Listing) -> Result<()> {
    let stored = SqliteReader::open(&listing.store)?.specifications()?;
    let rows: Vec<Value> = stored
        .iter()
        .map(|stored| {
            let parsed = Specification::parse(&stored.name, &stored.source).ok();
            json!({
                "name": stored.name,
                "revision": stored.revision,
                "added": rfc3339(stored.added),
                "title": parsed.as_ref().map(|p| &p.title),
                "version": parsed.as_ref().map(|p| &p.version),
                "operations": parsed.as_ref().map(|p| p.operations.len()),
                "hosts": parsed.as_ref().map(|p| &p.hosts),
            })
        })
        .collect();
    print_rows(&rows, LIST, listing.format)
}

/// Compares the latest revision of each document with the inventory.
pub(crate) fn diff(name: Option<&str>, listing: &Listing, policy: &DriftPolicy) -> Result<()> {
    let reader = SqliteReader::open(&listing.store)?;
    let stored = reader.specifications()?;
    let endpoints = reader.load()?.endpoints;
    if let Some(name) = name
        && !stored.iter().any(|stored| stored.name == name)
    {
        bail!("{name}: no such specification in the store; `tapscope spec list` shows them");
    }
    let mut rows = Vec::new();
    for stored in latest(&stored).filter(|stored| name.is_none_or(|name| stored.name == name)) {
        let Ok(specification) = Specification::parse(&stored.name, &stored.source) else {
            continue;
        };
        for difference in specification.differences(&endpoints, policy) {
            let drift = difference.drift.as_ref();
            rows.push(json!({
                "specification": stored.name,
                "difference": drift.map_or(difference.kind.name(), |one| one.kind.name()),
                "place": drift.map(|one| &one.place),
                "documented": drift.map(|one| &one.documented),
                "observed": drift.map(|one| &one.observed),
                "seen": drift.map(|one| one.seen),
                "of": drift.map(|one| one.of),
                "effect": drift.map(|one| match one.is_breaking() {
                    true => "breaking",
                    false => "additive",
                }),
                "method": difference.method,
                "host": difference.host,
                "template": difference.template,
                "requests": difference.requests,
            }));
        }
    }
    print_rows(&rows, DIFF, listing.format)
}

/// The latest revision of each name.
fn latest(stored: &[StoredSpecification]) -> impl Iterator<Item = &StoredSpecification> {
    stored.iter().filter(|one| {
        !stored
            .iter()
            .any(|other| other.name == one.name && other.revision > one.revision)
    })
}
