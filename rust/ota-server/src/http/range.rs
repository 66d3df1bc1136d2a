//! Conditional and partial requests for one file (RFC 9110 sections 13 and 14), decided without touching it.

use axum::http::{HeaderMap, HeaderName, header};

/// The headers that decide.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Conditions<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_range: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
}

impl<'a> Conditions<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let get = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            if_match: get(header::IF_MATCH),
            if_none_match: get(header::IF_NONE_MATCH),
            if_range: get(header::IF_RANGE),
            range: get(header::RANGE),
        }
    }
}

/// What to answer.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Answer {
    /// 200: everything.
    Whole,
    /// 206: `len` bytes from `start` on.
    Part {
        /// First byte.
        start: u64,
        /// Number of bytes; never 0.
        len: u64,
    },
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416.
    OutOfRange,
}

/// Whether a list of entity tags names `etag`. Weak ones name it only where `weak` comparison is asked for.
fn names(list: &str, etag: &str, weak: bool) -> bool {
    list.split(',').map(str::trim).any(|tag| {
        let tag = if weak { tag.strip_prefix("W/").unwrap_or(tag) } else { tag };
        tag == "*" || tag == etag
    })
}

/// Decides for a file of `size` bytes with the strong validator `etag` (quotes included). A range that cannot be read,
/// and several at once, are answered with everything, as the specification allows.
pub(crate) fn decide(conditions: Conditions<'_>, etag: &str, size: u64) -> Answer {
    if conditions.if_match.is_some_and(|list| !names(list, etag, false)) {
        return Answer::PreconditionFailed;
    }
    if conditions.if_none_match.is_some_and(|list| names(list, etag, true)) {
        return Answer::NotModified;
    }
    // If-Range asks for a part of exactly this version; a date proves nothing, since none is given out.
    let Some(range) = conditions.range.filter(|_| conditions.if_range.is_none_or(|tag| tag.trim() == etag))
    else {
        return Answer::Whole;
    };
    match parse(range) {
        None => Answer::Whole,
        Some(Range::From(first, last)) => {
            if first >= size {
                return Answer::OutOfRange;
            }
            let last = last.unwrap_or(u64::MAX).min(size - 1);
            Answer::Part { start: first, len: last - first + 1 }
        }
        Some(Range::Last(0)) => Answer::OutOfRange,
        Some(Range::Last(_)) if size == 0 => Answer::OutOfRange,
        Some(Range::Last(count)) => {
            let len = count.min(size);
            Answer::Part { start: size - len, len }
        }
    }
}

enum Range {
    /// From here to there, or to the end.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Last(u64),
}

fn parse(range: &str) -> Option<Range> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    // Digits beyond 64 bits are beyond every file.
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => number(last).map(Range::Last),
        (false, true) => number(first).map(|first| Range::From(first, None)),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Range::From(first, Some(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn range(range: &str) -> Answer {
        decide(Conditions { range: Some(range), ..Conditions::default() }, ETAG, 100)
    }

    #[test]
    fn one_range_is_answered_in_part() {
        for (text, start, len) in [
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 10),
            ("bytes=90-", 90, 10),
            ("bytes=-5", 95, 5),
            ("bytes=-500", 0, 100),
            ("bytes=99-99999999999999999999999", 99, 1),
            ("Bytes = 0-9", 0, 10),
        ] {
            assert_eq!(range(text), Answer::Part { start, len }, "{text}");
        }
    }

    #[test]
    fn a_range_beyond_the_end_is_out_of_range() {
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(text), Answer::OutOfRange, "{text}");
        }
    }

    #[test]
    fn a_range_nobody_can_read_and_several_at_once_get_everything() {
        for text in [
            "bytes=",
            "bytes=-",
            "bytes=5-1",
            "bytes=a-b",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes",
            "bytes=+1-2",
        ] {
            assert_eq!(range(text), Answer::Whole, "{text}");
        }
    }

    #[test]
    fn if_range_wants_exactly_this_version() {
        let ask = |if_range| {
            let range = Some("bytes=1-");
            decide(Conditions { if_range: Some(if_range), range, ..Conditions::default() }, ETAG, 100)
        };
        assert_eq!(ask(ETAG), Answer::Part { start: 1, len: 99 });
        for other in ["\"def\"", "W/\"abc\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(ask(other), Answer::Whole, "{other}");
        }
    }

    #[test]
    fn conditions_come_before_ranges() {
        let none_match = |list| {
            let conditions =
                Conditions { if_none_match: Some(list), range: Some("bytes=0-1"), ..Conditions::default() };
            decide(conditions, ETAG, 100)
        };
        for same in [ETAG, "W/\"abc\"", "*", "\"x\", \"abc\""] {
            assert_eq!(none_match(same), Answer::NotModified, "{same}");
        }
        assert_eq!(none_match("\"x\""), Answer::Part { start: 0, len: 2 });
        let matches = |list| decide(Conditions { if_match: Some(list), ..Conditions::default() }, ETAG, 100);
        assert_eq!(matches(ETAG), Answer::Whole);
        assert_eq!(matches("*"), Answer::Whole);
        assert_eq!(matches("W/\"abc\""), Answer::PreconditionFailed);
        assert_eq!(matches("\"x\""), Answer::PreconditionFailed);
    }
}
