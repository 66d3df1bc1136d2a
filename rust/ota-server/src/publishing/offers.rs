//! Which of a channel's releases a check's reply lists.

use ota_protocol::release::ReleaseDocument;
use ota_protocol::{NativeRange, Platform};

/// The most releases a reply lists.
pub(super) const MOST: usize = 16;

/// Whom a release is for, its rollout aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Sorted; empty: all.
    platforms: Vec<String>,
    native: NativeRange,
}

impl Audience {
    /// Of a release; an Android package's has no bounds.
    pub(crate) fn of(document: Option<&ReleaseDocument>) -> Self {
        let Some(document) = document else { return Self::default() };
        let mut platforms: Vec<_> =
            document.platforms.iter().map(|platform| platform.as_str().to_owned()).collect();
        platforms.sort_unstable();
        platforms.dedup();
        Self { platforms, native: document.native.clone() }
    }

    /// As one word, for the database. Platforms and versions hold neither `|` nor `,` (`Wish` sees to it).
    pub(crate) fn word(&self) -> String {
        let end = |end: &Option<String>| end.clone().unwrap_or_default();
        format!("{}|{}|{}", self.platforms.join(","), end(&self.native.min), end(&self.native.max))
    }

    /// Reads [`Audience::word`].
    pub(crate) fn parse(word: &str) -> Self {
        let mut parts = word.splitn(3, '|');
        let mut part = || parts.next().unwrap_or_default();
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let platforms = part().split(',').filter_map(some).collect();
        Self { platforms, native: NativeRange { min: some(part()), max: some(part()) } }
    }

    /// Whether every device of `other` is certainly one of these.
    fn holds(&self, other: &Self) -> bool {
        let platforms = self.platforms.is_empty()
            || (!other.platforms.is_empty() && other.platforms.iter().all(|p| self.platforms.contains(p)));
        platforms && (self.native.is_open() || self.native == other.native)
    }

    /// Whether nobody is left out, not even a client that says nothing of itself.
    pub(super) fn is_everybody(&self) -> bool {
        self.platforms.is_empty() && self.native.is_open()
    }
}

/// Collects a reply's releases: the newest, and on from there until every audience that has a complete release has
/// one in the list, at most [`MOST`]. So a partial rollout, a release for Android alone or for native 2.x alone
/// starves nobody.
#[derive(Debug)]
pub(super) struct Offers {
    /// Audiences whose complete release is yet to come.
    waiting: Vec<Audience>,
    taken: Vec<(Audience, ReleaseDocument)>,
}

impl Offers {
    /// `audiences`: those that have a complete release in the channel.
    pub(super) fn new(audiences: Vec<Audience>) -> Self {
        Self { waiting: audiences, taken: Vec::new() }
    }

    /// Takes the next release, newest first.
    pub(super) fn take(&mut self, document: ReleaseDocument) {
        let audience = Audience::of(Some(&document));
        if document.percent.is_complete() {
            self.waiting.retain(|waiting| !audience.holds(waiting));
        }
        self.taken.push((audience, document));
        if self.taken.len() > MOST {
            self.shorten();
        }
    }

    /// Whether nobody waits, so that older releases can reach no device.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.taken.is_empty()
    }

    /// Drops one release: the oldest that a newer complete one makes unreachable; or else the oldest partial one,
    /// since its devices still get a complete one; or else the oldest.
    fn shorten(&mut self) {
        let complete = |at: usize| self.taken[at].1.percent.is_complete();
        let is_hidden =
            |at: usize| (0..at).any(|newer| complete(newer) && self.taken[newer].0.holds(&self.taken[at].0));
        let last = self.taken.len() - 1;
        let drop = (1..=last)
            .rev()
            .find(|at| is_hidden(*at))
            .or_else(|| (1..=last).rev().find(|at| !complete(*at)))
            .unwrap_or(last);
        self.taken.remove(drop);
    }

    /// The list, newest first.
    pub(super) fn finish(self) -> Vec<ReleaseDocument> {
        self.taken.into_iter().map(|(_, document)| document).collect()
    }
}

/// Whether `platform` may stand in an audience's word.
pub(super) fn is_word(platform: &Platform) -> bool {
    let text = platform.as_str();
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release in short: `1.0 50% android 2.x`; the last three may be absent.
    fn release(text: &str) -> ReleaseDocument {
        let mut document: ReleaseDocument =
            serde_json::from_str(r#"{"channel":"stable","version":"1","sequence":1}"#).unwrap();
        for (at, word) in text.split(' ').enumerate() {
            if at == 0 {
                document.version = word.parse().unwrap();
            } else if word.ends_with('%') {
                document.percent = word.parse().unwrap();
            } else if word.ends_with('x') {
                document.native.max = Some(word.to_owned());
            } else {
                document.platforms.push(Platform::from(word.to_owned()));
            }
        }
        document
    }

    fn list(newest_first: &[&str]) -> Vec<String> {
        let releases: Vec<_> = newest_first.iter().map(|text| release(text)).collect();
        let complete = releases.iter().filter(|r| r.percent.is_complete());
        let mut offers = Offers::new(complete.map(|r| Audience::of(Some(r))).collect());
        for release in releases {
            offers.take(release);
            if offers.is_done() {
                break;
            }
        }
        offers.finish().into_iter().map(|document| document.version.to_string()).collect()
    }

    #[test]
    fn a_complete_release_for_everybody_stands_alone() {
        assert_eq!(list(&["3", "2", "1"]), ["3"]);
        assert_eq!(list(&["3", "2 android", "1 ios"]), ["3"]);
        assert!(list(&[]).is_empty());
    }

    #[test]
    fn a_rollout_is_followed_by_what_the_others_keep() {
        assert_eq!(list(&["4 10%", "3 50%", "2", "1"]), ["4", "3", "2"]);
        assert_eq!(list(&["1 10%"]), ["1"]);
    }

    #[test]
    fn a_release_for_one_system_starves_nobody() {
        assert_eq!(list(&["3 android", "2", "1"]), ["3", "2"]);
        assert_eq!(list(&["4 android", "3 android", "2 ios", "1"]), ["4", "3", "2", "1"]);
        assert_eq!(list(&["4 android", "3 android", "2 ios", "1 ios"]), ["4", "3", "2"]);
        assert_eq!(list(&["2 android ios", "1 ios"]), ["2"]);
    }

    #[test]
    fn a_release_for_some_native_versions_starves_nobody() {
        assert_eq!(list(&["3 2.x", "2 1.x", "1 1.x"]), ["3", "2"]);
        assert_eq!(list(&["3 2.x", "2", "1"]), ["3", "2"]);
        assert_eq!(list(&["2 2.x", "1 2.x"]), ["2"]);
    }

    #[test]
    fn a_long_line_keeps_what_can_still_reach_a_device() {
        let mut many = vec!["last 10%"];
        many.extend(std::iter::repeat_n("android android", 40));
        many.extend(["ios ios", "all", "older"]);
        let kept = list(&many);
        assert_eq!(kept.len(), MOST);
        assert_eq!(&kept[..2], ["last", "android"]);
        assert_eq!(&kept[MOST - 2..], ["ios", "all"]);

        let mut partial = vec!["partial 10%"; 40];
        partial.push("all");
        let kept = list(&partial);
        assert_eq!((kept.len(), kept[0].as_str(), kept[MOST - 1].as_str()), (MOST, "partial", "all"));
    }

    #[test]
    fn the_word_reads_back() {
        for text in ["1", "1 android", "1 ios android 2.x", "1 3.x"] {
            let audience = Audience::of(Some(&release(text)));
            assert_eq!(Audience::parse(&audience.word()), audience, "{text}");
        }
    }
}
