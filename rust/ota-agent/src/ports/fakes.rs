//! Fakes of the ports, for tests (feature `test-util`).

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use ota_protocol::UnixSeconds;

use super::Clock;

/// A clock that moves when it is told to, and whose sleeps take no time: each moves the clock on and is noted.
#[derive(Debug)]
pub struct TestClock(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    now: UnixSeconds,
    /// Of a second, that sleeps have added to `now` but that it cannot show.
    fraction: Duration,
    monotonic: Duration,
    sleeps: Vec<Duration>,
    seed: u64,
    os_boot_id: Option<String>,
}

impl TestClock {
    /// Starts at `now`; the monotonic clock starts at 1000 s.
    pub fn new(now: UnixSeconds) -> Self {
        Self(Mutex::new(Inner {
            now,
            fraction: Duration::ZERO,
            monotonic: Duration::from_secs(1000),
            sleeps: Vec::new(),
            seed: 1,
            os_boot_id: Some("os-boot-1".to_owned()),
        }))
    }

    /// Sets the wall clock alone, forwards or back.
    pub fn set_now(&self, now: UnixSeconds) {
        self.with(|inner| inner.now = now);
    }

    /// Lets time pass: both clocks move on.
    pub fn advance(&self, time: Duration) {
        self.with(|inner| inner.pass(time));
    }

    /// Another run of the operating system: the monotonic clock starts anew.
    pub fn set_os_boot_id(&self, id: Option<&str>) {
        self.with(|inner| {
            inner.os_boot_id = id.map(str::to_owned);
            inner.monotonic = Duration::from_secs(1);
        });
    }

    /// Chooses what [`Clock::random`] gives from here on.
    pub fn set_seed(&self, seed: u64) {
        self.with(|inner| inner.seed = seed);
    }

    /// Every sleep so far.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.with(|inner| inner.sleeps.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        // A test that panicked elsewhere leaves nothing half done in here.
        act(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Default for TestClock {
    /// Starts on 2026-01-01.
    fn default() -> Self {
        Self::new(1_767_225_600)
    }
}

impl Inner {
    fn pass(&mut self, time: Duration) {
        self.monotonic += time;
        self.fraction += time;
        self.now += self.fraction.as_secs();
        self.fraction = Duration::from_nanos(u64::from(self.fraction.subsec_nanos()));
    }

    /// `SplitMix64`: every seed gives a good sequence, the same every time.
    fn next(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixSeconds {
        self.with(|inner| inner.now)
    }

    fn monotonic(&self) -> Duration {
        self.with(|inner| inner.monotonic)
    }

    fn sleep(&self, time: Duration) {
        self.with(|inner| {
            inner.sleeps.push(time);
            inner.pass(time);
        });
    }

    fn random(&self) -> io::Result<[u8; 16]> {
        let (high, low) = self.with(|inner| (inner.next(), inner.next()));
        Ok((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    fn os_boot_id(&self) -> Option<String> {
        self.with(|inner| inner.os_boot_id.clone())
    }
}
