//! Words that APIs use for choices: the only values of parameters that leave the sensor as they
//! are. The list is fixed, so that whatever a client sends, nothing of the client's is among them;
//! words that say something about a person (`male`, `married`) are not on it.

use tapscope_record::Word;

/// Longest word of the list.
const WORD_BYTES_MAX: usize = 16;

/// The words, lower case, sorted.
const WORDS: [&str; 210] = [
    "0",
    "1",
    "accepted",
    "active",
    "activity",
    "added",
    "admin",
    "all",
    "and",
    "any",
    "approved",
    "archived",
    "asc",
    "ascending",
    "assigned",
    "auto",
    "available",
    "avg",
    "basic",
    "best",
    "blocked",
    "both",
    "brief",
    "canceled",
    "cancelled",
    "closed",
    "comments",
    "compact",
    "complete",
    "completed",
    "confirmed",
    "contains",
    "count",
    "created",
    "created_at",
    "created_on",
    "css",
    "csv",
    "current",
    "custom",
    "daily",
    "date",
    "day",
    "default",
    "deleted",
    "delivered",
    "desc",
    "descending",
    "detailed",
    "disabled",
    "done",
    "draft",
    "enabled",
    "end",
    "eq",
    "equals",
    "error",
    "exact",
    "expired",
    "failed",
    "false",
    "featured",
    "finished",
    "first",
    "forks",
    "full",
    "gt",
    "gte",
    "hidden",
    "high",
    "hot",
    "hour",
    "hourly",
    "html",
    "id",
    "image",
    "in",
    "inactive",
    "internal",
    "invalid",
    "is",
    "jpeg",
    "jpg",
    "json",
    "jsonl",
    "large",
    "last",
    "latest",
    "limited",
    "live",
    "low",
    "lt",
    "lte",
    "manual",
    "markdown",
    "max",
    "medium",
    "member",
    "metadata",
    "min",
    "minimal",
    "minute",
    "modified",
    "modified_at",
    "month",
    "monthly",
    "name",
    "ne",
    "never",
    "new",
    "newest",
    "no",
    "none",
    "normal",
    "not",
    "null",
    "off",
    "oldest",
    "on",
    "open",
    "optional",
    "or",
    "original",
    "owner",
    "paid",
    "partial",
    "past",
    "pdf",
    "pending",
    "plain",
    "planned",
    "png",
    "popular",
    "premium",
    "previous",
    "price",
    "private",
    "processing",
    "public",
    "published",
    "pushed",
    "quarter",
    "queued",
    "random",
    "rating",
    "raw",
    "read",
    "ready",
    "recent",
    "refunded",
    "rejected",
    "relevance",
    "repo",
    "required",
    "resolved",
    "rss",
    "running",
    "scheduled",
    "score",
    "sent",
    "shared",
    "shipped",
    "short",
    "simple",
    "size",
    "small",
    "standard",
    "stars",
    "start",
    "starts_with",
    "status",
    "success",
    "sum",
    "summary",
    "svg",
    "table",
    "text",
    "title",
    "today",
    "tomorrow",
    "top",
    "total",
    "trending",
    "true",
    "type",
    "unknown",
    "unpaid",
    "unread",
    "upcoming",
    "updated",
    "updated_at",
    "upvotes",
    "user",
    "v1",
    "v2",
    "v3",
    "valid",
    "verified",
    "video",
    "votes",
    "week",
    "weekly",
    "write",
    "xml",
    "yaml",
    "year",
    "yearly",
    "yes",
    "yesterday",
    "zip",
];

/// The value when it is one of the words, in whatever case.
pub(crate) fn common_word(value: &[u8]) -> Option<&str> {
    listed(value)?;
    core::str::from_utf8(value).ok()
}

/// Longest word of the list with a digit in it: `v2`.
const NUMBERED_BYTES_MAX: usize = 2;

/// The word of the list that `value` is but for its case.
fn listed(value: &[u8]) -> Option<&'static str> {
    let mut buffer = [0; WORD_BYTES_MAX];
    let lower = buffer.get_mut(..value.len())?;
    // But for the shortest no word of the list has a digit, and most values have.
    if value.len() > NUMBERED_BYTES_MAX && value.iter().any(u8::is_ascii_digit) {
        return None;
    }
    lower.copy_from_slice(value);
    lower.make_ascii_lowercase();
    let lower = core::str::from_utf8(lower).ok()?;
    WORDS.get(WORDS.binary_search(&lower).ok()?).copied()
}

/// The same for a record: no memory is taken for a word as the list has it.
pub(crate) fn choice(value: &[u8]) -> Option<Word> {
    let known = listed(value)?;
    if known.as_bytes() == value {
        return Some(known.into());
    }
    let text = core::str::from_utf8(value).ok()?;
    Some(text.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_short_enough() {
        assert!(WORDS.is_sorted());
        assert!(WORDS.iter().all(|word| word.len() <= WORD_BYTES_MAX));
        for word in WORDS.iter().filter(|w| w.len() > NUMBERED_BYTES_MAX) {
            assert!(!word.bytes().any(|byte| byte.is_ascii_digit()), "{word}");
        }
    }

    #[test]
    fn only_words_of_the_list_are_told() {
        for (value, expected) in [
            ("asc", Some("asc")),
            ("DESC", Some("DESC")),
            ("alice", None),
            ("12", None),
            ("", None),
            ("a-very-long-value-that-is-none", None),
        ] {
            assert_eq!(common_word(value.as_bytes()), expected, "{value}");
            assert_eq!(choice(value.as_bytes()).as_deref(), expected, "{value}");
        }
        assert_eq!(common_word(&[0xff]), None);
    }
}
