//! The path: segments kept as text, but for what is personal or secret.

use tapscope_record::{Credential, PathSegment, Token, Word, matrix_at};

use super::query::{Place, parameter};
use crate::redactor::Work;
use crate::text::{
    DataClass, FieldHint, Mask, class_of, field_hint, first_class, in_base64, looks_secret,
    mask_until,
};
use crate::token::TokenUse;
use crate::{credential, percent};

/// The segments of `path`, and whether it ended in `/` without being `/`.
pub(crate) fn segments(work: &mut Work<'_>, path: &[u8]) -> (Vec<PathSegment>, bool) {
    let slashes = path.iter().filter(|byte| **byte == b'/').count();
    let most = work.settings.path_segments_max;
    let mut segments = Vec::with_capacity(slashes.min(most));
    let mut bytes = 0;
    let mut before: &[u8] = b"";
    let mut rest = path;
    // Looked at as a whole, text is found to be text much sooner than segment by segment.
    let text = core::str::from_utf8(path).ok();
    while !rest.is_empty() {
        let (end, mask) = mask_until(rest, b'/');
        let (raw, after) = rest.split_at_checked(end).unwrap_or_default();
        let over = segments.len() + 1 >= work.settings.path_segments_max
            || bytes >= work.settings.path_bytes_max;
        if over && after.len() > 1 {
            segments.push(overlong(work, rest));
            work.counters.segments_over_cap += 1;
            break;
        }
        if !raw.is_empty() {
            let start = path.len() - rest.len();
            let text = text.and_then(|text| text.get(start..start + raw.len()));
            let segment = segment(work, (raw, text), mask, before);
            if mask.has(Mask::PUNCTUATION) && matches!(segment, PathSegment::Literal(_)) {
                matrix_parameters(work, raw);
            }
            bytes += match &segment {
                PathSegment::Literal(text) => text.len(),
                PathSegment::Redacted { .. } => 32,
            };
            segments.push(segment);
            before = raw;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    let trailing_slash = path.ends_with(b"/") && !segments.is_empty();
    (segments, trailing_slash)
}

fn overlong(work: &Work<'_>, raw: &[u8]) -> PathSegment {
    PathSegment::Redacted {
        class: "overlong".into(),
        token: work.tokens.token(TokenUse::Value, raw),
    }
}

fn redacted(work: &mut Work<'_>, class: Word, token: Token) -> PathSegment {
    work.counters.values_redacted += 1;
    PathSegment::Redacted { class, token }
}

fn segment(
    work: &mut Work<'_>,
    (raw, text): (&[u8], Option<&str>),
    mask: Mask,
    before: &[u8],
) -> PathSegment {
    if let Some(segment) = custom(work, raw, before) {
        return segment;
    }
    // Short words and numbers are by far the most common and can be nothing else.
    if raw.len() < 9
        && mask.only(Mask::DIGIT | Mask::HEX | Mask::LOWER | Mask::UPPER | Mask::DASH | Mask::TOKEN)
        // What a segment tells of the next are numbers, and secrets that are longer.
        && !(mask.has(Mask::DIGIT) && telling(work, before))
        && let Some(text) = text.or_else(|| core::str::from_utf8(raw).ok())
    {
        return PathSegment::Literal(Word::of(text));
    }
    if mask.has(Mask::PUNCTUATION)
        && let Some(at) = memchr::memchr(b';', raw)
        && at > 0
        && let Some(segment) = with_matrix_parameters(work, raw, at)
    {
        return segment;
    }
    let mut scratch = core::mem::take(work.scratch);
    let decoded = percent::decode_fully(raw, false, &mut scratch);
    // Addresses of machines are what operators' paths are made of.
    let is_hidden = |class: &DataClass| *class != DataClass::IpAddress;
    let class = class_of(hint_of(work, before, decoded), decoded)
        .or_else(|| first_class(decoded))
        .filter(is_hidden);
    let token = match class {
        Some(class) => Some((class, work.tokens.token(TokenUse::Value, decoded))),
        // Longer ones are not kept.
        None => in_base64(decoded, work.settings.segment_bytes_max).and_then(|said| {
            let class = class_of(None, &said).or_else(|| first_class(&said));
            // The token is that of the datum, however it is written.
            let class = class.filter(is_hidden)?;
            Some((class, work.tokens.token(TokenUse::Value, &said)))
        }),
    };
    *work.scratch = scratch;
    match token {
        Some((class, token)) => redacted(work, class.as_str().into(), token),
        None => literal(work, (raw, text), mask),
    }
}

/// A segment that is of a class the configuration defines, where its values are replaced.
fn custom(work: &mut Work<'_>, raw: &[u8], before: &[u8]) -> Option<PathSegment> {
    let settings = work.settings;
    let classes = &settings.custom_classes;
    if classes.count() == 0 {
        return None;
    }
    let mut scratch = core::mem::take(work.scratch);
    let text = percent::decode_fully(raw, false, &mut scratch);
    // What stands before matrix parameters is a value of its own.
    let base = text.split(|&byte| byte == b';').next().unwrap_or_default();
    let found = classes
        .hidden_class_of_segment(before, text)
        .or_else(|| classes.hidden_class_of_segment(before, base))
        .map(|class| (class, work.tokens.token(TokenUse::Value, text)));
    let token = found.or_else(|| {
        let said = in_base64(text, settings.segment_bytes_max)?;
        let class = classes.hidden_class_of_segment(before, &said)?;
        Some((class, work.tokens.token(TokenUse::Value, &said)))
    });
    *work.scratch = scratch;
    let (class, token) = token?;
    Some(redacted(work, classes.name(class).to_owned().into(), token))
}

fn literal(work: &mut Work<'_>, (raw, text): (&[u8], Option<&str>), mask: Mask) -> PathSegment {
    if raw.len() <= work.settings.segment_bytes_max {
        // Without escapes and what has to be escaped, it is normal as it is.
        let is_normal = !mask.has(Mask::PUNCTUATION | Mask::SPACE | Mask::ODD);
        if let Some(text) = text.filter(|_| is_normal) {
            return PathSegment::Literal(Word::of(text));
        }
        let text = percent::normalise(raw);
        if text.len() <= work.settings.segment_bytes_max {
            return PathSegment::Literal(text.into());
        }
    }
    work.counters.segments_overlong += 1;
    overlong(work, raw)
}

/// Whether the segment before tells what this one is.
fn telling(work: &mut Work<'_>, before: &[u8]) -> bool {
    let hint = (!before.is_empty()).then(|| work.names.hint(before));
    hint.flatten().is_some_and(FieldHint::promises)
}

/// The hint that the segment before gives: `/phone/4155550123`, `/reset-password/TOKEN`. A word
/// behind a telling one is a path (`/password/reset`), so secrets have to look like one.
fn hint_of(work: &mut Work<'_>, before: &[u8], text: &[u8]) -> Option<FieldHint> {
    match work.names.hint(before)? {
        hint @ (FieldHint::Phone
        | FieldHint::Card
        | FieldHint::Ssn
        | FieldHint::NationalId(_)
        | FieldHint::AnyNationalId) => Some(hint),
        FieldHint::Password | FieldHint::Secret | FieldHint::MaybeSecret => {
            let random = text.len() >= 16
                && looks_secret(text)
                && text.iter().any(u8::is_ascii_digit)
                && !crate::text::is_uuid(text);
            random.then_some(FieldHint::MaybeSecret)
        }
        _ => None,
    }
}

/// Notes the matrix parameters of a segment (`cars;color=red;year=2012`).
fn matrix_parameters(work: &mut Work<'_>, raw: &[u8]) {
    let Some(at) = matrix_at(raw) else {
        return;
    };
    let parts = raw.split(|&byte| byte == b';').skip(1);
    // What stands for the segment itself (OpenAPI's style `matrix`: `/;id=17`) is its value.
    if at == 0 && parts.clone().nth(1).is_none() {
        return;
    }
    for part in parts {
        if work.matrix.len() >= work.settings.parameters_max {
            work.counters.parameters_over_cap += 1;
            continue;
        }
        let equals = memchr::memchr(b'=', part).unwrap_or(part.len());
        let (name, value) = part.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        let parameter = parameter(work, Place::Matrix, name, value);
        work.matrix.push(parameter);
    }
}

/// Writes the name of a matrix parameter, or what stands for it where it is personal or secret
/// itself: whether it is.
fn push_name(work: &Work<'_>, raw: &[u8], text: &mut String) -> bool {
    let mut scratch = Vec::new();
    let name = percent::decode_fully(raw, false, &mut scratch);
    let safe = work.name(name);
    let hidden = safe.as_bytes() != name;
    if hidden {
        text.push_str(&safe);
    } else {
        text.push_str(&percent::normalise(raw));
    }
    hidden
}

/// A segment with matrix parameters (`;jsessionid=…`, RFC 3986 section 3.3): the values that are
/// credentials or personal give way to their class. None when there is nothing to hide.
fn with_matrix_parameters(work: &mut Work<'_>, raw: &[u8], at: usize) -> Option<PathSegment> {
    let (base, parameters) = raw.split_at_checked(at)?;
    let mut text = percent::normalise(base);
    let mut hidden = false;
    for parameter in parameters.split(|&byte| byte == b';').skip(1) {
        text.push(';');
        // What has no name is a value: of a list.
        let equals = memchr::memchr(b'=', parameter);
        let (name, mut value) = parameter.split_at(equals.unwrap_or(0));
        if equals.is_some() {
            hidden |= push_name(work, name, &mut text);
            text.push('=');
            value = value.get(1..).unwrap_or_default();
        }
        let mut scratch = core::mem::take(work.scratch);
        let value_text = percent::decode_fully(value, false, &mut scratch);
        let hint = field_hint(name);
        let class = class_of(hint, value_text).or_else(|| first_class(value_text));
        let secret = matches!(hint, Some(FieldHint::Secret | FieldHint::MaybeSecret));
        let classes = &work.settings.custom_classes;
        let custom = classes.hidden_class_of(classes.hint(name), value_text);
        if let Some(custom) = custom {
            hidden = true;
            text.push_str(classes.placeholder(custom));
        } else if let Some(class) = class {
            hidden = true;
            text.push_str(class.placeholder());
            if secret {
                let token = work.tokens.token(TokenUse::Credential, value_text);
                let name = work.name(name);
                credential::in_url(
                    work,
                    Credential {
                        scheme: "session".into(),
                        location: "path".into(),
                        name: name.into(),
                        token,
                        subject: None,
                        jwt: None,
                    },
                );
            }
        } else {
            text.push_str(&percent::normalise(value));
        }
        *work.scratch = scratch;
    }
    // What is left must still be harmless and short; else the segment is judged as a whole.
    let harmless = class_of(None, base).is_none()
        && first_class(text.as_bytes()).is_none()
        && text.len() <= work.settings.segment_bytes_max;
    (hidden && harmless).then_some(PathSegment::Literal(text.into()))
}
