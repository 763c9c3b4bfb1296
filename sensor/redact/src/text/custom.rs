//! Classes of data that the configuration defines: by a pattern of the whole value, by the names
//! of fields, or by both.
//!
//! They come beside the built-in classes and never in their place: a value is given away as little
//! as either asks for. Patterns are matched in linear time (finite automata, no backtracking), over
//! values of bounded length only, and only where length and field fit.

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::bytes::trim;
use super::field::{NAME_BYTES_MAX, normalise};
use super::name::safe_name;
use super::whole::is_nothing;
use super::{DataClass, common_word};

/// Names that already stand for something in the place of a value.
const RESERVED: [&str; 10] = [
    "binary",
    "date",
    "hex",
    "id",
    "integer",
    "key",
    "malformed",
    "overlong",
    "token",
    "uuid",
];

/// What values of a class are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CustomValues {
    /// Personal: replaced by tokens wherever they are met.
    #[default]
    Personal,
    /// Secret: the same, and in a query they are credentials.
    Secret,
    /// Neither: known to be there, and left in paths where nothing else speaks against it.
    Plain,
}

/// A class as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomClassRule {
    /// Its name in records: lower-case letters, digits and `_`.
    pub name: String,
    /// What all of a value must match; anything when there is none.
    pub pattern: Option<String>,
    /// Names of fields, parameters and elements that its values stand under; any when there are
    /// none.
    pub fields: Vec<String>,
    /// Different values that a body must hold before the class is reported for it.
    pub distinct_values_min: u32,
    /// What its values are.
    pub values: CustomValues,
}

/// Why a class cannot be: one sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomClassError(String);

impl fmt::Display for CustomClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for CustomClassError {}

/// The classes of one configuration, ready to match. Clones share them.
#[derive(Clone, Default)]
pub struct CustomClasses(Option<Arc<Compiled>>);

/// Which classes a field's name speaks of, as a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CustomHint(u32);

impl CustomHint {
    /// Of none.
    pub(crate) const NONE: Self = Self(0);
}

#[derive(Debug)]
struct Compiled {
    classes: Vec<Class>,
    /// Classes that need no name.
    unnamed: u32,
    /// Classes whose values are replaced.
    hidden: u32,
    /// Classes by the normalised names of their fields, sorted.
    fields: Vec<(Vec<u8>, u32)>,
}

#[derive(Debug)]
struct Class {
    rule: CustomClassRule,
    placeholder: String,
    pattern: Option<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    shortest: usize,
    longest: usize,
}

impl fmt::Debug for CustomClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules()).finish()
    }
}

impl PartialEq for CustomClasses {
    fn eq(&self, other: &Self) -> bool {
        self.rules().eq(other.rules())
    }
}

impl Eq for CustomClasses {}

impl CustomClasses {
    /// Most classes: each is asked about every value that fits, and has an automaton in memory.
    pub const CLASSES_MAX: usize = 32;
    /// Bytes of a class's name; built-in ones have up to 16.
    pub const NAME_BYTES_MAX: usize = 32;
    /// Bytes of a pattern as written; identifiers need a few dozen.
    pub const PATTERN_BYTES_MAX: usize = 512;
    /// Names of fields of one class.
    pub const FIELDS_MAX: usize = 64;
    /// Different values that a class may ask for; no more are counted in one message.
    pub const DISTINCT_VALUES_MAX: u32 = 1024;
    /// Bytes of a compiled pattern: room for some hundred repeated sets of characters, none for
    /// `(.{1000}){1000}`.
    pub const COMPILED_BYTES_MAX: usize = 256 * 1024;
    /// Bytes of the states that matching one pattern keeps ready.
    pub const STATES_BYTES_MAX: usize = 256 * 1024;
    /// Bytes of the values that patterns are tried on: longer ones are texts, no data.
    pub const VALUE_BYTES_MAX: usize = 256;

    /// The classes that `rules` define.
    ///
    /// # Errors
    /// When one makes no sense; the message names it and says what to do.
    pub fn new(rules: Vec<CustomClassRule>) -> Result<Self, CustomClassError> {
        if rules.is_empty() {
            return Ok(Self::default());
        }
        if rules.len() > Self::CLASSES_MAX {
            let (count, most) = (rules.len(), Self::CLASSES_MAX);
            return Err(CustomClassError(format!(
                "there are {count} data classes; define {most} or fewer"
            )));
        }
        let mut compiled = Compiled {
            classes: Vec::new(),
            unnamed: 0,
            hidden: 0,
            fields: Vec::new(),
        };
        for (at, rule) in rules.into_iter().enumerate() {
            let named = rule.name.clone();
            compiled.add(rule).map_err(|why| {
                CustomClassError(format!("data class {} ({named:?}): {why}", at + 1))
            })?;
        }
        compiled.fields.sort_unstable();
        Ok(Self(Some(Arc::new(compiled))))
    }

    fn rules(&self) -> impl Iterator<Item = &CustomClassRule> {
        let classes = self.0.iter().flat_map(|all| &all.classes);
        classes.map(|class| &class.rule)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.classes.len())
    }

    /// The classes that a field of that name may hold.
    pub(crate) fn hint(&self, name: &[u8]) -> CustomHint {
        let Some(all) = self.0.as_deref().filter(|all| !all.fields.is_empty()) else {
            return CustomHint::default();
        };
        let mut buffer = [0; NAME_BYTES_MAX];
        let name = normalise(name, &mut buffer);
        let start = all.fields.partition_point(|(field, _)| &**field < name);
        let same = all.fields.iter().skip(start);
        let same = same.take_while(|(field, _)| &**field == name);
        CustomHint(same.fold(0, |bits, (_, bit)| bits | bit))
    }

    /// Whether any class can come of a value under that hint.
    pub(crate) fn may_be(&self, hint: CustomHint) -> bool {
        self.0
            .as_ref()
            .is_some_and(|all| (all.unnamed | hint.0) != 0)
    }

    /// The first class that the whole value is of, by its place in the configuration.
    pub(crate) fn class_of(&self, hint: CustomHint, value: &[u8]) -> Option<usize> {
        let all = self.0.as_deref()?;
        all.first(all.unnamed | hint.0, value)
    }

    /// The same, of classes whose values are replaced.
    pub(crate) fn hidden_class_of(&self, hint: CustomHint, value: &[u8]) -> Option<usize> {
        let all = self.0.as_deref()?;
        all.first((all.unnamed | hint.0) & all.hidden, value)
    }

    /// The same of a segment of a path behind one that is named so: what only the name makes one
    /// must look like an identifier, as paths go on in words there (`/badge/new`).
    pub(crate) fn hidden_class_of_segment(&self, before: &[u8], value: &[u8]) -> Option<usize> {
        let found = self.hidden_class_of(self.hint(before), value)?;
        let patterned = self.class(found)?.pattern.is_some();
        (patterned || value.iter().any(u8::is_ascii_digit)).then_some(found)
    }

    /// Name of the class at that place.
    pub(crate) fn name(&self, at: usize) -> &str {
        self.class(at).map_or("", |class| &class.rule.name)
    }

    /// What stands for a value of the class at that place inside a text.
    pub(crate) fn placeholder(&self, at: usize) -> &str {
        self.class(at).map_or("{}", |class| &class.placeholder)
    }

    /// Whether values of the class at that place are secrets.
    pub(crate) fn is_secret(&self, at: usize) -> bool {
        self.class(at)
            .is_some_and(|class| class.rule.values == CustomValues::Secret)
    }

    /// Whether a class of that name is among them.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.rules().any(|rule| rule.name == name)
    }

    /// Different values that the class at that place asks for in one body.
    pub(crate) fn distinct_values_min(&self, at: usize) -> usize {
        self.class(at)
            .map_or(1, |class| class.rule.distinct_values_min as usize)
    }

    /// `name` as it may stand in a record: values in the place of names do not.
    pub(crate) fn safe_name<'a>(&'a self, name: &'a [u8], bytes_max: usize) -> Cow<'a, str> {
        match self.hidden_class_of(CustomHint::default(), name) {
            Some(class) => Cow::Borrowed(self.placeholder(class)),
            None => safe_name(name, bytes_max),
        }
    }

    fn class(&self, at: usize) -> Option<&Class> {
        self.0.as_ref()?.classes.get(at)
    }
}

impl Compiled {
    fn first(&self, among: u32, value: &[u8]) -> Option<usize> {
        if among == 0 {
            return None;
        }
        let value = trim(value);
        if value.is_empty() {
            return None;
        }
        let mut left = among;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            let fits = match self.classes.get(at)?.pattern.as_ref() {
                Some(pattern) => pattern.matches(value),
                None => !is_nothing(value) && common_word(value).is_none(),
            };
            if fits {
                return Some(at);
            }
        }
        None
    }

    /// Takes in one class; else what is wrong with it.
    fn add(&mut self, rule: CustomClassRule) -> Result<(), String> {
        check_name(&rule.name)?;
        if self
            .classes
            .iter()
            .any(|known| known.rule.name == rule.name)
        {
            return Err("an entry before it has this name; use another or join the two".to_owned());
        }
        if rule.pattern.is_none() && rule.fields.is_empty() {
            return Err("it has neither pattern nor fields; give at least one".to_owned());
        }
        if rule.fields.len() > CustomClasses::FIELDS_MAX {
            let most = CustomClasses::FIELDS_MAX;
            return Err(format!(
                "it has {} fields; give {most} or fewer",
                rule.fields.len()
            ));
        }
        if !(1..=CustomClasses::DISTINCT_VALUES_MAX).contains(&rule.distinct_values_min) {
            let most = CustomClasses::DISTINCT_VALUES_MAX;
            return Err(format!(
                "distinct_values_min is {}; use 1 to {most}",
                rule.distinct_values_min
            ));
        }
        let pattern = rule.pattern.as_deref().map(Pattern::new).transpose()?;
        let bit = 1 << self.classes.len();
        for field in &rule.fields {
            let mut buffer = [0; NAME_BYTES_MAX];
            let normal = normalise(field.as_bytes(), &mut buffer);
            if normal.is_empty() {
                return Err(format!(
                    "field {field:?} must have 1 to {NAME_BYTES_MAX} letters (a to z) and digits"
                ));
            }
            self.fields.push((normal.to_vec(), bit));
        }
        if rule.fields.is_empty() {
            self.unnamed |= bit;
        }
        if rule.values != CustomValues::Plain {
            self.hidden |= bit;
        }
        self.classes.push(Class {
            placeholder: format!("{{{}}}", rule.name),
            rule,
            pattern,
        });
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let most = CustomClasses::NAME_BYTES_MAX;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=most).contains(&name.len())
        || !name.bytes().all(plain)
        || !name.starts_with(|first: char| first.is_ascii_lowercase())
    {
        return Err(format!(
            "a name has 1 to {most} lower-case letters, digits and _, a letter first"
        ));
    }
    let built_in = DataClass::ALL.iter().any(|class| class.as_str() == name);
    if built_in || RESERVED.contains(&name) {
        return Err("this name is built in; use another, such as one with a prefix".to_owned());
    }
    Ok(())
}

impl Pattern {
    fn new(written: &str) -> Result<Self, String> {
        let most = CustomClasses::PATTERN_BYTES_MAX;
        if written.is_empty() || written.len() > most {
            return Err(format!("its pattern must have 1 to {most} bytes"));
        }
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .unicode(false)
                .size_limit(CustomClasses::COMPILED_BYTES_MAX)
                .dfa_size_limit(CustomClasses::STATES_BYTES_MAX)
                .build()
        };
        // On its own first: `a)|(b` would be valid between the parentheses of the anchored one.
        let regex = build(written)
            .and_then(|_| build(&format!(r"\A(?:{written})\z")))
            .map_err(|error| bad_pattern(&error))?;
        let (shortest, longest) = lengths(written);
        let Some(shortest) = shortest else {
            return Err("its pattern can match nothing; write one that can".to_owned());
        };
        if shortest == 0 {
            return Err("its pattern matches the empty text; ask for one character".to_owned());
        }
        if shortest > CustomClasses::VALUE_BYTES_MAX {
            let most = CustomClasses::VALUE_BYTES_MAX;
            return Err(format!(
                "its pattern needs {shortest} bytes; {most} are looked at"
            ));
        }
        let longest = longest.unwrap_or(usize::MAX);
        Ok(Self {
            regex,
            shortest,
            longest: longest.min(CustomClasses::VALUE_BYTES_MAX),
        })
    }

    fn matches(&self, value: &[u8]) -> bool {
        (self.shortest..=self.longest).contains(&value.len()) && self.regex.is_match(value)
    }
}

/// What is wrong with a pattern, in one line: the engine draws the place over several.
fn bad_pattern(error: &regex::Error) -> String {
    if matches!(error, regex::Error::CompiledTooBig(_)) {
        return "its pattern is too large when compiled; use fewer or smaller repetitions"
            .to_owned();
    }
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let why = last.strip_prefix("error: ").unwrap_or(last);
    format!("its pattern is not valid: {why}; look-around and back-references do not exist here")
}

/// Bytes of the shortest and longest text that a pattern matches; no shortest where none does.
fn lengths(written: &str) -> (Option<usize>, Option<usize>) {
    let parsed = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build()
        .parse(written);
    parsed.map_or((Some(1), None), |parsed| {
        let properties = parsed.properties();
        (properties.minimum_len(), properties.maximum_len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, pattern: &str, fields: &[&str]) -> CustomClassRule {
        CustomClassRule {
            name: name.to_owned(),
            pattern: Some(pattern.to_owned()).filter(|pattern| !pattern.is_empty()),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            distinct_values_min: 1,
            values: CustomValues::Personal,
        }
    }

    #[test]
    fn patterns_are_of_whole_values_and_fields_are_their_context() {
        let classes = CustomClasses::new(vec![
            rule("employee_no", r"E-\d{5}|X-\d{5}", &[]),
            rule("badge", r"\d{6}", &["badge_number", "badge"]),
            rule("case_file", "", &["case_file"]),
        ])
        .unwrap();
        for (name, value, expected) in [
            ("", "E-12345", Some("employee_no")),
            ("any", " X-12345 ", Some("employee_no")),
            ("any", "E-123456", None),
            ("any", "see E-12345", None),
            ("any", "X-12345\n1", None),
            ("badgeNumber", "123456", Some("badge")),
            ("user[badge]", "123456", Some("badge")),
            ("badge", "12345", None),
            ("order", "123456", None),
            ("case-file", "anything at all", Some("case_file")),
            ("case-file", "n/a", None),
            ("case-file", "active", None),
            ("case_file", "", None),
            ("case_file", "E-12345", Some("employee_no")),
        ] {
            let hint = classes.hint(name.as_bytes());
            let found = classes.class_of(hint, value.as_bytes());
            assert_eq!(found.map(|at| classes.name(at)), expected, "{name}={value}");
        }
        let long = format!("E-{}", "1".repeat(5000));
        assert_eq!(
            classes.class_of(CustomHint::default(), long.as_bytes()),
            None
        );
    }

    #[test]
    fn what_cannot_be_is_named_with_what_to_do() {
        let many: Vec<CustomClassRule> = (0..33)
            .map(|n| rule(&format!("class_{n}"), "a", &[]))
            .collect();
        let often = CustomClassRule {
            distinct_values_min: 0,
            ..rule("often", "a", &[])
        };
        for (rules, expected) in [
            (many, "there are 33 data classes; define 32 or fewer"),
            (vec![rule("email", "a", &[])], "built in; use another"),
            (vec![rule("uuid", "a", &[])], "built in; use another"),
            (vec![rule("", "a", &[])], "a name has 1 to 32"),
            (vec![rule("Staff No", "a", &[])], "a name has 1 to 32"),
            (
                vec![rule("twice", "a", &[]), rule("twice", "b", &[])],
                "data class 2 (\"twice\"): an entry before it has this name",
            ),
            (vec![rule("none", "", &[])], "neither pattern nor fields"),
            (vec![rule("open", "a(b", &[])], "unclosed group"),
            (vec![rule("cheat", "a)|(b", &[])], "not valid"),
            (vec![rule("back", r"(a)\1", &[])], "back-references"),
            (vec![rule("empty", "a*", &[])], "matches the empty text"),
            (vec![rule("never", r"[^\x00-\xff]", &[])], "match nothing"),
            (vec![rule("huge", r"(a{500}b{500}){500}", &[])], "too large"),
            (vec![rule("far", "a{300}", &[])], "needs 300 bytes"),
            (vec![rule("field", "", &["--"])], "field \"--\" must have"),
            (vec![rule("long", &"a".repeat(600), &[])], "1 to 512 bytes"),
            (vec![often], "distinct_values_min is 0; use 1 to 1024"),
        ] {
            let error = CustomClasses::new(rules).unwrap_err().to_string();
            assert!(
                error.contains(expected) && !error.contains('\n'),
                "{expected}: {error}"
            );
        }
    }
}
