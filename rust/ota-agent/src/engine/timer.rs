//! How long a page may take to report ready: foreground time, on a clock that never goes back.

use std::time::Duration;

/// The time a page has left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ReadyTimer {
    /// Left, as of `since`; `None`: nothing is waited for.
    left: Option<Duration>,
    /// Since when it runs; `None`: paused.
    since: Option<Duration>,
}

impl ReadyTimer {
    /// Starts anew: a boot, an activity made again, a renderer that restarted.
    pub(super) fn start(allowed: Duration, now: Duration, is_foreground: bool) -> Self {
        Self { left: Some(allowed), since: is_foreground.then_some(now) }
    }

    /// The app left the screen.
    pub(super) fn pause(&mut self, now: Duration) {
        self.left = self.remaining(now);
        self.since = None;
    }

    /// The app came to the screen.
    pub(super) fn resume(&mut self, now: Duration) {
        if self.since.is_none() {
            self.since = Some(now);
        }
    }

    /// Nothing is waited for any more.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// What is left; `None`: nothing is waited for.
    pub(super) fn remaining(&self, now: Duration) -> Option<Duration> {
        let run = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.left.map(|left| left.saturating_sub(run))
    }

    /// When to look again; `None`: not before the app comes to the screen.
    pub(super) fn due_in(&self, now: Duration) -> Option<Duration> {
        self.since.and(self.remaining(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_in_the_background_does_not_count() {
        let mut timer = ReadyTimer::start(s(10), s(100), true);
        assert_eq!(timer.due_in(s(104)), Some(s(6)));
        timer.pause(s(104));
        assert_eq!(timer.due_in(s(9_000)), None);
        timer.resume(s(9_000));
        assert_eq!(timer.due_in(s(9_005)), Some(s(1)));
        assert_eq!(timer.due_in(s(9_100)), Some(s(0)));
    }

    #[test]
    fn a_page_that_starts_in_the_background_is_not_hurried() {
        let mut timer = ReadyTimer::start(s(10), s(0), false);
        assert_eq!(timer.due_in(s(1_000)), None);
        timer.resume(s(1_000));
        assert_eq!(timer.due_in(s(1_000)), Some(s(10)));
    }

    #[test]
    fn two_marks_of_one_kind_are_one() {
        let mut timer = ReadyTimer::start(s(10), s(0), true);
        timer.resume(s(5));
        assert_eq!(timer.due_in(s(6)), Some(s(4)));
        timer.pause(s(6));
        timer.pause(s(60));
        timer.resume(s(60));
        assert_eq!(timer.due_in(s(60)), Some(s(4)));
    }

    #[test]
    fn after_a_stop_nothing_is_due() {
        let mut timer = ReadyTimer::start(s(10), s(0), true);
        timer.stop();
        timer.resume(s(1));
        assert_eq!(timer.due_in(s(100)), None);
    }
}
