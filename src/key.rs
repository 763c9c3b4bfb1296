//! The installation's key: 32 random bytes under which values become tokens.
//!
//! One key per installation, made on first use, so that the same capture gives the same tokens
//! every time and nobody outside can compute them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tapscope_redact::TokenKey;

/// Where the key is when nobody says: the service manager's state directory, else the user's.
///
/// # Errors
/// When the environment names neither.
pub(crate) fn default_path() -> Result<PathBuf> {
    let directory = |variable: &str| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(state) = directory("STATE_DIRECTORY") {
        return Ok(state.join("installation.key"));
    }
    if let Some(state) = directory("XDG_STATE_HOME") {
        return Ok(state.join("tapscope/installation.key"));
    }
    if let Some(home) = directory("HOME") {
        return Ok(home.join(".local/state/tapscope/installation.key"));
    }
    bail!(
        "no place for the installation key: neither HOME nor STATE_DIRECTORY is set; \
           name one with --key-file FILE"
    )
}

/// Reads the key, or makes it when there is none yet.
///
/// # Errors
/// When the file cannot be read or made, is open to others, or is no key.
pub(crate) fn read_or_make(path: &Path) -> Result<TokenKey> {
    match File::open(path) {
        Ok(file) => read(path, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(error).with_context(|| unusable(path)),
    }
}

fn unusable(path: &Path) -> String {
    format!(
        "{}: the installation key cannot be used; name another with --key-file",
        path.display()
    )
}

fn read(path: &Path, file: File) -> Result<TokenKey> {
    let mode = file
        .metadata()
        .with_context(|| unusable(path))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        bail!(
            "{}: the installation key is open to other users; chmod 600 it",
            path.display()
        );
    }
    let mut bytes = Vec::with_capacity(33);
    file.take(33)
        .read_to_end(&mut bytes)
        .with_context(|| unusable(path))?;
    match <[u8; 32]>::try_from(bytes) {
        Ok(key) => Ok(TokenKey(key)),
        Err(_) => bail!(
            "{}: not an installation key (32 bytes); remove it to make a new one",
            path.display()
        ),
    }
}

fn make(path: &Path) -> Result<TokenKey> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| unusable(path))?;
    }
    let mut key = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut key))
        .context("no random bytes to be had from /dev/urandom")?;
    // Written aside and linked into place, so that two processes that start together agree.
    let aside = path.with_extension(format!("key.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .with_context(|| unusable(path))?;
    file.write_all(&key)
        .and_then(|()| file.sync_all())
        .with_context(|| unusable(path))?;
    let linked = fs::hard_link(&aside, path);
    let removed = fs::remove_file(&aside);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(path, File::open(path).with_context(|| unusable(path))?)
        }
        other => {
            other.and(removed).with_context(|| unusable(path))?;
            Ok(TokenKey(key))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir()
            .join(format!("tapscope-key-{name}-{}", std::process::id()))
            .join("installation.key");
        let _ = fs::remove_dir_all(path.parent().unwrap());
        path
    }

    #[test]
    fn key_is_made_once_and_private() {
        let path = scratch("made");
        let first = read_or_make(&path).unwrap().0;
        assert_eq!(read_or_make(&path).unwrap().0, first);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_ne!(first, [0; 32]);
    }

    #[test]
    fn key_open_to_others_is_refused() {
        let path = scratch("open");
        read_or_make(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read_or_make(&path).err().unwrap().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn file_of_another_length_is_no_key() {
        let path = scratch("short");
        read_or_make(&path).unwrap();
        fs::write(&path, b"short").unwrap();
        assert!(
            read_or_make(&path)
                .err()
                .unwrap()
                .to_string()
                .contains("not an installation key")
        );
    }
}
