//! Maps told from objects: where the names of fields are data, one field stands for all of them.

use std::collections::BTreeMap;

use crate::settings::InventorySettings;
use crate::snapshot::schema::{FieldSnapshot, MAP_KEY};

/// Fields from which on names that all look like values are taken for keys; fewer may be chance.
pub(super) const DATA_NAMES_MIN: usize = 4;

/// Share of the fields that must be alike.
const ALIKE_SHARE: f64 = 0.9;

/// Share of the bodies that may carry a usual field, for the names to be keys: fields of objects
/// are in most of them, keys of maps in few.
const PRESENCE_MAX: f64 = 0.5;

/// Whether it may be worth a look whether a place with so many fields, a new one among them, is a
/// map: the look costs all of its fields.
pub(super) fn is_due(fields: usize, settings: &InventorySettings) -> bool {
    fields == DATA_NAMES_MIN || (fields >= settings.map_fields_min && fields.is_multiple_of(8))
}

/// Whether the fields are the values of a map.
pub(super) fn is_map(field: &FieldSnapshot, settings: &InventorySettings) -> bool {
    let count = field.fields.len();
    if field.is_map() {
        // One of two merged endpoints had found out.
        return count > 1;
    }
    if count < DATA_NAMES_MIN {
        return false;
    }
    if field.fields.iter().all(|one| is_data(&one.name)) {
        return true;
    }
    if count < settings.map_fields_min {
        return false;
    }
    let seen = field.fields.iter().map(|one| one.seen).sum();
    is_sparse(field.seen, count, seen) && are_alike(&field.fields)
}

/// Whether fields that `seen` bodies had, summed over them, are in few of the bodies each.
pub(super) fn is_sparse(bodies: u64, fields: usize, seen: u64) -> bool {
    let all = bodies.saturating_mul(fields as u64);
    super::super::share(seen, all) < PRESENCE_MAX
}

/// Whether most fields have the same type and, where they are objects, mostly the same fields.
fn are_alike(fields: &[FieldSnapshot]) -> bool {
    let Some(middle) = fields.get(fields.len() / 2) else {
        return false;
    };
    let main = main_type(middle);
    let alike = fields.iter().filter(|one| {
        let common = one
            .fields
            .iter()
            .filter(|field| middle.fields.iter().any(|other| other.name == field.name));
        main_type(one) == main && common.count() * 2 >= one.fields.len()
    });
    super::super::share(alike.count() as u64, fields.len() as u64) >= ALIKE_SHARE
}

/// The type that a field mostly has.
fn main_type(field: &FieldSnapshot) -> Option<&String> {
    let most = field.types.iter().max_by_key(|(_, count)| **count);
    most.map(|(name, _)| name)
}

/// Whether a name looks like a value: a number, a date, a UUID, a run of hexadecimal digits, or
/// what the sensor replaced by its class.
pub(super) fn is_data(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b':' | b'.'));
    (name.starts_with('{') && name.ends_with('}'))
        || (digits > 0 && digits == name.len())
        || (plain && digits >= 4 && name.len() >= 8)
}

/// Makes one field of all.
pub(super) fn fold(field: &mut FieldSnapshot) {
    let mut folded = FieldSnapshot::default();
    for one in core::mem::take(&mut field.fields) {
        merge(&mut folded, one);
    }
    folded.name = MAP_KEY.to_owned();
    folded.whole = folded.whole.min(field.objects);
    field.fields.push(folded);
}

fn merge(into: &mut FieldSnapshot, from: FieldSnapshot) {
    into.seen = into.seen.saturating_add(from.seen);
    into.whole = into.whole.saturating_add(from.whole);
    into.objects = into.objects.saturating_add(from.objects);
    add(&mut into.types, from.types);
    add(&mut into.items, from.items);
    add(&mut into.classes, from.classes);
    for field in from.fields {
        match into
            .fields
            .binary_search_by(|known| known.name.cmp(&field.name))
        {
            Ok(at) => {
                if let Some(known) = into.fields.get_mut(at) {
                    merge(known, field);
                }
            }
            Err(at) => into.fields.insert(at, field),
        }
    }
}

fn add(into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>) {
    for (name, count) in from {
        let sum = into.entry(name).or_insert(0);
        *sum = sum.saturating_add(count);
    }
}
