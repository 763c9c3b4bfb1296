//! Whether bytes are packed schemas. What comes from a file may be anything: a number in it must
//! not have a reader make as many fields as it says.

use super::{LENGTH, NAMED};
use crate::inventory::types::type_at;

/// Fields within fields at most; what is packed has [far fewer](crate::settings::InventorySettings::max_field_depth),
/// and each takes some of a reader's stack.
const DEPTH_MAX: usize = 64;

/// Bytes of a field at least: its name's length, three counts, and how many types, types of items,
/// classes and fields there are.
const FIELD_BYTES_MIN: usize = 8;

/// Whether these are packed schemas, and nothing more.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let mut check = Check(bytes);
    check.schemas().is_some() && check.0.is_empty()
}

/// What is left to be looked at; none where something is not as it must be.
struct Check<'a>(&'a [u8]);

impl Check<'_> {
    fn schemas(&mut self) -> Option<()> {
        for _ in 0..self.count(FIELD_BYTES_MIN)? {
            self.number()?;
            self.text()?;
            self.number()?;
            let (length, rest) = self.0.split_first_chunk::<LENGTH>()?;
            let length = u32::from_le_bytes(*length) as usize;
            self.0 = rest;
            self.field(0)?;
            if rest.len() - self.0.len() != length {
                return None;
            }
        }
        Some(())
    }

    fn field(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.text()?;
        for _ in 0..3 {
            self.number()?;
        }
        for _ in 0..2 {
            for _ in 0..self.count(2)? {
                self.kind()?;
                self.number()?;
            }
        }
        for _ in 0..self.count(2)? {
            self.text()?;
            self.number()?;
        }
        for _ in 0..self.count(FIELD_BYTES_MIN)? {
            self.field(depth + 1)?;
        }
        Some(())
    }

    fn kind(&mut self) -> Option<()> {
        let (kind, rest) = self.0.split_first()?;
        self.0 = rest;
        match *kind {
            NAMED => self.text(),
            at => type_at(at).map(drop),
        }
    }

    /// How many things follow, each of which takes so many bytes at least.
    fn count(&mut self, bytes: usize) -> Option<u64> {
        let count = self.number()?;
        (count <= (self.0.len() / bytes) as u64).then_some(count)
    }

    fn text(&mut self) -> Option<()> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        core::str::from_utf8(text).ok().map(drop)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 1 << 7 {
                return Some(number);
            }
        }
        None
    }
}
