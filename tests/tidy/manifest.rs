//! What the rules need of a `Cargo.toml`: the crate's name and what it depends on.

/// One member's manifest.
pub(crate) struct Manifest {
    /// Folder from the repository's root; empty for the root package.
    pub(crate) folder: String,
    /// `[dependencies]`, without dev- and build-dependencies.
    pub(crate) dependencies: Vec<String>,
    /// Whether `[lints] workspace = true` stands in it.
    pub(crate) inherits_lints: bool,
}

impl Manifest {
    /// Reads the text of a manifest in `folder`.
    pub(crate) fn new(folder: &str, text: &str) -> Self {
        let mut manifest = Self {
            folder: folder.to_owned(),
            dependencies: Vec::new(),
            inherits_lints: false,
        };
        let mut section = String::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                // `[dependencies.name]` is a dependency written as a section.
                if let Some(name) = section.strip_prefix("dependencies.") {
                    manifest.dependencies.push(name.to_owned());
                }
                continue;
            }
            let key = line.split(['=', '.']).next().unwrap_or("").trim();
            let is_dependencies = section == "dependencies"
                || (section.starts_with("target.") && section.ends_with(".dependencies"));
            if is_dependencies {
                manifest.dependencies.push(key.trim_matches('"').to_owned());
            }
            if section == "lints" && line.replace(' ', "") == "workspace=true" {
                manifest.inherits_lints = true;
            }
        }
        manifest
    }

    /// Its dependencies inside the workspace, without the `tapscope-` before them.
    pub(crate) fn internal(&self) -> Vec<&str> {
        self.dependencies
            .iter()
            .filter_map(|name| name.strip_prefix("tapscope-"))
            .collect()
    }
}
