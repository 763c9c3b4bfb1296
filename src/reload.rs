//! What is read again while a run goes on: the policy of the configuration file, and a folder of
//! specifications. Looked at by modification time and size; a mistake is told in one line, and what
//! held before goes on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::config::Settings;
use crate::engine::read_specification;

/// Most documents of one folder: a folder of something else was named by mistake beyond.
const DOCUMENTS_MAX: usize = 1_000;

/// When a file was changed last, and its size: both, for a copy may bring an old time along.
type Stamp = (SystemTime, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// A configuration file whose policy is kept up to date.
pub(crate) struct PolicyFile {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl PolicyFile {
    /// The file as it is now is taken for known.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            stamp: stamp(path),
        }
    }

    /// The settings, when the file changed since the last look.
    pub(crate) fn look(&mut self) -> Option<Result<Settings>> {
        let now = stamp(&self.path)?;
        if self.stamp == Some(now) {
            return None;
        }
        self.stamp = Some(now);
        Some(Settings::read(Some(&self.path)))
    }
}

/// A folder of OpenAPI documents that is kept up to date.
pub(crate) struct SpecificationFolder {
    path: PathBuf,
    known: BTreeMap<PathBuf, Stamp>,
}

impl SpecificationFolder {
    /// A folder of which nothing is known yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            known: BTreeMap::new(),
        }
    }

    /// Names and sources of the documents that are new or changed since the last look, and what
    /// cannot be read. A document that is gone keeps its revisions: they are withdrawn by name.
    ///
    /// # Errors
    /// When the folder cannot be read or holds too many documents.
    pub(crate) fn look(&mut self) -> Result<Vec<Result<(String, String)>>> {
        let mut files = Vec::new();
        let folder = fs::read_dir(&self.path)
            .with_context(|| format!("{}: the folder cannot be read", self.path.display()))?;
        for file in folder.flatten() {
            let path = file.path();
            if is_document(&path)
                && let Some(stamp) = stamp(&path)
            {
                files.push((path, stamp));
            }
        }
        if files.len() > DOCUMENTS_MAX {
            bail!(
                "{}: {} documents; a folder may hold {DOCUMENTS_MAX}",
                self.path.display(),
                files.len()
            );
        }
        files.sort();
        let mut changed = Vec::new();
        for (path, stamp) in &files {
            if self.known.get(path) != Some(stamp) {
                changed.push(read_specification(path));
            }
        }
        self.known = files.into_iter().collect();
        Ok(changed)
    }
}

/// Whether a file of a folder is taken for a document: by its ending, and not hidden, as what
/// editors write beside it is.
fn is_document(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let ending = path.extension().and_then(|ending| ending.to_str());
    name.is_some_and(|name| !name.starts_with('.'))
        && ending.is_some_and(|ending| {
            ["json", "yaml", "yml"]
                .iter()
                .any(|known| ending.eq_ignore_ascii_case(known))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: Vec<Result<(String, String)>>) -> Vec<String> {
        found.into_iter().map(|one| one.unwrap().0).collect()
    }

    #[test]
    fn a_folder_tells_what_is_new_and_what_changed() {
        let path = std::env::temp_dir().join(format!("tapscope-folder-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("b.yaml"), "b").unwrap();
        fs::write(path.join("a.json"), "a").unwrap();
        fs::write(path.join(".a.json"), "hidden").unwrap();
        fs::write(path.join("notes.txt"), "text").unwrap();
        let mut folder = SpecificationFolder::new(&path);
        assert_eq!(names(folder.look().unwrap()), ["a.json", "b.yaml"]);
        assert!(folder.look().unwrap().is_empty());
        fs::write(path.join("b.yaml"), "longer").unwrap();
        assert_eq!(names(folder.look().unwrap()), ["b.yaml"]);
        fs::remove_dir_all(&path).unwrap();
        assert!(folder.look().is_err());
    }
}
