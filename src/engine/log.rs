//! The exchange log: a line for each exchange as the analyzer saw it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::view::LogLine;

/// Bytes of exchange log that may wait for a save that keeps failing; beyond it the lines are
/// written out although what they tell of is not saved. At some 500 bytes a line, 30,000 exchanges.
const LOG_WAITING_BYTES_MAX: usize = 16 << 20;

/// The exchange log: lines wait until what they tell of is saved.
pub(super) struct ExchangeLog {
    name: String,
    output: File,
    waiting: Vec<u8>,
    /// Lines that were given up because too many waited: the log cannot be written.
    pub(super) dropped: u64,
}

impl ExchangeLog {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::create(path)
            .with_context(|| format!("{name}: the exchange log cannot be written"))?;
        Ok(Self {
            name,
            output: file,
            waiting: Vec::new(),
            dropped: 0,
        })
    }

    pub(super) fn push(&mut self, line: &LogLine<'_>) {
        if self.waiting.len() >= LOG_WAITING_BYTES_MAX && self.write().is_err() {
            self.dropped += 1;
            return;
        }
        // Writing to memory cannot fail, and every field of a line has a JSON form.
        if serde_json::to_writer(&mut self.waiting, line).is_ok() {
            self.waiting.push(b'\n');
        }
    }

    /// Writes what waits. What was written before an error is not written again.
    pub(super) fn write(&mut self) -> Result<()> {
        let (done, result) = write_counted(&mut self.output, &self.waiting);
        self.waiting.drain(..done);
        result.with_context(|| format!("{}: the exchange log cannot be written", self.name))
    }
}

/// Writes all bytes; tells how many were written before an error.
fn write_counted(output: &mut impl Write, bytes: &[u8]) -> (usize, std::io::Result<()>) {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match output.write(rest) {
            Ok(0) => return (done, Err(std::io::ErrorKind::WriteZero.into())),
            Ok(written) => done += written,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, output.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, three at a time, then says that the disk is full.
    struct Disk {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let fits = bytes.len().min(3).min(self.room - self.taken.len());
            if fits == 0 {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.taken.extend(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_that_is_freed_gets_every_byte_once() {
        let mut disk = Disk {
            taken: Vec::new(),
            room: 7,
        };
        let mut waiting = b"one\ntwo\nthree\n".to_vec();
        let (done, result) = write_counted(&mut disk, &waiting);
        assert!(result.is_err());
        assert_eq!(done, 7);
        waiting.drain(..done);
        disk.room = 100;
        let (done, result) = write_counted(&mut disk, &waiting);
        assert!(result.is_ok());
        waiting.drain(..done);
        assert!(waiting.is_empty());
        assert_eq!(disk.taken, b"one\ntwo\nthree\n");
    }
}
