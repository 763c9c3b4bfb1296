//! XML (1.0, with namespaces): names of elements and attributes, types of their texts.
//!
//! A scanner of tokens, not a validating parser: entities stay as they are written, a document
//! type is skipped, content that breaks off leaves what was read before. Nothing is expanded, so
//! nothing can grow.

use tapscope_record::{Shape, ValueType, Word};

use super::classes::Classes;
use super::shape::{ShapeBudget, empty_shape, join, note_class, note_length};
use crate::redactor::Work;
use crate::text::{CustomHint, FieldHint, class_of, field_hint, scan_named, value_type_of_text};

/// One piece of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A start tag, or an empty element.
    Open {
        /// Its name with its prefix.
        name: &'a [u8],
        /// What stands between its name and its end.
        attributes: &'a [u8],
        /// Whether it ends itself.
        empty: bool,
    },
    /// An end tag.
    Close,
    /// Character data as written.
    Text(&'a [u8]),
}

/// The tokens of a document; they end where it ends or breaks off.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    /// Whether it broke off inside a token.
    pub(crate) cut: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(content: &'a [u8]) -> Self {
        let rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        Self { rest, cut: false }
    }

    /// Takes what stands before `end`, and `end`; all that is left when it does not come.
    fn until(&mut self, end: &[u8]) -> &'a [u8] {
        let at = memchr::memmem::find(self.rest, end);
        self.cut |= at.is_none();
        let (taken, rest) = self
            .rest
            .split_at_checked(at.unwrap_or(self.rest.len()))
            .unwrap_or_default();
        self.rest = rest.get(end.len()..).unwrap_or_default();
        taken
    }

    /// Takes a document type with its internal subset.
    fn doctype(&mut self) {
        let subset = memchr::memchr2(b'[', b'>', self.rest)
            .is_some_and(|at| self.rest.get(at) == Some(&b'['));
        if subset {
            self.until(b"]");
        }
        self.until(b">");
    }

    /// Takes a tag from behind its `<`; `>` inside a quoted value does not end it.
    fn tag(&mut self) -> &'a [u8] {
        let mut quote = None;
        let end = self.rest.iter().position(|&byte| match quote {
            Some(open) => {
                if byte == open {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(byte, b'"' | b'\'') {
                    quote = Some(byte);
                }
                byte == b'>'
            }
        });
        self.cut |= end.is_none();
        let (taken, rest) = self
            .rest
            .split_at_checked(end.unwrap_or(self.rest.len()))
            .unwrap_or_default();
        self.rest = rest.get(1..).unwrap_or_default();
        taken
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() || self.cut {
                return None;
            }
            let Some(markup) = self.rest.strip_prefix(b"<") else {
                let end = memchr::memchr(b'<', self.rest).unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at_checked(end).unwrap_or_default();
                self.rest = rest;
                return Some(Token::Text(text));
            };
            self.rest = markup;
            if markup.starts_with(b"?") {
                self.until(b"?>");
            } else if markup.starts_with(b"!--") {
                self.until(b"-->");
            } else if let Some(data) = markup.strip_prefix(b"![CDATA[") {
                self.rest = data;
                return Some(Token::Text(self.until(b"]]>")));
            } else if markup.starts_with(b"!") {
                self.doctype();
            } else if markup.starts_with(b"/") {
                self.tag();
                return Some(Token::Close);
            } else {
                let tag = self.tag();
                if self.cut {
                    return None;
                }
                let empty = tag.ends_with(b"/");
                let tag = tag.strip_suffix(b"/").unwrap_or(tag);
                let end = tag
                    .iter()
                    .position(u8::is_ascii_whitespace)
                    .unwrap_or(tag.len());
                let (name, attributes) = tag.split_at_checked(end).unwrap_or_default();
                return Some(Token::Open {
                    name,
                    attributes,
                    empty,
                });
            }
        }
    }
}

/// Names and values of the attributes of a start tag.
pub(crate) fn attributes(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest.get(..equals)?.trim_ascii();
        let after = rest.get(equals + 1..)?.trim_ascii_start();
        let (&quote, value) = after.split_first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let end = memchr::memchr(quote, value)?;
        rest = value.get(end + 1..)?;
        Some((name, value.get(..end)?))
    })
}

/// A name without its prefix.
pub(crate) fn local(name: &[u8]) -> &[u8] {
    let colon = memchr::memrchr(b':', name);
    colon.map_or(name, |at| name.get(at + 1..).unwrap_or_default())
}

/// Whether content starts as an XML document does.
pub(super) fn looks_like_xml(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    content.trim_ascii_start().starts_with(b"<?xml")
}

/// The shape of a document: an object with a field for its root; none when it has no element.
pub(super) fn read(work: &mut Work<'_>, content: &[u8]) -> Option<Shape> {
    let mut shape = Shape {
        kind: ValueType::Object,
        ..empty_shape()
    };
    let mut reader = Reader {
        tokens: Tokens::new(content),
        classes: work.classes,
        budget: ShapeBudget::new(work.settings),
        depth_max: work.settings.shape_depth_max,
        deep: false,
    };
    reader.element(Some(&mut shape), &mut None, Hint::default(), 0);
    let Reader {
        tokens,
        budget,
        deep,
        ..
    } = reader;
    work.counters.fields_over_cap += budget.dropped;
    if budget.dropped > 0 {
        work.limit("fields");
    }
    if deep {
        work.limit("depth");
    }
    shape.truncated = tokens.cut || deep || budget.dropped > 0;
    (!shape.fields.is_empty()).then_some(shape)
}

/// What the name of an element or attribute promises.
#[derive(Clone, Copy, Default)]
struct Hint {
    known: Option<FieldHint>,
    custom: CustomHint,
}

struct Reader<'t, 'a> {
    tokens: Tokens<'t>,
    classes: &'a mut Classes,
    budget: ShapeBudget,
    depth_max: usize,
    /// Elements were deeper than a shape may be.
    deep: bool,
}

impl<'t> Reader<'t, '_> {
    fn hint(&self, name: &[u8]) -> Hint {
        Hint {
            known: field_hint(name),
            custom: self.classes.custom().hint(name),
        }
    }

    /// Reads what is inside an element up to its end tag.
    fn element(
        &mut self,
        mut shape: Option<&mut Shape>,
        class: &mut Option<Word>,
        hint: Hint,
        depth: usize,
    ) {
        let mut times: Vec<u32> = Vec::new();
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Close => break,
                Token::Text(text) => self.leaf(shape.as_deref_mut(), class, hint, text),
                Token::Open { empty, .. } if depth >= self.depth_max => {
                    self.deep = true;
                    if !empty {
                        self.skip();
                    }
                }
                Token::Open {
                    name,
                    attributes,
                    empty,
                } => {
                    let at = self.child(shape.as_deref_mut(), (name, attributes, empty), depth);
                    if let Some(at) = at {
                        if times.len() <= at {
                            times.resize(at + 1, 0);
                        }
                        times.get_mut(at).into_iter().for_each(|n| *n += 1);
                    }
                }
            }
        }
        let Some(shape) = shape else {
            return;
        };
        for (field, count) in shape.fields.iter_mut().zip(times) {
            if count > 1 {
                field.shape.items = Some(field.shape.items.map_or(count, |n| n.max(count)));
            }
        }
    }

    /// Reads a child element into its field; returns where the field stands.
    fn child(
        &mut self,
        mut parent: Option<&mut Shape>,
        (name, text, empty): (&'t [u8], &'t [u8], bool),
        depth: usize,
    ) -> Option<usize> {
        let name = local(name);
        if let Some(parent) = parent.as_deref_mut() {
            parent.kind = ValueType::Object;
        }
        let budget = &mut self.budget;
        let at = parent
            .as_deref_mut()
            .and_then(|parent| budget.field(&mut parent.fields, name, usize::MAX));
        let mut unnamed = None;
        let field = at.and_then(|at| parent?.fields.get_mut(at));
        let (mut shape, class) = match field {
            Some(field) => {
                field.seen = field.seen.saturating_add(1);
                (Some(&mut field.shape), &mut field.class)
            }
            None => (None, &mut unnamed),
        };
        for (name, value) in attributes(text) {
            self.attribute(shape.as_deref_mut(), name, value);
        }
        if !empty {
            let hint = self.hint(name);
            self.element(shape, class, hint, depth + 1);
        }
        at
    }

    fn attribute(&mut self, shape: Option<&mut Shape>, name: &[u8], value: &[u8]) {
        if name == b"xmlns" || name.starts_with(b"xmlns:") {
            return;
        }
        let hint = self.hint(local(name));
        let Some(shape) = shape else {
            self.leaf(None, &mut None, hint, value);
            return;
        };
        let mut marked = vec![b'@'];
        marked.extend_from_slice(local(name));
        shape.kind = ValueType::Object;
        let at = self.budget.field(&mut shape.fields, &marked, usize::MAX);
        match at.and_then(|at| shape.fields.get_mut(at)) {
            Some(field) => {
                field.seen = field.seen.saturating_add(1);
                self.leaf(Some(&mut field.shape), &mut field.class, hint, value);
            }
            None => self.leaf(None, &mut None, hint, value),
        }
    }

    /// A text: its type goes to the shape, unless that has fields.
    fn leaf(
        &mut self,
        shape: Option<&mut Shape>,
        class: &mut Option<Word>,
        hint: Hint,
        text: &[u8],
    ) {
        let text = text.trim_ascii();
        if text.is_empty() {
            return;
        }
        if let Some(shape) = shape {
            if shape.kind != ValueType::Object {
                shape.kind = join(shape.kind, value_type_of_text(text));
            }
            note_length(shape, text.len());
        }
        if let Some(found) = class_of(hint.known, text) {
            self.classes.add(found, text);
            note_class(class, found);
        } else {
            let classes = &mut *self.classes;
            scan_named(hint.known, text, |found, value| {
                classes.add(found, value);
                note_class(class, found);
            });
        }
        self.classes.add_custom(hint.custom, text, class);
    }

    /// Skips an element's inside, which is only looked at for data.
    fn skip(&mut self) {
        let mut open = 1_usize;
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Open { empty: false, .. } => open += 1,
                Token::Open { .. } => {}
                Token::Close => open -= 1,
                Token::Text(text) => self.leaf(None, &mut None, Hint::default(), text),
            }
            if open == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_document() {
        let text = br#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><!-- <no> -->
            <s:a b="1>2" c='"'><![CDATA[<d>]]></s:a><e/>"#;
        let tokens: Vec<Token<'_>> = Tokens::new(text)
            .filter(|token| !matches!(token, Token::Text(text) if text.trim_ascii().is_empty()))
            .collect();
        assert_eq!(
            tokens,
            [
                Token::Open {
                    name: b"s:a",
                    attributes: b" b=\"1>2\" c='\"'",
                    empty: false
                },
                Token::Text(b"<d>"),
                Token::Close,
                Token::Open {
                    name: b"e",
                    attributes: b"",
                    empty: true
                },
            ]
        );
        let pairs: Vec<_> = attributes(b" b=\"1>2\" c='\"'").collect();
        assert_eq!(pairs, [(&b"b"[..], &b"1>2"[..]), (b"c", b"\"")]);
    }

    #[test]
    fn what_breaks_off_is_cut() {
        for text in [
            "<a",
            "<a b=\"",
            "<!--",
            "<![CDATA[x",
            "<!DOCTYPE a [",
            "<?x",
        ] {
            let mut tokens = Tokens::new(text.as_bytes());
            while tokens.next().is_some() {}
            assert!(tokens.cut, "{text}");
        }
    }
}
