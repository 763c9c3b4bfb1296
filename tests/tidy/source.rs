//! A Rust source file taken apart as far as the rules need it: code, comments, what is a test.

/// One file, with its code and its comments apart; line numbers are the same in all three texts.
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// As it stands.
    pub(crate) text: String,
    /// Comments, string and character literals blanked; the test module at the end cut off.
    pub(crate) code: String,
    /// Only the comments.
    pub(crate) comments: String,
}

impl Source {
    /// Takes a file apart.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let code = without_tests(&code).to_owned();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            comments,
        }
    }

    /// Whether it belongs to a crate's `src` (and not to tests, benches or examples).
    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("src/") || self.path.contains("/src/")
    }

    /// Whether the code has `word` as a whole word; the number of the first line that has it.
    pub(crate) fn line_with_word(&self, word: &str) -> Option<usize> {
        self.code
            .lines()
            .position(|line| has_word(line, word))
            .map(|index| index + 1)
    }
}

/// Whether `word` stands in `line` on its own, not as part of a longer identifier.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// Everything before the test module that ends a file.
pub(crate) fn without_tests(code: &str) -> &str {
    match code.find("#[cfg(test)]\nmod ") {
        Some(at)
            if code[at..]
                .lines()
                .nth(1)
                .is_some_and(|line| line.contains('{')) =>
        {
            &code[..at]
        }
        _ => code,
    }
}

/// The groups of every `derive(…)` in code, with their line.
pub(crate) fn derives(code: &str) -> Vec<(usize, String)> {
    groups(code, "derive(")
}

/// What stands in the brackets that `opening` ends with, for every place it occurs, with its line.
pub(crate) fn groups(code: &str, opening: &str) -> Vec<(usize, String)> {
    code.match_indices(opening)
        .map(|(at, _)| {
            let line = code[..at].matches('\n').count() + 1;
            let mut depth = 1;
            let content: String = code[at + opening.len()..]
                .chars()
                .take_while(|c| {
                    match c {
                        '(' | '{' | '[' => depth += 1,
                        ')' | '}' | ']' => depth -= 1,
                        _ => {}
                    }
                    depth > 0
                })
                .collect();
            (line, content)
        })
        .collect()
}

/// The names directly under `std::` that code uses, also through `use std::{a, b::c}`.
pub(crate) fn std_modules(code: &str) -> Vec<(usize, String)> {
    let first = |path: &str| -> String {
        path.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found: Vec<(usize, String)> = code
        .match_indices("std::")
        .filter(|(at, _)| !code[at + 5..].starts_with('{'))
        .map(|(at, _)| (code[..at].matches('\n').count() + 1, first(&code[at + 5..])))
        .collect();
    for (line, content) in groups(code, "std::{") {
        let mut depth = 0;
        for part in content.split(|c| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        }) {
            found.push((line, first(part)));
        }
    }
    found
}

/// Parts text into (code, comments): what is not of the one is blanked in it.
fn split(text: &str) -> (String, String) {
    let mut scanner = Scanner {
        rest: text,
        code: String::new(),
        comments: String::new(),
    };
    while let Some(c) = scanner.rest.chars().next() {
        scanner.step(c);
    }
    (scanner.code, scanner.comments)
}

struct Scanner<'a> {
    rest: &'a str,
    code: String,
    comments: String,
}

impl Scanner<'_> {
    fn step(&mut self, c: char) {
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.comment(length);
        } else if self.rest.starts_with("/*") {
            let length = block_comment(self.rest);
            self.comment(length);
        } else if let Some(length) = raw_string(self.rest, self.code.chars().next_back()) {
            self.blank(length);
        } else if c == '"' {
            let length = quoted(self.rest);
            self.blank(length);
        } else if c == '\'' {
            // A lifetime has no closing quote after one (possibly escaped) character.
            match character(self.rest) {
                Some(length) => self.blank(length),
                None => self.keep(c),
            }
        } else {
            self.keep(c);
        }
    }

    fn keep(&mut self, c: char) {
        self.code.push(c);
        self.comments.push(if c == '\n' { '\n' } else { ' ' });
        self.rest = &self.rest[c.len_utf8()..];
    }

    fn comment(&mut self, length: usize) {
        self.comments.push_str(&self.rest[..length]);
        self.code.extend(
            self.rest[..length]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        self.rest = &self.rest[length..];
    }

    fn blank(&mut self, length: usize) {
        for c in self.rest[..length].chars() {
            let blank = if c == '\n' { '\n' } else { ' ' };
            self.code.push(blank);
            self.comments.push(blank);
        }
        self.rest = &self.rest[length..];
    }
}

/// Length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of a raw string that starts here, if one does.
fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') && !text.starts_with('#') {
        // `br"…"` and `cr"…"`: the prefix was taken as an identifier already.
        if !matches!(before, Some('b' | 'c')) {
            return None;
        }
    }
    let marks = text.strip_prefix('r')?;
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    let body = marks[hashes..].strip_prefix('"')?;
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&closing)?;
    Some(1 + hashes + 1 + end + closing.len())
}

/// Length of a string literal that starts here.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a character literal that starts here, if it is one.
fn character(text: &str) -> Option<usize> {
    let inner = &text[1..];
    let first = inner.chars().next()?;
    if first == '\\' {
        let end = inner.char_indices().skip(2).find(|(_, c)| *c == '\'')?.0;
        return Some(1 + end + 1);
    }
    let after = 1 + first.len_utf8();
    text[after..].starts_with('\'').then_some(after + 1)
}
