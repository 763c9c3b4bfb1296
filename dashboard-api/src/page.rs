//! Keyset pages: a page starts after the last row of the one before it, by sort key and id, so
//! that rows which come in meanwhile neither shift nor repeat the others.
//!
//! A row whose own sort key changes between two pages (its requests grow) may be seen twice or
//! not at all; sort by a key that does not change (template, `first_seen`) to walk everything.

use core::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Problem;
use crate::query::Query;
use crate::settings::ApiSettings;
use crate::view::page::Page;

/// Parts a cursor consists of.
const CURSOR_PARTS: usize = 4;

/// What a row is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key<'a> {
    /// A number.
    Number(i128),
    /// A text, by its bytes.
    Text(&'a str),
}

/// Something that can stand in a page.
pub(crate) trait Row {
    /// What it can be sorted by.
    type Sort: Copy;

    /// Breaks ties; no two rows have the same.
    fn id(&self) -> u64;

    /// Its key in that order.
    fn key(&self, sort: Self::Sort) -> Key<'_>;
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageRequest<S> {
    sort: S,
    sort_name: &'static str,
    descending: bool,
    limit: usize,
    after: Option<Position>,
}

/// A place between two rows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    key: OwnedKey,
    id: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum OwnedKey {
    Number(i128),
    Text(String),
}

impl OwnedKey {
    fn as_key(&self) -> Key<'_> {
        match self {
            Self::Number(number) => Key::Number(*number),
            Self::Text(text) => Key::Text(text),
        }
    }
}

/// A way to sort: the value, its name, and whether it goes down unless told otherwise.
pub(crate) type SortChoice<S> = (S, &'static str, bool);

impl<S: Copy> PageRequest<S> {
    /// Takes `sort`, `order`, `limit` and `cursor` out of a query; the first choice is the default.
    pub(crate) fn take(
        query: &mut Query,
        choices: &[SortChoice<S>],
        settings: &ApiSettings,
    ) -> Result<Self, Problem> {
        let names: Vec<(SortChoice<S>, &'static str)> =
            choices.iter().map(|&choice| (choice, choice.1)).collect();
        let chosen = query
            .take_name("sort", &names)?
            .or(choices.first().copied());
        let Some((sort, sort_name, descends)) = chosen else {
            return Err(Problem::internal(&"a list without a way to sort it"));
        };
        let order = query.take_name("order", &[(false, "asc"), (true, "desc")])?;
        let descending = order.unwrap_or(descends);
        let limit_max = u64::try_from(settings.page_max).unwrap_or(u64::MAX);
        let limit = query.take_number("limit", 1..=limit_max)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let after = match query.take_one("cursor")? {
            None => None,
            Some(cursor) => Some(read_cursor(&cursor, sort_name, descending).ok_or_else(|| {
                Problem::bad_request(
                    "`cursor` is not one of this list in this order; start again without it.",
                )
            })?),
        };
        let limit = limit.unwrap_or(settings.page_default).max(1);
        Ok(Self {
            sort,
            sort_name,
            descending,
            limit,
            after,
        })
    }

    /// The rows of the page out of all rows that match, in order; the cursor of the next page; and
    /// the number of all rows.
    pub(crate) fn cut<R: Row<Sort = S>>(&self, mut rows: Vec<R>) -> Page<R> {
        let total = rows.len() as u64;
        let direct = |ordering: Ordering| {
            if self.descending {
                ordering.reverse()
            } else {
                ordering
            }
        };
        if let Some(after) = &self.after {
            let place = (after.key.as_key(), after.id);
            rows.retain(|row| direct((row.key(self.sort), row.id()).cmp(&place)).is_gt());
        }
        let compare =
            |a: &R, b: &R| direct((a.key(self.sort), a.id()).cmp(&(b.key(self.sort), b.id())));
        let more = rows.len() > self.limit;
        if more {
            // Only the page itself is sorted; the rest is merely known to come later.
            rows.select_nth_unstable_by(self.limit - 1, compare);
            rows.truncate(self.limit);
        }
        rows.sort_unstable_by(compare);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|row| self.write_cursor(row));
        Page {
            items: rows,
            next_cursor,
            total,
        }
    }

    fn write_cursor<R: Row<Sort = S>>(&self, row: &R) -> String {
        let order = if self.descending { 'd' } else { 'a' };
        let key = match row.key(self.sort) {
            Key::Number(number) => format!("n{number}"),
            Key::Text(text) => format!("t{text}"),
        };
        URL_SAFE_NO_PAD.encode(format!("{}|{order}|{:x}|{key}", self.sort_name, row.id()))
    }
}

impl<R> Page<R> {
    /// The same page with other rows.
    pub(crate) fn map<T>(self, show: impl FnMut(R) -> T) -> Page<T> {
        Page {
            items: self.items.into_iter().map(show).collect(),
            next_cursor: self.next_cursor,
            total: self.total,
        }
    }
}

/// Reads a cursor; none when it is not one, or one of another order.
fn read_cursor(cursor: &str, sort_name: &str, descending: bool) -> Option<Position> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = text.splitn(CURSOR_PARTS, '|');
    let (sort, order) = (parts.next()?, parts.next()?);
    let (id, key) = (u64::from_str_radix(parts.next()?, 16).ok()?, parts.next()?);
    if sort != sort_name || (order == "d") != descending {
        return None;
    }
    let key = match key.split_at_checked(1)? {
        ("n", number) => OwnedKey::Number(number.parse().ok()?),
        ("t", text) => OwnedKey::Text(text.to_owned()),
        _ => return None,
    };
    Some(Position { key, id })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Item(u64, i64, String);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum By {
        Number,
        Text,
    }

    impl Row for Item {
        type Sort = By;

        fn id(&self) -> u64 {
            self.0
        }

        fn key(&self, sort: By) -> Key<'_> {
            match sort {
                By::Number => Key::Number(self.1.into()),
                By::Text => Key::Text(&self.2),
            }
        }
    }

    const CHOICES: [SortChoice<By>; 2] = [(By::Number, "number", true), (By::Text, "text", false)];

    fn request(text: &str) -> Result<PageRequest<By>, Problem> {
        PageRequest::take(
            &mut Query::parse(text).unwrap(),
            &CHOICES,
            &ApiSettings::default(),
        )
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let rows = (0..3)
            .map(|n| Item(n, 0, String::new()))
            .collect::<Vec<_>>();
        let cursor = request("limit=1").unwrap().cut(rows).next_cursor.unwrap();
        assert!(request(&format!("cursor={cursor}")).is_ok());
        assert!(request(&format!("cursor={cursor}&order=asc")).is_err());
        assert!(request(&format!("cursor={cursor}&sort=text")).is_err());
        assert!(request("cursor=AAAA").is_err());
        assert!(request("cursor=%00").is_err());
    }

    proptest! {
        #[test]
        fn pages_in_a_row_are_the_whole_list_though_rows_come_in(
            keys in prop::collection::vec((-3i64..3, "[ab|]{0,3}"), 0..40),
            late in prop::collection::vec((-3i64..3, "[ab|]{0,3}"), 0..10),
            limit in 1usize..7,
            by_text: bool,
            descending: bool,
        ) {
            let sort = if by_text { "text" } else { "number" };
            let order = if descending { "desc" } else { "asc" };
            let item = |(n, (key, text)): (usize, (i64, String))| Item(n as u64, key, text);
            let known: Vec<Item> = keys.into_iter().enumerate().map(item).collect();
            let mut rows = known.clone();
            let mut late = late.into_iter().enumerate().map(|(n, row)| item((n + 1000, row)));
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let after = cursor.map_or_else(String::new, |c| format!("&cursor={c}"));
                let text = format!("sort={sort}&order={order}&limit={limit}{after}");
                let page = request(&text).unwrap().cut(rows.clone());
                prop_assert_eq!(page.total, rows.len() as u64);
                prop_assert!(page.items.len() <= limit);
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
                rows.extend(late.next());
            }
            // Every row that was there from the start is seen once; nothing is seen twice; and
            // what is seen is in order.
            let mut expected = known;
            let by = if by_text { By::Text } else { By::Number };
            expected.sort_by(|a, b| (a.key(by), a.0).cmp(&(b.key(by), b.0)));
            if descending {
                expected.reverse();
            }
            let old: Vec<Item> = seen.iter().filter(|row| row.0 < 1000).cloned().collect();
            prop_assert_eq!(old, expected);
            let sorted = seen.windows(2).all(|pair| {
                let ordering = (pair[0].key(by), pair[0].0).cmp(&(pair[1].key(by), pair[1].0));
                if descending { ordering.is_gt() } else { ordering.is_lt() }
            });
            prop_assert!(sorted);
        }

        #[test]
        fn no_cursor_makes_it_panic(cursor: String) {
            let _ = read_cursor(&cursor, "number", true);
            let _ = read_cursor(&URL_SAFE_NO_PAD.encode(&cursor), "number", true);
        }
    }
}
