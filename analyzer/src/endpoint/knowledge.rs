//! What one pass over a host's trie teaches the next: which words are names of things and which
//! are values, how each kind is spelt on this host, and which words have a parameter after them.
//!
//! Evidence is sparse (most endpoints are seen a few times only), so a place is judged by all
//! places that resemble it. Nothing is known beforehand of any language or vocabulary.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::look;

/// A map that is never iterated, so its order reaches no output.
pub(super) type Map<K, V> = HashMap<K, V, FixedState>;

/// Literal and value, in this order, wherever two of something are kept.
pub(super) type Two = [f32; 2];

/// Counts how literals and values are spelt.
#[derive(Debug, Default)]
struct Spelling {
    forms: Map<Box<str>, Two>,
    tokens: Map<Box<str>, Two>,
    grams: Map<[u8; 3], Two>,
    form_total: Two,
    token_total: Two,
    gram_total: Two,
}

/// What the pass before has found.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    spelling: Spelling,
    words: Map<Box<str>, Two>,
    after: Map<Box<str>, Two>,
}

/// How much a word looks like a value (above 0) rather than a literal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Likeness {
    pub(super) form: f64,
    pub(super) token: f64,
    pub(super) gram: f64,
}

impl Knowledge {
    /// Learns that `word` was a literal (0) or a value (1) at one place.
    pub(super) fn learn_word(&mut self, word: &str, class: usize) {
        let spelling = &mut self.spelling;
        bump(&mut self.words, word, class);
        bump(&mut spelling.forms, &look::form(word), class);
        spelling.form_total[class] += 1.0;
        look::tokens(word, |token| {
            bump(&mut spelling.tokens, token, class);
            spelling.token_total[class] += 1.0;
        });
        look::grams(word, |gram| {
            spelling.grams.entry(gram).or_default()[class] += 1.0;
            spelling.gram_total[class] += 1.0;
        });
    }

    /// Learns whether a parameter (1) or only literals (0) follow `word` at one place.
    pub(super) fn learn_after(&mut self, word: &str, class: usize) {
        bump(&mut self.after, word, class);
    }

    /// At how many places it was a literal, and a value; what the place itself taught is left out.
    pub(super) fn word(&self, word: &str, own: Option<usize>) -> Two {
        less(self.words.get(word).copied().unwrap_or_default(), own, 1.0)
    }

    /// After how many of its places only literals, and a parameter, followed; see [`Self::word`].
    pub(super) fn after(&self, word: &str, own: Option<usize>) -> Two {
        less(self.after.get(word).copied().unwrap_or_default(), own, 1.0)
    }

    /// Judges the spelling of `word` by all other words.
    pub(super) fn likeness(&self, word: &str, own: Option<usize>) -> Likeness {
        let s = &self.spelling;
        let form = s
            .forms
            .get(look::form(word).as_str())
            .copied()
            .unwrap_or_default();
        let form_total = less(s.form_total, own, 1.0);
        let mut count = 0.0_f32;
        look::tokens(word, |_| count += 1.0);
        let token_total = less(s.token_total, own, count);
        let mut token = 0.0;
        look::tokens(word, |t| {
            let c = less(s.tokens.get(t).copied().unwrap_or_default(), own, 1.0);
            token += odds(c, token_total, 0.5, s.tokens.len());
        });
        let mut grams = 0.0_f32;
        look::grams(word, |_| grams += 1.0);
        let gram_total = less(s.gram_total, own, grams);
        let mut gram = 0.0;
        look::grams(word, |g| {
            let c = less(s.grams.get(&g).copied().unwrap_or_default(), own, 1.0);
            gram += odds(c, gram_total, 0.5, s.grams.len());
        });
        Likeness {
            form: odds(less(form, own, 1.0), form_total, 1.0, s.forms.len()).clamp(-4.0, 4.0),
            token: (token / f64::from(count.max(1.0))).clamp(-4.0, 4.0),
            gram: (gram / f64::from(grams.max(1.0)).sqrt()).clamp(-6.0, 6.0),
        }
    }
}

fn bump(map: &mut Map<Box<str>, Two>, key: &str, class: usize) {
    match map.get_mut(key) {
        Some(two) => two[class] += 1.0,
        None => {
            let mut two = Two::default();
            two[class] = 1.0;
            map.insert(key.into(), two);
        }
    }
}

fn less(mut two: Two, own: Option<usize>, by: f32) -> Two {
    if let Some(class) = own {
        two[class] = (two[class] - by).max(0.0);
    }
    two
}

/// Log odds of value against literal, smoothed by `alpha` over `kinds` kinds; 0 without evidence.
fn odds(count: Two, total: Two, alpha: f64, kinds: usize) -> f64 {
    let [literal, value] = total.map(f64::from);
    if literal < 1.0 || value < 1.0 {
        return 0.0;
    }
    let space = alpha * (kinds as f64 + 1.0);
    let p = |c: f32, t: f64| (f64::from(c) + alpha) / (t + space);
    (p(count[1], value) / p(count[0], literal)).ln()
}
