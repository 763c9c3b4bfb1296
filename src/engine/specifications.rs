//! The documents that the inventory is compared with: all revisions are kept, the latest of each
//! name holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_dashboard_api::PublishedSpecification;
use tapscope_store::{Store, StoredSpecification};

use super::{Engine, wall_clock};

impl Engine {
    /// Adds a revision, unless the latest one of that name is the same document.
    pub(super) fn add_specification(&mut self, name: &str, source: &str) -> Result<()> {
        Specification::parse(name, source).with_context(|| name.to_owned())?;
        let latest = self
            .specifications
            .iter()
            .rfind(|stored| stored.name == name);
        if latest.is_some_and(|latest| latest.source == source) {
            return Ok(());
        }
        let revision = latest.map_or(0, |latest| latest.revision) + 1;
        let added = match &mut self.store {
            Some(store) => store.add_specification(name, source, wall_clock())?,
            None => StoredSpecification {
                name: name.to_owned(),
                revision,
                added: wall_clock(),
                source: source.to_owned(),
            },
        };
        self.specifications.push(added);
        Ok(())
    }

    pub(super) fn remove_specification(&mut self, name: &str) -> Result<bool> {
        if let Some(store) = &mut self.store {
            store.remove_specification(name)?;
        }
        let before = self.specifications.len();
        self.specifications
            .retain(|specification| specification.name != name);
        self.use_specifications()?;
        self.save()?;
        Ok(self.specifications.len() != before)
    }

    /// Gives all revisions to the analyzer, and shows the latest of each name.
    pub(super) fn use_specifications(&mut self) -> Result<()> {
        let mut parsed = Vec::new();
        let mut latest = BTreeMap::new();
        for stored in &self.specifications {
            let mut specification = Specification::parse(&stored.name, &stored.source)
                .with_context(|| stored.name.clone())?;
            specification.priority = self.watched.priority(&stored.name);
            specification.added = stored.added;
            latest.insert(
                stored.name.clone(),
                PublishedSpecification {
                    revision: stored.revision,
                    added: stored.added,
                    specification: Arc::new(specification.clone()),
                },
            );
            parsed.push(specification);
        }
        self.analyzer.set_specifications(parsed);
        self.view.set_specifications(latest.into_values().collect());
        self.dirty = true;
        Ok(())
    }
}

/// Reads a specification file; its name is the file's.
pub(crate) fn read_specification(path: &Path) -> Result<(String, String)> {
    let source = std::fs::read_to_string(path)
        .with_context(|| format!("{}: the specification cannot be read", path.display()))?;
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok((name, source))
}
