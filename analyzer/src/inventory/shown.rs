//! Values as text, without memory of its own: what is counted under its text is there nearly
//! always, and then the text is wanted for looking it up only.

use core::fmt::{Display, Write};
use core::net::{IpAddr, SocketAddr};

/// Longest text that needs no memory: an IPv6 address with scope and port.
const LEN: usize = 64;

struct Text {
    bytes: [u8; LEN],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.put(text.as_bytes()).ok_or(core::fmt::Error)
    }
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; LEN],
            len: 0,
        }
    }

    /// Adds bytes at the end; none where they find no room.
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    /// Adds a number; none where it finds no room.
    fn put_number(&mut self, number: u16) -> Option<()> {
        let mut digits = [0; 5];
        let (mut left, mut first) = (number, digits.len());
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
            first -= 1;
            if left == 0 {
                break;
            }
        }
        self.put(digits.get(first..)?)
    }

    /// Adds an address of the fourth version; none for others, which are rare.
    fn put_address(&mut self, address: IpAddr) -> Option<()> {
        let IpAddr::V4(four) = address else {
            return None;
        };
        for (at, byte) in four.octets().into_iter().enumerate() {
            if at > 0 {
                self.put(b".")?;
            }
            self.put_number(u16::from(byte))?;
        }
        Some(())
    }

    /// The text, where it was written whole.
    fn written(&self, whole: Option<()>) -> Option<&str> {
        let bytes = self.bytes.get(..self.len)?;
        core::str::from_utf8(bytes).ok().filter(|_| whole.is_some())
    }
}

/// Gives the value's text to `with`.
pub(crate) fn shown<R>(value: &impl Display, with: impl FnOnce(&str) -> R) -> R {
    let mut text = Text::new();
    let written = write!(text, "{value}").ok();
    match text.written(written) {
        Some(short) => with(short),
        None => with(&value.to_string()),
    }
}

/// Gives an address's text to `with`: there is one to write for nearly every exchange.
pub(crate) fn shown_address<R>(address: IpAddr, with: impl FnOnce(&str) -> R) -> R {
    let mut text = Text::new();
    let written = text.put_address(address);
    match text.written(written) {
        Some(short) => with(short),
        None => shown(&address, with),
    }
}

/// Gives the text of an address with its port to `with`.
pub(crate) fn shown_socket<R>(socket: SocketAddr, with: impl FnOnce(&str) -> R) -> R {
    let mut text = Text::new();
    let address = text.put_address(socket.ip());
    let written = address
        .and_then(|()| text.put(b":"))
        .and_then(|()| text.put_number(socket.port()));
    match text.written(written) {
        Some(short) => with(short),
        None => shown(&socket, with),
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

    #[test]
    fn addresses_are_shown_as_they_are_written() {
        for address in [
            "0.0.0.0",
            "10.99.100.255",
            "255.1.2.30",
            "::1",
            "2001:db8::7",
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(shown_address(address, str::to_owned), address.to_string());
            for port in [0, 7, 80, 443, 8_080, 65_535] {
                let socket = SocketAddr::new(address, port);
                assert_eq!(shown_socket(socket, str::to_owned), socket.to_string());
            }
        }
    }
}
