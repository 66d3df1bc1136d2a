//! What a publisher should know before devices find out.

use std::time::SystemTime;

use crate::output::Warning;
use crate::prepared::Prepared;
use crate::text;

/// Clocks may differ by less than this many seconds.
const CLOCK_TOLERANCE: u64 = 60;

/// The commonest mistake of all: an app that never says that it came up, and is rolled back on every device.
pub(super) fn ready(prepared: &Prepared) -> Option<Warning> {
    (!prepared.calls_ready).then(|| Warning {
        code: "ready_never_called",
        message: "no script contains notifyAppReady. Devices go back to the version before when it is not called in \
                  time. Call it once the app is up, or set plugins.Ota.confirm to \"load\"."
            .to_owned(),
    })
}

/// Sequences and dates are made of clocks; devices compare them.
pub(super) fn clock(server: SystemTime) -> Option<Warning> {
    off(server, SystemTime::now())
}

fn off(server: SystemTime, here: SystemTime) -> Option<Warning> {
    let (seconds, side) = match here.duration_since(server) {
        Ok(ahead) => (ahead.as_secs(), "ahead of"),
        Err(behind) => (behind.duration().as_secs(), "behind"),
    };
    (seconds >= CLOCK_TOLERANCE).then(|| Warning {
        code: "clock_off",
        message: format!(
            "this machine's clock is {} {side} the server's. Set the one that is wrong: releases carry the time they \
             were made.",
            text::duration(seconds)
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_minute_is_off_and_less_is_not_in_either_direction() {
        let server = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let at = |seconds| off(server, server + Duration::from_secs(seconds));
        assert_eq!(at(59), None);
        assert!(at(60).unwrap().message.contains("1 min 0 s ahead of"));
        assert_eq!(off(server, server - Duration::from_secs(59)), None);
        let behind = off(server, server - Duration::from_hours(2)).unwrap();
        assert!(behind.message.contains("2 h 0 min behind"), "{}", behind.message);
    }
}
