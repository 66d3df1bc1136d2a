//! When to ask by ourselves, and what the last check left behind.

use ota_protocol::UnixSeconds;
use serde::{Deserialize, Serialize};

use super::config::{Config, Mode};
use crate::error::{AgentError, At};
use crate::ports::Fs;
use crate::store::Layout;
use crate::transfer::Policy;

/// What the last check left. Worthless if lost, so it is written without a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct CheckMemory {
    /// When the last check was begun.
    #[serde(default)]
    pub(super) at: UnixSeconds,
    /// Until when the server asked to be left alone.
    #[serde(default)]
    pub(super) retry_at: UnixSeconds,
}

impl CheckMemory {
    pub(super) fn load(fs: &dyn Fs, layout: &Layout) -> Self {
        let bytes = fs.read(&layout.check(), 4096).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(super) fn save(self, fs: &dyn Fs, layout: &Layout) -> Result<(), AgentError> {
        let path = layout.check();
        let tmp = path.with_extension("tmp");
        let bytes = serde_json::to_vec(&self).map_err(std::io::Error::other).at("write", &tmp)?;
        fs.remove_file(&tmp).at("remove", &tmp)?;
        fs.create_new(&tmp).at("create", &tmp)?.write_all(&bytes).at("write", &tmp)?;
        fs.rename(&tmp, &path).at("rename", &path)
    }

    /// Until when no check may go out. A time further ahead than a day is void: a clock was wrong.
    pub(super) fn held_until(self, now: UnixSeconds) -> Option<UnixSeconds> {
        let ahead = self.retry_at.checked_sub(now).filter(|ahead| *ahead > 0)?;
        (ahead <= Policy::MAX_RETRY_AFTER).then_some(self.retry_at)
    }

    /// Whether the time between two checks has passed. A last check in the future was a wrong clock's.
    fn is_due(self, config: &Config, now: UnixSeconds) -> bool {
        self.at > now || now - self.at >= config.check_interval.as_secs()
    }
}

/// Whether a check should go out by itself. After a crashed boot at once: the next release may be the cure.
pub(super) fn wants_check(
    config: &Config,
    memory: CheckMemory,
    now: UnixSeconds,
    is_live_reload: bool,
    after_crash: bool,
) -> bool {
    config.mode != Mode::Off
        && config.update_url.is_some()
        && !config.problems.iter().any(|problem| problem.is_fatal)
        && !is_live_reload
        && memory.held_until(now).is_none()
        && (after_crash || memory.is_due(config, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_800_000_000;

    fn config() -> Config {
        Config { update_url: "https://ota.example.com/check".parse().ok(), ..Config::default() }
    }

    fn wants(memory: CheckMemory) -> bool {
        wants_check(&config(), memory, NOW, false, false)
    }

    #[test]
    fn not_more_often_than_the_interval() {
        assert!(wants(CheckMemory::default()));
        assert!(!wants(CheckMemory { at: NOW - 599, retry_at: 0 }));
        assert!(wants(CheckMemory { at: NOW - 600, retry_at: 0 }));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_silence_checks() {
        assert!(wants(CheckMemory { at: NOW + 1_000_000, retry_at: 0 }));
    }

    #[test]
    fn after_a_crash_the_interval_is_not_waited_for() {
        let memory = CheckMemory { at: NOW - 1, retry_at: 0 };
        assert!(wants_check(&config(), memory, NOW, false, true));
    }

    #[test]
    fn a_server_that_asked_for_rest_gets_it_but_for_a_day_at_most() {
        let memory = |retry_at| CheckMemory { at: 0, retry_at };
        assert_eq!(memory(NOW + 5).held_until(NOW), Some(NOW + 5));
        assert_eq!(memory(NOW).held_until(NOW), None);
        assert_eq!(memory(NOW + 86_400).held_until(NOW), Some(NOW + 86_400));
        assert_eq!(memory(NOW + 86_401).held_until(NOW), None);
        assert!(!wants_check(&config(), memory(NOW + 5), NOW, false, true));
    }

    #[test]
    fn nothing_goes_out_by_itself_when_it_is_switched_off_or_has_nowhere_to_go() {
        let off = Config { mode: Mode::Off, ..config() };
        assert!(!wants_check(&off, CheckMemory::default(), NOW, false, false));
        assert!(!wants_check(&Config::default(), CheckMemory::default(), NOW, false, false));
        assert!(!wants_check(&config(), CheckMemory::default(), NOW, true, false));
    }
}
