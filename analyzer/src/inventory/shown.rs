//! Values as text, without memory of its own: what is counted under its text is there nearly
//! always, and then the text is wanted for looking it up only.

use core::fmt::{Display, Write};

/// Longest text that needs no memory: an IPv6 address with scope and port.
const LEN: usize = 64;

struct Text {
    bytes: [u8; LEN],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end);
        room.ok_or(core::fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Gives the value's text to `with`.
pub(crate) fn shown<R>(value: &impl Display, with: impl FnOnce(&str) -> R) -> R {
    let mut text = Text {
        bytes: [0; LEN],
        len: 0,
    };
    let written = write!(text, "{value}").is_ok();
    let bytes = text.bytes.get(..text.len).unwrap_or_default();
    match core::str::from_utf8(bytes) {
        Ok(short) if written => with(short),
        _ => with(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_texts_are_shown_whole() {
        for text in ["", "10.0.0.1:80", &"x".repeat(64), &"ü".repeat(65)] {
            assert_eq!(shown(&text, str::to_owned), text);
        }
    }
}
