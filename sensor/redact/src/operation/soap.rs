//! SOAP 1.1 and 1.2: the operation by the first element of the body and by the action.

use tapscope_http::HeadBytes;

use crate::body::xml::{Token, Tokens, attributes, local};

/// Namespaces of the envelope, and what each says of the version.
const ENVELOPES: [(&[u8], &str); 2] = [
    (b"http://schemas.xmlsoap.org/soap/envelope/", "soap_1_1"),
    (b"http://www.w3.org/2003/05/soap-envelope", "soap_1_2"),
];

/// What an envelope asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) version: &'static str,
    pub(super) name: &'a [u8],
}

/// Reads an envelope; none when the document is not one, or names nothing.
pub(super) fn read<'a>(head: &'a HeadBytes, content: &'a [u8]) -> Option<Found<'a>> {
    let mut tokens = Tokens::new(content);
    let version = tokens.find_map(|token| match token {
        Token::Open {
            name,
            attributes: text,
            empty: false,
        } => Some(envelope_version(name, text)),
        _ => None,
    })??;
    let element = body_element(tokens);
    let action = action(head);
    let name = match (element, action) {
        // `GetQuoteRequest` is a message of the operation that the action calls `GetQuote`.
        (Some(element), Some(action)) if element.starts_with(action) => action,
        (Some(element), _) => element,
        (None, action) => action?,
    };
    Some(Found { version, name })
}

/// The version by the namespace that the prefix of the root is bound to.
fn envelope_version(name: &[u8], text: &[u8]) -> Option<&'static str> {
    if local(name) != b"Envelope" {
        return None;
    }
    let prefix = name.strip_suffix(b":Envelope");
    let (_, namespace) = attributes(text).find(|(name, _)| match prefix {
        Some(prefix) => name.strip_prefix(b"xmlns:") == Some(prefix),
        None => *name == b"xmlns",
    })?;
    ENVELOPES
        .iter()
        .find(|(known, _)| *known == namespace)
        .map(|(_, version)| *version)
}

/// The local name of the first element in the Body, which stands right below the envelope.
fn body_element(tokens: Tokens<'_>) -> Option<&[u8]> {
    let (mut depth, mut in_body) = (1_usize, false);
    for token in tokens {
        match token {
            Token::Open { name, .. } if in_body => return Some(local(name)),
            Token::Open { name, empty, .. } => {
                in_body = depth == 1 && local(name) == b"Body" && !empty;
                depth += usize::from(!empty);
            }
            Token::Close => {
                depth -= 1;
                if in_body || depth == 0 {
                    return None;
                }
            }
            Token::Text(_) => {}
        }
    }
    None
}

/// The last part of the action: of SOAPAction (1.1), or of the media type's parameter (1.2).
fn action(head: &HeadBytes) -> Option<&[u8]> {
    let value = head.header("soapaction").or_else(|| {
        let declared = head.header("content-type")?;
        declared
            .split(|&byte| byte == b';')
            .skip(1)
            .find_map(|part| {
                let (name, value) = part.split_at_checked(memchr::memchr(b'=', part)?)?;
                name.trim_ascii()
                    .eq_ignore_ascii_case(b"action")
                    .then(|| value.get(1..))?
            })
    })?;
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = value.strip_suffix(b"\"").unwrap_or(value);
    let value = value.strip_suffix(b"/").unwrap_or(value);
    let start = value
        .iter()
        .rposition(|byte| matches!(byte, b'/' | b'#' | b':'))
        .map_or(0, |at| at + 1);
    value.get(start..).filter(|name| !name.is_empty())
}
