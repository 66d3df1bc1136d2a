//! The number of a release: it rises, whatever is deleted, restored or moved.

use ota_protocol::eligibility::MAX_SEQUENCE_AHEAD as AHEAD;
use ota_protocol::{Code, UnixSeconds};

use crate::error::ApiError;

/// The sequence of the next release: `asked` by its publisher, or the server's own choice. The clock keeps a server
/// whose database was lost above the numbers that devices have seen.
pub(super) fn next(highest: u64, now: UnixSeconds, asked: Option<u64>) -> Result<u64, ApiError> {
    match asked {
        None => Ok(now.max(highest + 2)),
        Some(asked) if asked <= highest => Err(ApiError::new(
            Code::Sequence,
            format!("Sequence {asked} is not above the channel's highest, {highest}."),
        )),
        Some(asked) if asked > now + AHEAD => Err(ApiError::plain(
            Code::Sequence,
            format!(
                "Sequence {asked} is more than a day ahead of the server's clock ({now}). \
                 Set the clocks right and publish again."
            ),
        )),
        Some(asked) => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_and_always_two_above_the_highest() {
        assert_eq!(next(0, 1_000, None).unwrap(), 1_000);
        assert_eq!(next(999, 1_000, None).unwrap(), 1_001);
        assert_eq!(next(5_000, 1_000, None).unwrap(), 5_002);
    }

    #[test]
    fn an_asked_one_must_be_above_the_highest_and_at_most_a_day_ahead() {
        assert_eq!(next(10, 1_000, Some(11)).unwrap(), 11);
        for bad in [9, 10, 1_000 + AHEAD + 1] {
            assert_eq!(next(10, 1_000, Some(bad)).unwrap_err().code(), Code::Sequence, "{bad}");
        }
        assert_eq!(next(10, 1_000, Some(1_000 + AHEAD)).unwrap(), 1_000 + AHEAD);
    }
}
