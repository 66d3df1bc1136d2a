//! What an answer's head means, decided without touching anything.

use ota_protocol::UnixSeconds;

use super::http_date;
use super::policy::Policy;
use crate::ports::Response;

/// What kind of answer a status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 2xx. Which one is wanted, the caller knows.
    Success,
    /// 301, 302, 303, 307, 308.
    Redirect,
    /// The same question may be answered better in a moment: 408, and 5xx without `Retry-After`.
    Passing,
    /// The server wants to be left alone for so many seconds: 429, and 503 with `Retry-After`.
    Later(u64),
    /// 404, 410.
    Gone,
    /// Any other; asking again gives the same.
    Settled,
}

/// Sorts an answer by its status. `wait`: seconds of a readable `Retry-After`.
pub(super) fn kind(status: u16, wait: Option<u64>) -> Kind {
    match (status, wait) {
        (200..=299, _) => Kind::Success,
        (301 | 302 | 303 | 307 | 308, _) => Kind::Redirect,
        // Not tried again on our own, however short the wait: the server has said when.
        (429, wait) => Kind::Later(wait.unwrap_or(Policy::DEFAULT_RETRY_AFTER)),
        (503, Some(wait)) => Kind::Later(wait),
        (408 | 500..=599, _) => Kind::Passing,
        (404 | 410, _) => Kind::Gone,
        _ => Kind::Settled,
    }
}

/// Seconds that a `Retry-After` value asks for, from 1 to a day. A date counts from the server's own clock where the
/// answer states it, so that a wrong clock on the device does not matter.
pub(super) fn retry_after(value: &str, server_now: Option<UnixSeconds>, now: UnixSeconds) -> Option<u64> {
    let value = value.trim();
    let seconds = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds is a long time.
        value.parse().unwrap_or(u64::MAX)
    } else {
        http_date::parse(value)?.saturating_sub(server_now.unwrap_or(now))
    };
    Some(seconds.clamp(1, Policy::MAX_RETRY_AFTER))
}

/// When the server says it answered.
pub(super) fn date(response: &Response) -> Option<UnixSeconds> {
    response.header("date").and_then(http_date::parse)
}

/// Seconds of the answer's `Retry-After`.
pub(super) fn wait_of(response: &Response, now: UnixSeconds) -> Option<u64> {
    retry_after(response.header("retry-after")?, date(response), now)
}

/// The coding that was put on top of the bytes, though none was asked for.
pub(super) fn coding(response: &Response) -> Option<&str> {
    let coding = response.header("content-encoding")?.trim();
    (!coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).then_some(coding)
}

/// Whether the answer calls itself a web page, which nothing we ask for is.
pub(super) fn is_web_page(response: &Response) -> bool {
    let kind = response.header("content-type").unwrap_or_default().trim_start().as_bytes();
    kind.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"text/html"))
}

/// The length that the head states.
pub(super) fn length(response: &Response) -> Option<u64> {
    response.header("content-length")?.trim().parse().ok()
}

/// An `ETag` that names exact bytes. A weak one (`W/"…"`) does not, and must not be resumed with.
pub(super) fn strong_etag(value: &str) -> Option<&str> {
    let value = value.trim();
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let plain = inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    (plain && value.len() <= MAX_ETAG).then_some(value)
}

/// A longer `ETag` is taken for none.
pub(super) const MAX_ETAG: usize = 256;

/// `bytes FIRST-LAST/TOTAL`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) total: u64,
}

/// Reads a `Content-Range` that states all three numbers, and possible ones.
pub(super) fn content_range(value: &str) -> Option<ContentRange> {
    let (unit, rest) = value.trim().split_once(' ')?;
    let (range, total) = rest.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    let range = ContentRange { first: number(first)?, last: number(last)?, total: number(total)? };
    (unit.eq_ignore_ascii_case("bytes") && range.first <= range.last && range.last < range.total)
        .then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_kind() {
        for status in 0..=999 {
            let (without, with) = (kind(status, None), kind(status, Some(7)));
            match status {
                429 => assert_eq!((without, with), (Kind::Later(60), Kind::Later(7))),
                503 => assert_eq!((without, with), (Kind::Passing, Kind::Later(7))),
                _ => assert_eq!(without, with, "{status}"),
            }
            assert_eq!(without == Kind::Success, status / 100 == 2, "{status}");
            assert_eq!(without == Kind::Gone, status == 404 || status == 410, "{status}");
            assert_eq!(without == Kind::Redirect, [301, 302, 303, 307, 308].contains(&status), "{status}");
            assert_eq!(without == Kind::Passing, status == 408 || status / 100 == 5, "{status}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_a_day() {
        let now = 1_795_517_722; // Tue, 24 Nov 2026 10:55:22 GMT
        for (value, expected) in [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("0", Some(1)),
            ("86401", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("Tue, 24 Nov 2026 10:57:22 GMT", Some(120)),
            ("Tuesday, 24-Nov-26 10:57:22 GMT", Some(120)),
            ("Tue Nov 24 10:57:22 2026", Some(120)),
            ("Tue, 24 Nov 2020 10:57:22 GMT", Some(1)),
            ("Tue, 24 Nov 2099 10:57:22 GMT", Some(86_400)),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, None, now), expected, "{value}");
        }
    }

    #[test]
    fn a_date_counts_from_the_servers_clock_where_it_is_known() {
        let server = 1_795_517_722;
        let value = "Tue, 24 Nov 2026 10:57:22 GMT";
        assert_eq!(retry_after(value, Some(server), 0), Some(120));
        assert_eq!(retry_after(value, Some(server), u64::MAX), Some(120));
    }

    #[test]
    fn only_strong_etags_name_bytes() {
        let long = format!("\"{}\"", "a".repeat(MAX_ETAG));
        for (value, strong) in [
            ("\"abc\"", true),
            (" \"abc\" ", true),
            ("\"\"", true),
            ("W/\"abc\"", false),
            ("abc", false),
            ("\"", false),
            ("\"a\"b\"", false),
            ("\"a\r\nb\"", false),
            ("", false),
            (long.as_str(), false),
        ] {
            assert_eq!(strong_etag(value).is_some(), strong, "{value}");
        }
    }

    #[test]
    fn a_content_range_states_three_possible_numbers() {
        assert_eq!(content_range("bytes 5-9/10"), Some(ContentRange { first: 5, last: 9, total: 10 }));
        assert_eq!(content_range("Bytes 0-0/1"), Some(ContentRange { first: 0, last: 0, total: 1 }));
        for value in [
            "",
            "bytes",
            "bytes 5-9/*",
            "bytes */10",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "items 5-9/10",
            "bytes -5-9/10",
            "bytes 5-9/99999999999999999999999",
            "bytes +5-9/10",
            "bytes=5-9/10",
        ] {
            assert_eq!(content_range(value), None, "{value}");
        }
    }
}
