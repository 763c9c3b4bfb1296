//! What is kept of a parameter's value: its type, length, class, token; the value itself never,
//! unless it is a word of the sensor's own list.

use tapscope_record::form::form_of;
use tapscope_record::{Bounds, ValueProfile, ValueType};

use crate::redactor::Work;
use crate::text::{
    DataClass, FieldHint, choice, class_of, field_hint, first_class, value_type_of_text,
};
use crate::token::TokenUse;

/// A value, looked at under its name.
#[derive(Clone)]
pub(crate) struct Profiled {
    /// What may be kept.
    pub(crate) value: ValueProfile,
    /// What the name says of it.
    pub(crate) hint: Option<FieldHint>,
    /// The built-in class it is of.
    pub(crate) class: Option<DataClass>,
    /// Whether it is of a class of the user's that lets somebody in.
    pub(crate) is_secret: bool,
}

/// The profile of `value`, which stands under `name`. Most values come again: what was found out of
/// one is remembered.
pub(crate) fn of(work: &mut Work<'_>, name: &[u8], value: &[u8]) -> Profiled {
    let both = [name, value].into_iter();
    let print = work.tokens.print_of(TokenUse::Value, both);
    let found = match work.profiles.get(print) {
        Some(found) => found.clone(),
        None => {
            let found = find(work, name, value);
            work.profiles.put(print, &found);
            found
        }
    };
    work.counters.values_redacted += u64::from(found.value.class.is_some());
    found
}

fn find(work: &mut Work<'_>, name: &[u8], value: &[u8]) -> Profiled {
    let known = work.names.known(name);
    let hint = known.map_or_else(|| field_hint(name), |(_, promise)| promise.hint);
    let class = class_of(hint, value).or_else(|| first_class(value));
    let classes = &work.settings.custom_classes;
    let custom = classes.class_of(classes.hint(name), value);
    let kind = value_type_of_text(value);
    let is_harmless = class.is_none() && custom.is_none();
    Profiled {
        value: ValueProfile {
            kind,
            len: characters(value),
            // What comes again is remembered as a whole.
            token: work.tokens.make(TokenUse::Value, value),
            class: custom
                .map(|custom| classes.name(custom).to_owned().into())
                .or_else(|| class.map(|class| class.as_str().into())),
            word: is_harmless.then(|| choice(value)).flatten(),
            number: (is_harmless && hint.is_none())
                .then(|| size(kind, value))
                .flatten(),
            form: (is_harmless && kind == ValueType::String)
                .then(|| form_of(core::str::from_utf8(value).ok()?))
                .flatten()
                .map(Into::into),
        },
        hint,
        class,
        is_secret: custom.is_some_and(|custom| classes.is_secret(custom)),
    }
}

/// Length in characters; in bytes where it is not text.
fn characters(value: &[u8]) -> u32 {
    let starts = value.iter().filter(|byte| **byte & 0xC0 != 0x80);
    u32::try_from(starts.count()).unwrap_or(u32::MAX)
}

/// How large a number is.
fn size(kind: ValueType, value: &[u8]) -> Option<Bounds> {
    matches!(kind, ValueType::Integer | ValueType::Number)
        .then(|| Bounds::of_text(core::str::from_utf8(value).ok()?))
        .flatten()
}
