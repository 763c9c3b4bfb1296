//! Classes of data of the user's own: `[[data_classes]]` in the configuration file.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;
use tapscope_redact::{CustomClassRule, CustomClasses, CustomValues};

/// Tags of one class: rules and lists that speak of it.
const TAGS_MAX: usize = 8;

/// Bytes of one tag: it stands in tables.
const TAG_BYTES_MAX: usize = 32;

/// The entries as written.
pub(super) type WrittenDataClasses = Vec<WrittenDataClass>;

/// One entry as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenDataClass {
    name: String,
    pattern: Option<String>,
    fields: Vec<String>,
    distinct_values_min: Option<u32>,
    tags: Vec<String>,
    values: WrittenValues,
}

/// What the values of a class are, as written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenValues {
    #[default]
    Personal,
    Secret,
    Plain,
}

/// The classes for the sensor, and their tags for the inventory.
pub(super) fn meant(
    written: WrittenDataClasses,
) -> Result<(CustomClasses, BTreeMap<String, Vec<String>>)> {
    let mut tags = BTreeMap::new();
    let mut rules = Vec::new();
    for (at, entry) in written.into_iter().enumerate() {
        check_tags(at + 1, &entry)?;
        tags.insert(entry.name.clone(), entry.tags);
        rules.push(CustomClassRule {
            name: entry.name,
            pattern: entry.pattern,
            fields: entry.fields,
            distinct_values_min: entry.distinct_values_min.unwrap_or(1),
            values: match entry.values {
                WrittenValues::Personal => CustomValues::Personal,
                WrittenValues::Secret => CustomValues::Secret,
                WrittenValues::Plain => CustomValues::Plain,
            },
        });
    }
    match CustomClasses::new(rules) {
        Ok(classes) => Ok((classes, tags)),
        Err(error) => bail!("[[data_classes]]: {error}"),
    }
}

fn check_tags(at: usize, entry: &WrittenDataClass) -> Result<()> {
    let (name, count) = (&entry.name, entry.tags.len());
    if count > TAGS_MAX {
        bail!(
            "[[data_classes]]: data class {at} ({name:?}): it has {count} tags; \
             give {TAGS_MAX} or fewer"
        );
    }
    let wrong = entry.tags.iter().find(|tag| {
        !(1..=TAG_BYTES_MAX).contains(&tag.len())
            || tag.trim() != tag.as_str()
            || tag.chars().any(char::is_control)
    });
    if let Some(tag) = wrong {
        bail!(
            "[[data_classes]]: data class {at} ({name:?}): the tag {tag:?} must be 1 to \
             {TAG_BYTES_MAX} bytes in one line without blanks around it"
        );
    }
    Ok(())
}
