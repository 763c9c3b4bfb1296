//! GraphQL documents (October 2021 edition, executable definitions): which operations they hold
//! and how much each asks for.
//!
//! A scanner with a counter of braces instead of a recursive parser, so that depth costs nothing.
//! A document that breaks off counts as far as it goes; one that is no GraphQL is refused.

use core::iter::Peekable;
use std::collections::{BTreeMap, BTreeSet};

/// Fragments that are followed; a document with more is measured without the rest.
const FRAGMENTS_MAX: usize = 256;

/// Nested selection sets; servers refuse far fewer.
const NESTING_MAX: usize = 4096;

/// A lexical token that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    /// `{ } ( ) [ ] : = ! $ & | @`.
    Mark(u8),
    /// `...`.
    Spread,
    /// A number or a string.
    Value,
    /// What no document has.
    Wrong,
}

/// The tokens of a text.
struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .bytes()
            .position(|byte| !accept(byte))
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Takes a string from its first quote on; one that does not end takes the rest.
    fn string(&mut self) -> Token<'a> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if let Some(block) = rest.strip_prefix(b"\"\"\"") {
            let mut from = 0;
            let end = loop {
                let Some(found) =
                    memchr::memmem::find(block.get(from..).unwrap_or_default(), b"\"\"\"")
                else {
                    break block.len();
                };
                let end = from + found;
                if end == 0 || block.get(end - 1) != Some(&b'\\') {
                    break end + 3;
                }
                from = end + 3;
            };
            self.at += 3 + end;
            return Token::Value;
        }
        let mut escaped = false;
        let end = rest.iter().skip(1).position(|&byte| {
            let ends = byte == b'"' && !escaped || byte == b'\n';
            escaped = byte == b'\\' && !escaped;
            ends
        });
        self.at += end.map_or(rest.len(), |end| end + 2);
        Token::Value
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.take_while(|byte| byte.is_ascii_whitespace() || byte == b',');
            let rest = self.text.as_bytes().get(self.at..)?;
            let token = match *rest.first()? {
                b'#' => {
                    self.take_while(|byte| byte != b'\n');
                    continue;
                }
                b'"' => self.string(),
                b'.' if rest.starts_with(b"...") => {
                    self.at += 3;
                    Token::Spread
                }
                byte if byte == b'_' || byte.is_ascii_alphabetic() => {
                    Token::Name(self.take_while(|b| b == b'_' || b.is_ascii_alphanumeric()))
                }
                byte if byte == b'-' || byte.is_ascii_digit() => {
                    self.take_while(|b| {
                        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')
                    });
                    Token::Value
                }
                byte if b"{}()[]:=!$&|@".contains(&byte) => {
                    self.at += 1;
                    Token::Mark(byte)
                }
                // A byte order mark may stand between tokens.
                0xef if rest.starts_with(b"\xef\xbb\xbf") => {
                    self.at += 3;
                    continue;
                }
                _ => {
                    self.at = self.text.len();
                    Token::Wrong
                }
            };
            return Some(token);
        }
    }
}

/// What a selection set holds, spreads not followed.
#[derive(Clone, Debug, Default)]
struct Selection<'a> {
    depth: u32,
    fields: u32,
    aliases: u32,
    introspection: bool,
    top_level: BTreeSet<&'a str>,
    /// Fragments spread, each with the deepest level it stands at, and whether at the top.
    spreads: BTreeMap<&'a str, (u32, bool)>,
}

/// One operation of a document.
#[derive(Clone, Debug)]
pub(super) struct Defined<'a> {
    /// `query`, `mutation` or `subscription`.
    pub(super) kind: &'a str,
    /// Its name; empty when it has none.
    pub(super) name: &'a str,
    selection: Selection<'a>,
}

/// A document.
#[derive(Clone, Debug, Default)]
pub(super) struct Document<'a> {
    operations: Vec<Defined<'a>>,
    fragments: BTreeMap<&'a str, Selection<'a>>,
}

/// What an operation asks for, fragments followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured<'a> {
    pub(super) depth: u32,
    pub(super) fields: u32,
    pub(super) aliases: u32,
    pub(super) introspection: bool,
    /// Fields at the top level, sorted.
    pub(super) top_level: BTreeSet<&'a str>,
}

/// Reads a document; none when it is no GraphQL or holds no operation.
pub(super) fn read(text: &str) -> Option<Document<'_>> {
    let mut tokens = Lexer { text, at: 0 }.peekable();
    let mut document = Document::default();
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(b'{') => {
                let selection = selection(&mut tokens)?;
                document.operations.push(Defined {
                    kind: "query",
                    name: "",
                    selection,
                });
            }
            Token::Name(kind @ ("query" | "mutation" | "subscription")) => {
                let name = match tokens.peek() {
                    Some(Token::Name(name)) => *name,
                    _ => "",
                };
                head(&mut tokens)?;
                let selection = selection(&mut tokens)?;
                document.operations.push(Defined {
                    kind,
                    name,
                    selection,
                });
            }
            Token::Name("fragment") => {
                let Some(Token::Name(name)) = tokens.next() else {
                    return None;
                };
                head(&mut tokens)?;
                let selection = selection(&mut tokens)?;
                if document.fragments.len() < FRAGMENTS_MAX {
                    document.fragments.insert(name, selection);
                }
            }
            _ => return None,
        }
    }
    (!document.operations.is_empty()).then_some(document)
}

/// Skips what stands before a selection set (name, variables, type condition, directives).
fn head<'a>(tokens: &mut Peekable<Lexer<'a>>) -> Option<()> {
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(b'{') => return Some(()),
            Token::Mark(b'(') => arguments(tokens)?,
            Token::Name(_) | Token::Mark(b'@') => {}
            _ => return None,
        }
    }
    None
}

/// Skips arguments or variables up to the closing parenthesis.
fn arguments<'a>(tokens: &mut Peekable<Lexer<'a>>) -> Option<()> {
    let mut open = 1_u32;
    for token in tokens.by_ref() {
        match token {
            Token::Mark(b'(') => open += 1,
            Token::Mark(b')') => open -= 1,
            Token::Wrong => return None,
            _ => {}
        }
        if open == 0 {
            break;
        }
    }
    Some(())
}

/// Reads a selection set from behind its opening brace.
fn selection<'a>(tokens: &mut Peekable<Lexer<'a>>) -> Option<Selection<'a>> {
    let mut found = Selection {
        depth: 1,
        ..Selection::default()
    };
    // Open braces, and whether each is a level of its own: an inline fragment is not.
    let mut open = vec![true];
    let mut depth = 1_u32;
    let mut inline = false;
    while let Some(token) = tokens.next() {
        match token {
            Token::Mark(b'{') => {
                if open.len() >= NESTING_MAX {
                    return None;
                }
                open.push(!inline);
                depth += u32::from(!inline);
                found.depth = found.depth.max(depth);
                inline = false;
            }
            Token::Mark(b'}') => {
                depth -= u32::from(open.pop()?);
                if open.is_empty() {
                    return (found.fields > 0 || !found.spreads.is_empty()).then_some(found);
                }
            }
            Token::Mark(b'(') => arguments(tokens)?,
            Token::Mark(b'@') => {
                tokens.next_if(|token| matches!(token, Token::Name(_)))?;
            }
            Token::Spread => match tokens.peek() {
                Some(Token::Name("on")) => {
                    tokens.next();
                    tokens.next_if(|token| matches!(token, Token::Name(_)))?;
                    inline = true;
                }
                Some(Token::Name(name)) => {
                    let spread = found.spreads.entry(*name).or_insert((0, false));
                    *spread = (spread.0.max(depth), spread.1 || depth == 1);
                    tokens.next();
                }
                _ => inline = true,
            },
            Token::Name(name) => field(tokens, &mut found, name, depth)?,
            Token::Mark(_) | Token::Value | Token::Wrong => return None,
        }
    }
    // The document breaks off.
    (found.fields > 0 || !found.spreads.is_empty()).then_some(found)
}

/// A field, behind its alias when it has one.
fn field<'a>(
    tokens: &mut Peekable<Lexer<'a>>,
    found: &mut Selection<'a>,
    first: &'a str,
    depth: u32,
) -> Option<()> {
    let mut name = first;
    if tokens.next_if_eq(&Token::Mark(b':')).is_some() {
        found.aliases = found.aliases.saturating_add(1);
        name = match tokens.next() {
            Some(Token::Name(name)) => name,
            None => first,
            Some(_) => return None,
        };
    }
    found.fields = found.fields.saturating_add(1);
    if depth == 1 {
        found.top_level.insert(name);
        found.introspection |= matches!(name, "__schema" | "__type");
    }
    Some(())
}

impl<'a> Document<'a> {
    /// The operation that is to be executed: the one asked for, else the first.
    pub(super) fn choose(&self, asked: Option<&str>) -> Option<&Defined<'a>> {
        let named = asked.and_then(|asked| self.operations.iter().find(|o| o.name == asked));
        named.or_else(|| self.operations.first())
    }

    /// What an operation asks for.
    pub(super) fn measure(&self, operation: &Defined<'a>) -> Measured<'a> {
        let mut measured = Measured::default();
        let mut known = BTreeMap::new();
        let own = self.depth(&operation.selection, &mut known, &mut Vec::new());
        measured.depth = own;
        add(&mut measured, &operation.selection, true);
        // Each fragment counts once; those that stand at the top bring fields to the top.
        let mut waiting: Vec<(&str, bool)> = operation
            .selection
            .spreads
            .iter()
            .map(|(name, (_, top))| (*name, *top))
            .collect();
        let mut done: BTreeMap<&str, bool> = BTreeMap::new();
        while let Some((name, top)) = waiting.pop() {
            let seen = done.get(name).copied();
            let Some(fragment) = self.fragments.get(name) else {
                continue;
            };
            if seen == Some(true) || seen == Some(top) {
                continue;
            }
            done.insert(name, top);
            if seen.is_none() {
                add(&mut measured, fragment, top);
            } else {
                measured.top_level.extend(&fragment.top_level);
                measured.introspection |= fragment.introspection;
            }
            let inner = fragment.spreads.iter();
            waiting.extend(inner.map(|(name, (_, at_top))| (*name, top && *at_top)));
        }
        measured
    }

    /// The depth of a selection set, spreads followed; a fragment inside itself ends there.
    fn depth(
        &self,
        selection: &Selection<'a>,
        known: &mut BTreeMap<&'a str, u32>,
        path: &mut Vec<&'a str>,
    ) -> u32 {
        let mut most = selection.depth;
        for (name, (at, _)) in &selection.spreads {
            let Some(fragment) = self.fragments.get(name) else {
                continue;
            };
            if path.contains(name) {
                continue;
            }
            let below = match known.get(name) {
                Some(below) => *below,
                None => {
                    path.push(name);
                    let below = self.depth(fragment, known, path);
                    path.pop();
                    known.insert(name, below);
                    below
                }
            };
            most = most.max(at.saturating_add(below).saturating_sub(1));
        }
        most
    }
}

fn add<'a>(measured: &mut Measured<'a>, selection: &Selection<'a>, top: bool) {
    measured.fields = measured.fields.saturating_add(selection.fields);
    measured.aliases = measured.aliases.saturating_add(selection.aliases);
    if top {
        measured.top_level.extend(&selection.top_level);
        measured.introspection |= selection.introspection;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured<'a>(document: &Document<'a>, asked: Option<&str>) -> (String, Measured<'a>) {
        let operation = document.choose(asked).unwrap();
        let name = format!("{} {}", operation.kind, operation.name);
        (name, document.measure(operation))
    }

    /// Text, name asked for, operation, depth, fields, aliases, fields at the top.
    type Case = (
        &'static str,
        Option<&'static str>,
        &'static str,
        [u32; 3],
        &'static str,
    );

    #[rustfmt::skip]
    const CASES: [Case; 10] = [
        ("{a b}", None, "query ", [1, 2, 0], "a b"),
        ("query Q($x: Int = 1) @d(a: 2) {a(x: $x) {b}}", None, "query Q", [2, 2, 0], "a"),
        ("mutation M {x: a(s: \"} {\") y: a}", None, "mutation M", [1, 2, 2], "a"),
        ("query A {a} query B {b}", Some("B"), "query B", [1, 1, 0], "b"),
        ("query A {a} query B {b}", None, "query A", [1, 1, 0], "a"),
        ("{...F} fragment F on T {a {...G}} fragment G on U {b {c}}", None, "query ", [3, 3, 0], "a"),
        ("{...F} fragment F on T {a ...F}", None, "query ", [1, 1, 0], "a"),
        ("{... on T {a} ... @include(if: $x) {b {c}}}", None, "query ", [2, 3, 0], "a b"),
        ("# comment {\n{a(s: \"\"\"x \\\"\"\" }\"\"\")}", None, "query ", [1, 1, 0], "a"),
        ("subscription {a {b", None, "subscription ", [2, 2, 0], "a"),
    ];

    #[test]
    fn operations_and_their_measures() {
        for (text, asked, name, counts, top) in CASES {
            let document = read(text).unwrap_or_else(|| unreachable!("{text}"));
            let (found, measured) = measured(&document, asked);
            let all: Vec<&str> = measured.top_level.iter().copied().collect();
            assert_eq!(
                (found.as_str(), all.join(" ").as_str()),
                (name, top),
                "{text}"
            );
            let sums = [measured.depth, measured.fields, measured.aliases];
            assert_eq!(sums, counts, "{text}");
        }
    }

    #[test]
    fn introspection_at_the_top_only() {
        let asks = |text: &str| {
            let document = read(text).unwrap();
            measured(&document, None).1.introspection
        };
        assert!(asks("{__schema {types {name}}}"));
        assert!(asks(
            "{...F} fragment F on Query {__type(name: \"T\") {name}}"
        ));
        assert!(!asks("{a {__typename}}"));
    }

    #[test]
    fn what_is_no_document() {
        for text in [
            "",
            "shoes",
            "query",
            "query foo",
            "{}",
            "{a",
            "}",
            "{a: }",
            "{\"a\": 1}",
            "a {b}",
            "select * from t",
            "{a} garbage",
            "type T {a: Int}",
            "{a;b}",
            "(a)",
        ] {
            let is_cut = text == "{a";
            assert_eq!(read(text).is_some(), is_cut, "{text}");
        }
    }
}
