//! Decides how a message's content is framed (RFC 9112 section 6.3) and says what is odd about it.

use crate::anomaly::{Anomalies, FramingRule, MessageAnomaly, Reading, Readings};
use crate::exchange::{HeadBytes, Version};
use crate::http1::detect::is_token_byte;
use crate::http1::host;
use crate::http1::start_line::trim_whitespace;

/// How the content of a message is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// That many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything until the connection closes.
    Close,
}

/// How a message is framed, and how others may see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    /// What is followed.
    pub(crate) framing: Framing,
    /// By what that was found.
    pub(crate) rule: FramingRule,
    /// How other readers would frame it.
    pub(crate) rival: Option<(FramingRule, Framing)>,
    /// The first bytes of the content decide: what does not begin with a chunk size is not chunked.
    pub(crate) is_probed: bool,
    /// What is odd about the fields.
    pub(crate) anomalies: Anomalies,
}

impl Decision {
    const fn plain(framing: Framing, rule: FramingRule, anomalies: Anomalies) -> Self {
        Self {
            framing,
            rule,
            rival: None,
            is_probed: false,
            anomalies,
        }
    }

    /// Both readings, when the one that is followed says that there is no content.
    pub(crate) fn readings_without_content(&self) -> Option<Box<Readings>> {
        let (rule, framing) = self.rival.filter(|_| self.framing == Framing::None)?;
        let other = match framing {
            Framing::Length(n) => Some(n),
            _ => None,
        };
        Some(Box::new(Readings {
            followed: Reading {
                rule: self.rule,
                len: Some(0),
            },
            other: Reading { rule, len: other },
            hides_request: false,
        }))
    }

    fn or(self, rule: FramingRule, framing: Framing) -> Self {
        let is_other = framing != self.framing;
        Self {
            rival: is_other.then_some((rule, framing)),
            ..self
        }
    }
}

/// How certain it is that the final transfer coding is chunked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Chunking {
    /// Nothing says so.
    #[default]
    No,
    /// The word is in it, but no reader takes the coding for it unless it searches.
    Hidden,
    /// Some readers take it for chunked.
    Loose,
    /// All do.
    Clean,
}

/// What the framing headers say, before the rules for methods and status codes.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    /// There is a Transfer-Encoding other than `identity`.
    transfer_encoding: bool,
    /// Whether its final coding is chunked.
    chunking: Chunking,
    /// There is a Content-Length.
    content_length: bool,
    /// Not every reader takes the line for one.
    is_length_odd: bool,
    /// Its first value, when it is a number.
    length: Option<u64>,
    /// Its last value, when it is a number.
    last_length: Option<u64>,
}

/// Whether a field of that name frames a message.
pub(crate) fn is_framing_name(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}

/// The framing of a request.
pub(crate) fn of_request(
    head: &HeadBytes,
    method: &[u8],
    target: &[u8],
    version: Version,
) -> Decision {
    let mut anomalies = Anomalies::new();
    let fields = read_fields(head, version, &mut anomalies);
    host::judge(head, method, target, version, &mut anomalies);
    // A request whose final coding is not chunked has no length that can be known; a server
    // refuses it. The Content-Length, if any, is the best that is left.
    let length = fields.length.filter(|&n| n > 0);
    let otherwise = length.map_or((FramingRule::NoContent, Framing::None), |n| {
        (FramingRule::ContentLength, Framing::Length(n))
    });
    let mut decision = decide(fields, otherwise, Framing::None, anomalies);
    // Bytes that follow a request are seen whatever they are, so that they can be looked at.
    if fields.chunking == Chunking::Hidden {
        decision = Decision {
            framing: Framing::Chunked,
            rule: FramingRule::Chunked,
            is_probed: true,
            ..decision
        }
        .or(otherwise.0, otherwise.1);
    }
    let has_no_meaning = matches!(method, b"GET" | b"HEAD" | b"DELETE" | b"TRACE" | b"CONNECT");
    if has_no_meaning && decision.framing != Framing::None {
        decision.anomalies.insert(MessageAnomaly::UnexpectedContent);
    }
    decision
}

/// The framing of a final response to a request of that method (none when it is not known).
pub(crate) fn of_response(
    head: &HeadBytes,
    status: u16,
    version: Version,
    method: Option<&[u8]>,
) -> Decision {
    let mut anomalies = Anomalies::new();
    let fields = read_fields(head, version, &mut anomalies);
    let bodiless = matches!(status, 100..=199 | 204 | 304)
        || method == Some(b"HEAD")
        || (method == Some(b"CONNECT") && matches!(status, 200..=299));
    if bodiless {
        return Decision::plain(Framing::None, FramingRule::NoContent, anomalies);
    }
    let close = (FramingRule::Close, Framing::Close);
    let otherwise = match fields.length {
        // A coding that is not known ends with the connection, whatever the length.
        _ if fields.transfer_encoding && fields.chunking <= Chunking::Hidden => close,
        Some(0) => (FramingRule::ContentLength, Framing::None),
        Some(n) => (FramingRule::ContentLength, Framing::Length(n)),
        None => close,
    };
    decide(fields, otherwise, Framing::Close, anomalies)
}

/// The rules that hold for both. `otherwise` is the framing without Transfer-Encoding, `unframed`
/// the one without any field.
fn decide(
    fields: Fields,
    otherwise: (FramingRule, Framing),
    unframed: Framing,
    anomalies: Anomalies,
) -> Decision {
    let chunked = Decision::plain(Framing::Chunked, FramingRule::Chunked, anomalies);
    let plain = Decision::plain(otherwise.1, otherwise.0, anomalies);
    let unframed_rule = if unframed == Framing::None {
        FramingRule::NoContent
    } else {
        FramingRule::Close
    };
    match fields.chunking {
        Chunking::Clean if !fields.content_length => chunked,
        Chunking::Clean | Chunking::Loose => Decision {
            is_probed: true,
            ..chunked.or(otherwise.0, otherwise.1)
        },
        Chunking::Hidden => plain.or(FramingRule::Chunked, Framing::Chunked),
        Chunking::No => match fields.last_length {
            Some(last) if fields.length != Some(last) => {
                plain.or(FramingRule::LastContentLength, length_of(last))
            }
            _ if fields.is_length_odd => plain.or(unframed_rule, unframed),
            _ => plain,
        },
    }
}

const fn length_of(n: u64) -> Framing {
    match n {
        0 => Framing::None,
        n => Framing::Length(n),
    }
}

fn read_fields(head: &HeadBytes, version: Version, anomalies: &mut Anomalies) -> Fields {
    let mut fields = Fields::default();
    let mut codings = Codings::default();
    for header in &head.headers {
        // Only two names matter and both are rare lengths: most lines are passed over cheaply.
        if header.name.len() < 14 {
            continue;
        }
        let name = head.slice(header.name);
        let is_length = name.len() == 14 && name.eq_ignore_ascii_case(b"content-length");
        let is_coding = name.len() == 17 && name.eq_ignore_ascii_case(b"transfer-encoding");
        if !is_length && !is_coding {
            if name.len() > 14 && hides_framing_name(name) {
                anomalies.insert(MessageAnomaly::ObfuscatedFramingField);
            }
            continue;
        }
        let value = head.slice(header.value);
        let between = head
            .bytes
            .get(header.name.end as usize..header.value.start as usize);
        let is_plain = matches!(between, Some([b':', rest @ ..]) if rest.iter().all(|b| matches!(b, b' ' | b'\t')));
        let is_odd = !is_plain || value.iter().any(|&b| (b < b' ' && b != b'\t') || b == 0x7f);
        if is_odd {
            anomalies.insert(MessageAnomaly::ObfuscatedFramingField);
        }
        if is_length {
            fields.is_length_odd |= is_odd;
            read_length(value, &mut fields, anomalies);
        } else {
            value
                .split(|&b| b == b',')
                .for_each(|coding| codings.read(coding, is_odd));
        }
    }
    if !codings.any {
        return fields;
    }
    fields.transfer_encoding = true;
    fields.chunking = codings.chunking();
    codings.judge(fields.chunking, anomalies);
    if version == Version::Http10 {
        anomalies.insert(MessageAnomaly::TransferEncodingInHttp10);
        // A reader of HTTP/1.0 does not know the field.
        fields.chunking = fields.chunking.min(Chunking::Loose);
    }
    if fields.content_length {
        anomalies.insert(MessageAnomaly::ContentLengthWithTransferEncoding);
    }
    fields
}

/// Whether a name is that of a framing field but for bytes around it that no name can hold.
fn hides_framing_name(name: &[u8]) -> bool {
    let is_junk = |b: &&u8| !is_token_byte(**b);
    let start = name.iter().take_while(is_junk).count();
    let end = name.iter().rev().take_while(is_junk).count();
    start + end > 0
        && name
            .get(start..name.len().saturating_sub(end))
            .is_some_and(is_framing_name)
}

/// The transfer codings of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Codings {
    /// There is one other than `identity`.
    any: bool,
    /// One is not known.
    unknown: bool,
    /// How often chunked was applied.
    chunked: u8,
    /// The last is chunked, by how many readers.
    last: Chunking,
    /// Some reader took any for chunked.
    best: Chunking,
    /// A line or a coding is not clean.
    odd: bool,
}

impl Codings {
    /// One coding of the list.
    fn read(&mut self, coding: &[u8], is_odd: bool) {
        let coding = coding.split(|&b| b == b';').next().unwrap_or_default();
        let trimmed = trim_whitespace(coding);
        if trimmed.is_empty() || trimmed.eq_ignore_ascii_case(b"identity") {
            return;
        }
        self.any = true;
        self.odd |= is_odd;
        let is_junk = |b: &&u8| **b <= b' ' || matches!(**b, 0x7f | b'"' | b'\'');
        let start = trimmed.iter().take_while(is_junk).count();
        let end = trimmed.iter().rev().take_while(is_junk).count();
        let core = trimmed.get(start..trimmed.len() - end.min(trimmed.len() - start));
        let core = core.unwrap_or_default();
        let letters = trimmed.iter().copied().filter(u8::is_ascii_alphabetic);
        let letters: smallvec::SmallVec<[u8; 32]> =
            letters.take(32).map(|b| b.to_ascii_lowercase()).collect();
        self.last = if trimmed.eq_ignore_ascii_case(b"chunked") {
            Chunking::Clean
        } else if core.eq_ignore_ascii_case(b"chunked") {
            Chunking::Loose
        } else if memchr::memmem::find(&letters, b"chunked").is_some() {
            Chunking::Hidden
        } else {
            Chunking::No
        };
        self.best = self.best.max(self.last);
        self.chunked = self
            .chunked
            .saturating_add(u8::from(self.last >= Chunking::Loose));
        self.unknown |= self.last <= Chunking::Hidden && !is_known_coding(trimmed);
    }

    /// How certain it is that the message is chunked.
    fn chunking(self) -> Chunking {
        match self.last {
            Chunking::Clean if self.odd => Chunking::Loose,
            // Not last, yet some readers search the list for it.
            Chunking::No if self.best >= Chunking::Loose => Chunking::Loose,
            last => last,
        }
    }

    fn judge(self, chunking: Chunking, anomalies: &mut Anomalies) {
        if self.unknown || self.last <= Chunking::Hidden {
            anomalies.insert(MessageAnomaly::UnknownTransferEncoding);
        }
        if self.chunked > 1 {
            anomalies.insert(MessageAnomaly::RepeatedChunked);
        }
        if matches!(chunking, Chunking::Hidden | Chunking::Loose) {
            anomalies.insert(MessageAnomaly::ObfuscatedTransferEncoding);
        }
    }
}

fn is_known_coding(coding: &[u8]) -> bool {
    ["gzip", "x-gzip", "deflate", "compress", "x-compress"]
        .iter()
        .any(|known| coding.eq_ignore_ascii_case(known.as_bytes()))
}

/// Reads one Content-Length line, which may be a list of equal values (RFC 9110 section 8.6).
fn read_length(value: &[u8], fields: &mut Fields, anomalies: &mut Anomalies) {
    for part in value.split(|&b| b == b',') {
        let part = trim_whitespace(part);
        let digits = part.strip_prefix(b"+").unwrap_or(part);
        if digits.len() != part.len() {
            anomalies.insert(MessageAnomaly::InvalidContentLength);
            fields.is_length_odd = true;
        }
        let is_repeated = core::mem::replace(&mut fields.content_length, true);
        match decimal(digits) {
            Some(n) => {
                if digits.len() > 1 && digits.first() == Some(&b'0') {
                    anomalies.insert(MessageAnomaly::PaddedContentLength);
                }
                if is_repeated {
                    anomalies.insert(if fields.length == Some(n) {
                        MessageAnomaly::RepeatedContentLength
                    } else {
                        MessageAnomaly::ConflictingContentLength
                    });
                }
                fields.length.get_or_insert(n);
                fields.last_length = Some(n);
            }
            None if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                anomalies.insert(MessageAnomaly::ContentLengthOverflow);
            }
            None => anomalies.insert(MessageAnomaly::InvalidContentLength),
        }
    }
}

/// A number of digits only; none when it is something else or does not fit in 63 bits: no server
/// in use takes a greater length, most because it would be negative.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })?;
    (number <= i64::MAX as u64).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::head::{AssembledHead, parse_request, parse_response};
    use crate::settings::HttpSettings;

    fn response(status: &str, lines: &str, method: &[u8]) -> (Framing, Vec<MessageAnomaly>) {
        let text = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
        let mut assembled = AssembledHead::none(Default::default());
        assembled.bytes = text.into_bytes();
        let (head, _) = parse_response(&mut assembled, &HttpSettings::default());
        let decision = of_response(&head.head, head.status, head.version, Some(method));
        (decision.framing, decision.anomalies.iter().collect())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn responses() {
        use Framing::{Chunked, Close, Length, None};
        use MessageAnomaly as M;
        const BOTH: M = M::ContentLengthWithTransferEncoding;
        const OBFUSCATED: M = M::ObfuscatedTransferEncoding;
        const UNKNOWN: M = M::UnknownTransferEncoding;
        let cases: &[(&str, &str, &str, Framing, &[M])] = &[
            ("200", "Content-Length: 5\r\n", "GET", Length(5), &[]),
            ("200", "content-length: 5\r\n", "HEAD", None, &[]),
            ("204", "Content-Length: 5\r\n", "GET", None, &[]),
            ("304", "Content-Length: 5\r\n", "GET", None, &[]),
            ("200", "Content-Length: 5\r\n", "CONNECT", None, &[]),
            ("407", "Content-Length: 5\r\n", "CONNECT", Length(5), &[]),
            ("200", "", "GET", Close, &[]),
            ("200", "Transfer-Encoding: chunked\r\n", "GET", Chunked, &[]),
            (
                "200",
                "Transfer-Encoding: gzip, chunked\r\n",
                "GET",
                Chunked,
                &[],
            ),
            (
                "200",
                "Transfer-Encoding: gzip\r\n",
                "GET",
                Close,
                &[UNKNOWN],
            ),
            (
                "200",
                "Transfer-Encoding: chunked, gzip\r\n",
                "GET",
                Chunked,
                &[UNKNOWN, OBFUSCATED],
            ),
            (
                "200",
                "Transfer-Encoding: xchunked\r\n",
                "GET",
                Close,
                &[UNKNOWN, OBFUSCATED],
            ),
            (
                "200",
                "Transfer-Encoding: chu\0nked\r\n",
                "GET",
                Close,
                &[UNKNOWN, OBFUSCATED, M::ObfuscatedFramingField],
            ),
            (
                "200",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "GET",
                Chunked,
                &[BOTH],
            ),
            (
                "200",
                "Transfer-Encoding: identity\r\nContent-Length: 3\r\n",
                "GET",
                Length(3),
                &[],
            ),
            (
                "200",
                "Content-Length: 3, 3\r\n",
                "GET",
                Length(3),
                &[M::RepeatedContentLength],
            ),
            (
                "200",
                "Content-Length: 03\r\n",
                "GET",
                Length(3),
                &[M::PaddedContentLength],
            ),
            (
                "200",
                "Content-Length: 3\r\nContent-Length: 4\r\n",
                "GET",
                Length(3),
                &[M::ConflictingContentLength],
            ),
            (
                "200",
                "Content-Length: -1\r\n",
                "GET",
                Close,
                &[M::InvalidContentLength],
            ),
            (
                "200",
                "Content-Length: 18446744073709551616\r\n",
                "GET",
                Close,
                &[M::ContentLengthOverflow],
            ),
            (
                "200",
                "Content-Length: 9223372036854775807\r\n",
                "GET",
                Length(i64::MAX as u64),
                &[],
            ),
        ];
        for (status, lines, method, framing, anomalies) in cases {
            let wanted = (*framing, anomalies.to_vec());
            assert_eq!(
                response(status, lines, method.as_bytes()),
                wanted,
                "{status} {lines}"
            );
        }
    }

    /// What is followed, what rivals it, and whether the content decides.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn requests() {
        use Framing::{Chunked, Length, None};
        use MessageAnomaly as M;
        const OBFUSCATED: M = M::ObfuscatedTransferEncoding;
        const FIELD: M = M::ObfuscatedFramingField;
        type Case = (&'static str, Framing, Option<Framing>, &'static [M]);
        let some = Some;
        let cases: &[Case] = &[
            ("", None, Option::None, &[]),
            ("Content-Length: 0\r\n", None, Option::None, &[]),
            ("Content-Length: 7\r\n", Length(7), Option::None, &[]),
            ("Transfer-Encoding: chunked\r\n", Chunked, Option::None, &[]),
            (
                "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
                Chunked,
                some(Length(7)),
                &[M::ContentLengthWithTransferEncoding],
            ),
            (
                "Content-Length: 7\r\nTransfer-Encoding: identity\r\n",
                Length(7),
                Option::None,
                &[],
            ),
            (
                "Transfer-Encoding: gzip\r\n",
                None,
                Option::None,
                &[M::UnknownTransferEncoding],
            ),
            (
                "Transfer-Encoding: xchunked\r\n",
                Chunked,
                some(None),
                &[M::UnknownTransferEncoding, OBFUSCATED],
            ),
            (
                "Transfer-Encoding: \"chunked\"\r\n",
                Chunked,
                some(None),
                &[OBFUSCATED],
            ),
            (
                "Transfer-Encoding: \x0bchunked\r\n",
                Chunked,
                some(None),
                &[OBFUSCATED, FIELD],
            ),
            (
                "Transfer-Encoding:\tchunked\r\n",
                Chunked,
                Option::None,
                &[],
            ),
            (
                "Transfer-Encoding: CHUNKED, identity\r\n",
                Chunked,
                Option::None,
                &[],
            ),
            (
                "Transfer-Encoding : chunked\r\n",
                Chunked,
                some(None),
                &[OBFUSCATED, FIELD],
            ),
            (
                "Transfer-Encoding:\r\n chunked\r\n",
                Chunked,
                some(None),
                &[OBFUSCATED, FIELD],
            ),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                Chunked,
                Option::None,
                &[M::RepeatedChunked],
            ),
            ("Content-Length : 7\r\n", Length(7), some(None), &[FIELD]),
            (
                "Content-Length: +7\r\n",
                Length(7),
                some(None),
                &[M::InvalidContentLength],
            ),
            (
                "Content-Length: 7\r\nContent-Length: 0\r\n",
                Length(7),
                some(None),
                &[M::ConflictingContentLength],
            ),
            ("\0Content-Length: 7\r\n", None, Option::None, &[FIELD]),
            (
                "Content-Length: 0x7\r\n",
                None,
                Option::None,
                &[M::InvalidContentLength],
            ),
            ("Host: h\r\n", None, Option::None, &[M::AmbiguousHost]),
            (
                "Host: b\r\n",
                None,
                Option::None,
                &[M::AmbiguousHost, M::HostMismatch],
            ),
        ];
        for (lines, framing, rival, anomalies) in cases {
            let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
            let mut assembled = AssembledHead::none(Default::default());
            assembled.bytes = text.into_bytes();
            let (head, _) = parse_request(&mut assembled, &HttpSettings::default());
            let found = of_request(&head.head, b"POST", b"/", head.version);
            assert_eq!(found.framing, *framing, "{lines}");
            assert_eq!(found.rival.map(|rival| rival.1), *rival, "{lines}");
            let odd: Vec<_> = found.anomalies.iter().collect();
            assert_eq!(odd, anomalies.to_vec(), "{lines}");
        }
    }
}
