//! Trying again, after a while.

use std::time::Duration;

use super::error::TransferError;
use super::policy::Policy;
use crate::ports::{Cancel, Clock, TransportError};

/// Why a try failed, and whether another one may do better.
#[derive(Debug)]
pub(super) enum Fault {
    /// It may.
    Passing(TransferError),
    /// It would end the same.
    Settled(TransferError),
}

impl Fault {
    /// A failed connection. A certificate that is refused stays refused.
    pub(super) fn of_transport(error: TransportError) -> Self {
        let reason = error.to_string();
        match error {
            TransportError::Unreachable(reason) => Self::Passing(TransferError::Offline { reason }),
            TransportError::TimedOut => Self::Passing(TransferError::Offline { reason }),
            TransportError::Malformed(_) => Self::Passing(TransferError::BadReply { reason }),
            TransportError::Tls(_) => Self::Settled(TransferError::Offline { reason }),
            TransportError::Cancelled => Self::Settled(TransferError::Cancelled),
        }
    }

    pub(super) fn bad_reply(reason: impl Into<String>) -> Self {
        Self::Settled(TransferError::BadReply { reason: reason.into() })
    }
}

impl From<TransferError> for Fault {
    fn from(error: TransferError) -> Self {
        Self::Settled(error)
    }
}

/// Cancel is looked at this often while waiting.
const STEP: Duration = Duration::from_millis(250);

/// Tries, up to the policy's number of times. `deadline` is a moment of the monotonic clock: no wait goes beyond it.
pub(super) fn with_retries<T>(
    clock: &dyn Clock,
    policy: &Policy,
    deadline: Option<Duration>,
    cancel: &Cancel,
    mut attempt: impl FnMut() -> Result<T, Fault>,
) -> Result<T, TransferError> {
    let mut failed = 0;
    loop {
        if cancel.is_cancelled() {
            return Err(TransferError::Cancelled);
        }
        let error = match attempt() {
            Ok(done) => return Ok(done),
            Err(Fault::Settled(error)) => return Err(error),
            Err(Fault::Passing(error)) => error,
        };
        failed += 1;
        if failed >= policy.attempts.max(1) {
            return Err(error);
        }
        // Without randomness the longest wait is the polite one.
        let chance = clock
            .random()
            .map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes.first_chunk().unwrap_or(&[255; 8])));
        let wait = backoff(policy, failed, chance);
        if deadline.is_some_and(|deadline| clock.monotonic() + wait >= deadline) {
            return Err(error);
        }
        pause(clock, wait, cancel)?;
    }
}

/// The wait after the `failed`th failure (from 1): full jitter, that is anything from nothing to the exponential
/// bound, so that devices which lost the same server do not come back together.
fn backoff(policy: &Policy, failed: u32, chance: u64) -> Duration {
    let bound = policy.base_delay.saturating_mul(1_u32.checked_shl(failed - 1).unwrap_or(u32::MAX));
    let bound = bound.min(policy.max_delay).as_nanos();
    let part = bound.saturating_mul(u128::from(chance)) / u128::from(u64::MAX);
    Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX))
}

fn pause(clock: &dyn Clock, wait: Duration, cancel: &Cancel) -> Result<(), TransferError> {
    let mut left = wait;
    while !left.is_zero() {
        let step = left.min(STEP);
        clock.sleep(step);
        if cancel.is_cancelled() {
            return Err(TransferError::Cancelled);
        }
        left -= step;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::TestClock;

    fn passing() -> Fault {
        Fault::Passing(TransferError::Status { status: 500 })
    }

    #[test]
    fn waits_grow_exponentially_and_have_a_bound() {
        let policy = Policy::default();
        let longest: Vec<u64> = (1..=8).map(|n| backoff(&policy, n, u64::MAX).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff(&policy, 200, u64::MAX), policy.max_delay);
        assert_eq!(backoff(&policy, 3, 0), Duration::ZERO);
        assert_eq!(backoff(&policy, 3, u64::MAX / 2).as_millis(), 1999);
    }

    #[test]
    fn four_tries_have_three_waits_within_their_bounds() {
        for seed in 0..50 {
            let clock = TestClock::default();
            clock.set_seed(seed);
            let start = clock.monotonic();
            let mut tries = 0;
            let result = with_retries(&clock, &Policy::default(), None, &Cancel::default(), || {
                tries += 1;
                Err::<(), _>(passing())
            });
            assert!(matches!(result, Err(TransferError::Status { status: 500 })));
            assert_eq!(tries, 4);
            assert!(clock.monotonic() <= start + Duration::from_secs(1 + 2 + 4));
            assert!(clock.sleeps().iter().all(|sleep| *sleep <= STEP));
        }
    }

    #[test]
    fn devices_do_not_wait_the_same_time() {
        let total =
            |seed| {
                let clock = TestClock::default();
                clock.set_seed(seed);
                let _ = with_retries(&clock, &Policy::default(), None, &Cancel::default(), || {
                    Err::<(), _>(passing())
                });
                clock.sleeps().iter().sum::<Duration>()
            };
        assert_ne!(total(1), total(2));
    }

    #[test]
    fn what_would_end_the_same_is_not_tried_again() {
        let clock = TestClock::default();
        let mut tries = 0;
        let result = with_retries(&clock, &Policy::default(), None, &Cancel::default(), || {
            tries += 1;
            Err::<(), _>(Fault::Settled(TransferError::Gone { status: 404 }))
        });
        assert!(matches!(result, Err(TransferError::Gone { status: 404 })));
        assert_eq!((tries, clock.sleeps().len()), (1, 0));
    }

    #[test]
    fn no_wait_goes_beyond_the_deadline() {
        let clock = TestClock::default();
        let policy = Policy {
            base_delay: Duration::from_secs(100),
            max_delay: Duration::from_secs(100),
            ..Policy::default()
        };
        let deadline = clock.monotonic() + Duration::from_secs(30);
        let result = with_retries(&clock, &policy, Some(deadline), &Cancel::default(), || {
            clock.advance(Duration::from_secs(20));
            Err::<(), _>(passing())
        });
        assert!(matches!(result, Err(TransferError::Status { .. })));
        assert!(clock.monotonic() < deadline + Duration::from_secs(20));
    }

    #[test]
    fn cancel_ends_a_wait() {
        struct CancelsAfter(TestClock, usize, Cancel);
        impl Clock for CancelsAfter {
            fn now(&self) -> u64 {
                self.0.now()
            }
            fn monotonic(&self) -> Duration {
                self.0.monotonic()
            }
            fn sleep(&self, time: Duration) {
                self.0.sleep(time);
                if self.0.sleeps().len() == self.1 {
                    self.2.cancel();
                }
            }
            fn random(&self) -> std::io::Result<[u8; 16]> {
                Ok([255; 16])
            }
            fn os_boot_id(&self) -> Option<String> {
                None
            }
        }
        let cancel = Cancel::default();
        let clock = CancelsAfter(TestClock::default(), 2, cancel.clone());
        let result = with_retries(&clock, &Policy::default(), None, &cancel, || Err::<(), _>(passing()));
        assert!(matches!(result, Err(TransferError::Cancelled)));
        assert_eq!(clock.0.sleeps().len(), 2);
    }
}
