//! Which version of an API a path is of, and which endpoints are the same in another version.
//!
//! A segment says a version when it is `v` and a number (`v2`, `v1.1`, `v2beta1`), or a date
//! (`2024-01-31`). Two templates are versions of one endpoint when they are alike but for it.

use std::cmp::Ordering;

/// A version, as a path writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The segment.
    pub text: String,
    order: Order,
}

/// Dates are newer than numbers: APIs go from numbers to dates, hardly ever back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    dated: bool,
    numbers: [u32; 3],
    /// A release is newer than its previews.
    stage: u8,
    preview: u32,
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.order, &self.text).cmp(&(&other.order, &other.text))
    }
}

impl Version {
    /// The version that a segment says.
    #[must_use]
    pub fn of_segment(segment: &str) -> Option<Self> {
        let order = dated(segment).or_else(|| numbered(segment))?;
        Some(Self {
            text: segment.to_owned(),
            order,
        })
    }

    /// A template's version, and the template without it and without the names of parameters: the
    /// same for all versions of an endpoint.
    #[must_use]
    pub fn of_template(template: &str) -> Option<(Self, String)> {
        let mut version = None;
        let mut family = String::with_capacity(template.len());
        for segment in template.split('/').skip(1) {
            family.push('/');
            if version.is_none() {
                version = Self::of_segment(segment);
                if version.is_some() {
                    family.push_str("{version}");
                    continue;
                }
            }
            match segment.contains('{') {
                true => family.push_str("{}"),
                false => family.push_str(segment),
            }
        }
        Some((version?, family))
    }
}

/// `v2`, `v1.1`, `v2beta1`.
fn numbered(segment: &str) -> Option<Order> {
    let rest = segment
        .strip_prefix('v')
        .or_else(|| segment.strip_prefix('V'))?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at_checked(end)?;
    let mut numbers = [0; 3];
    let mut parts = digits.split('.');
    for number in &mut numbers {
        match parts.next() {
            Some(part) => *number = part.parse().ok()?,
            None => break,
        }
    }
    if parts.next().is_some() {
        return None;
    }
    let (stage, preview) = match suffix {
        "" => (u8::MAX, 0),
        _ => preview(suffix)?,
    };
    Some(Order {
        dated: false,
        numbers,
        stage,
        preview,
    })
}

/// `alpha`, `beta1`, `rc2`.
fn preview(suffix: &str) -> Option<(u8, u32)> {
    const STAGES: [(&str, u8); 4] = [("alpha", 0), ("beta", 1), ("preview", 1), ("rc", 2)];
    STAGES.iter().find_map(|(name, stage)| {
        let number = suffix.strip_prefix(name)?;
        let number = match number {
            "" => 0,
            digits => digits.parse().ok()?,
        };
        Some((*stage, number))
    })
}

/// `2024-01-31`, with or without a suffix of a preview.
fn dated(segment: &str) -> Option<Order> {
    let date = segment.get(..10)?;
    let suffix = segment.get(10..)?;
    let mut parts = date.split('-');
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip([4, 2, 2]) {
        let part = parts.next().filter(|part| part.len() == width)?;
        *number = part.parse().ok()?;
    }
    let [year, month, day] = numbers;
    let is_date = (1_990..2_100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && parts.next().is_none();
    let stage = match suffix {
        "" => u8::MAX,
        "-preview" | "-beta" => 1,
        _ => return None,
    };
    is_date.then_some(Order {
        dated: true,
        numbers,
        stage,
        preview: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_in_which_they_came() {
        let in_order = [
            "v1alpha1",
            "v1beta1",
            "v1beta2",
            "v1",
            "v1.1",
            "v2",
            "v10",
            "2023-11-01-preview",
            "2023-11-01",
            "2024-01-31",
        ];
        let versions: Vec<Version> = in_order
            .iter()
            .map(|text| Version::of_segment(text).unwrap())
            .collect();
        assert!(versions.is_sorted());
    }

    #[test]
    fn other_segments_say_no_version() {
        for text in [
            "v",
            "vip",
            "v1x",
            "video2",
            "1",
            "{id}",
            "v1.2.3.4",
            "2024-13-01",
            "v.",
            "",
        ] {
            assert_eq!(Version::of_segment(text), None, "{text}");
        }
    }

    #[test]
    fn versions_of_an_endpoint_are_alike_but_for_it() {
        let family = |template| Version::of_template(template).map(|(_, family)| family);
        assert_eq!(family("/v1/orders/{id}"), family("/v2/orders/{number}"));
        assert_eq!(family("/api/v1/v2/x").unwrap(), "/api/{version}/v2/x");
        assert_ne!(family("/v1/orders"), family("/v2/orders/{id}"));
        assert_eq!(family("/orders"), None);
    }
}
