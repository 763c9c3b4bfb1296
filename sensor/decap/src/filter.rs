//! Which segments are wanted, told by what stands inside the tunnels.
//!
//! A kernel's filter sees the outermost headers only; this one sees the innermost addresses and
//! ports and the peeled stack. A filter is a list of rules; their order does not matter: what an
//! `exclude` names is left out, and when there is an `include`, only what one of them names is
//! kept.
//!
//! One rule is one line of words: an action, then conditions that must all hold.
//!
//! ```text
//! exclude net 10.0.0.0/8 port 8080
//! include vlan 12,20-29
//! exclude net 2001:db8::/32,192.0.2.7
//! include vni 5001
//! ```
//!
//! - `net`: addresses or CIDR blocks of which one end is in one,
//! - `port`: TCP ports or ranges of which one end has one; with `net` it is the same end, so that
//!   `net 192.0.2.7 port 443` names a server,
//! - `vlan`: a VLAN identifier anywhere in the peeled stack,
//! - `vni`: a virtual network (VXLAN, GENEVE, 802.1ah) anywhere in the peeled stack.
//!
//! Values of one condition are separated by commas without spaces. Rules see both directions of a
//! connection alike, as long as both carry the tag or network that a rule asks for.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::ops::RangeInclusive;
use core::str::FromStr;

use crate::{Encapsulation, Layer, Segment};

/// Rules a filter may have: each is looked at for every segment, and each has a counter.
const RULES_MAX: usize = 256;

/// Values of one condition, for the same reason.
const VALUES_MAX: usize = 256;

/// Why a filter could not be read: one line for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(String);

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for FilterError {}

/// What a rule does with the segments it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Include,
    Exclude,
}

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Net {
    V4 { base: u32, mask: u32 },
    V6 { base: u128, mask: u128 },
}

impl Net {
    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { base, mask }, IpAddr::V4(address)) => u32::from(address) & mask == base,
            (Self::V6 { base, mask }, IpAddr::V6(address)) => u128::from(address) & mask == base,
            _ => false,
        }
    }
}

impl FromStr for Net {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let wrong = || FilterError(format!("'{text}' is no address and no CIDR block"));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse::<u32>().map_err(|_| wrong())?,
            None => bits,
        };
        if prefix > bits {
            return Err(wrong());
        }
        // A shift by the full width is what a prefix of 0 would need, and is not defined.
        Ok(match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(bits - prefix).unwrap_or(0);
                let base = u32::from(address) & mask;
                Self::V4 { base, mask }
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(bits - prefix).unwrap_or(0);
                let base = u128::from(address) & mask;
                Self::V6 { base, mask }
            }
        })
    }
}

/// One line of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRule {
    text: String,
    action: Action,
    nets: Vec<Net>,
    ports: Vec<RangeInclusive<u32>>,
    vlans: Vec<RangeInclusive<u32>>,
    vnis: Vec<RangeInclusive<u32>>,
}

impl FromStr for FilterRule {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut words = text.split_whitespace();
        let action = match words.next() {
            Some("include") => Action::Include,
            Some("exclude") => Action::Exclude,
            word => {
                let word = word.unwrap_or("");
                return Err(FilterError(format!(
                    "'{word}' is no action; a rule starts with include or exclude"
                )));
            }
        };
        let mut rule = Self {
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            action,
            nets: Vec::new(),
            ports: Vec::new(),
            vlans: Vec::new(),
            vnis: Vec::new(),
        };
        let mut conditions = 0;
        while let Some(name) = words.next() {
            let values = words
                .next()
                .ok_or_else(|| FilterError(format!("'{name}' has no value after it")))?;
            rule.condition(name, values)?;
            conditions += 1;
        }
        if conditions == 0 {
            return Err(FilterError(format!(
                "'{}' has no condition; use net, port, vlan or vni",
                rule.text
            )));
        }
        Ok(rule)
    }
}

impl FilterRule {
    /// Reads one condition into the rule; the same condition twice would be ambiguous.
    fn condition(&mut self, name: &str, values: &str) -> Result<(), FilterError> {
        let numbers = match name {
            "net" if self.nets.is_empty() => {
                let nets: Result<_, _> = pieces(values)?.map(str::parse).collect();
                self.nets = nets?;
                return Ok(());
            }
            "port" => (&mut self.ports, 65_535),
            "vlan" => (&mut self.vlans, 4_095),
            "vni" => (&mut self.vnis, 0xff_ffff),
            "net" => return Err(twice(name)),
            _ => {
                return Err(FilterError(format!(
                    "'{name}' is no condition; use net, port, vlan or vni"
                )));
            }
        };
        let (ranges, max) = numbers;
        if !ranges.is_empty() {
            return Err(twice(name));
        }
        let read: Result<_, _> = pieces(values)?
            .map(|piece| range(name, piece, max))
            .collect();
        *ranges = read?;
        Ok(())
    }

    fn names(&self, segment: &Segment<'_>) -> bool {
        let tagged = in_stack(&self.vlans, &segment.encapsulation, |layer| match layer {
            Layer::Vlan(identifier) => Some(u32::from(identifier)),
            _ => None,
        });
        (self.end(segment.source) || self.end(segment.destination))
            && tagged
            && in_stack(&self.vnis, &segment.encapsulation, Layer::vni)
    }

    /// Whether the conditions on addresses and ports hold for one end.
    fn end(&self, end: SocketAddr) -> bool {
        let port = u32::from(end.port());
        (self.ports.is_empty() || self.ports.iter().any(|range| range.contains(&port)))
            && (self.nets.is_empty() || self.nets.iter().any(|net| net.contains(end.ip())))
    }
}

impl fmt::Display for FilterRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn twice(name: &str) -> FilterError {
    FilterError(format!(
        "'{name}' stands twice in one rule; separate its values by commas"
    ))
}

fn pieces(values: &str) -> Result<impl Iterator<Item = &str>, FilterError> {
    if values.split(',').count() > VALUES_MAX {
        return Err(FilterError(format!(
            "more than {VALUES_MAX} values in one condition"
        )));
    }
    Ok(values.split(','))
}

/// A number or a range of numbers up to `max`.
fn range(name: &str, text: &str, max: u32) -> Result<RangeInclusive<u32>, FilterError> {
    let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= max);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(FilterError(format!(
            "'{text}' is no {name}; use a number up to {max} or a range such as 1-9"
        ))),
    }
}

/// Whether a layer of the stack has a number in one of the ranges; no range asks for none.
fn in_stack(
    ranges: &[RangeInclusive<u32>],
    stack: &Encapsulation,
    number: impl Fn(Layer) -> Option<u32>,
) -> bool {
    let named = |layer: &Layer| {
        number(*layer).is_some_and(|number| ranges.iter().any(|range| range.contains(&number)))
    };
    ranges.is_empty() || stack.0.iter().any(named)
}

/// Rules that say which segments are wanted. The default wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    rules: Vec<FilterRule>,
    includes: bool,
}

/// Why a segment was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filtered {
    /// By the `exclude` of this place in the list.
    By(usize),
    /// No `include` named it.
    NotIncluded,
}

impl Filter {
    /// A filter of the given rules.
    ///
    /// # Errors
    ///
    /// When there are more rules than can be looked at for every segment.
    pub fn new(rules: Vec<FilterRule>) -> Result<Self, FilterError> {
        if rules.len() > RULES_MAX {
            return Err(FilterError(format!(
                "{} rules; at most {RULES_MAX}",
                rules.len()
            )));
        }
        let includes = rules.iter().any(|rule| rule.action == Action::Include);
        Ok(Self { rules, includes })
    }

    /// The rules in the order in which they were given.
    #[must_use]
    pub fn rules(&self) -> &[FilterRule] {
        &self.rules
    }

    /// Whether everything is wanted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a segment is wanted.
    #[must_use]
    pub fn wants(&self, segment: &Segment<'_>) -> bool {
        self.verdict(segment).is_none()
    }

    /// Why a segment is not wanted; none when it is.
    pub(crate) fn verdict(&self, segment: &Segment<'_>) -> Option<Filtered> {
        let mut wanted = !self.includes;
        for (at, rule) in self.rules.iter().enumerate() {
            match rule.action {
                Action::Include if wanted => {}
                Action::Include => wanted = rule.names(segment),
                Action::Exclude if rule.names(segment) => return Some(Filtered::By(at)),
                Action::Exclude => {}
            }
        }
        (!wanted).then_some(Filtered::NotIncluded)
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Reads one rule a line; empty lines and what follows a `#` are passed over.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let rule = line
                .parse()
                .map_err(|error| FilterError(format!("line {}: {error}", index + 1)))?;
            rules.push(rule);
        }
        Self::new(rules)
    }
}
