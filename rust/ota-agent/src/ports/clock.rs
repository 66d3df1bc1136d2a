//! Time and chance.

use std::time::Duration;

use ota_protocol::UnixSeconds;

/// Where the agent gets the time, and numbers nobody can guess.
pub trait Clock: Send + Sync {
    /// The wall clock. It can jump; nothing that must not go wrong rests on it alone.
    fn now(&self) -> UnixSeconds;
    /// A clock that never goes back, from an arbitrary start.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration);
    /// Sixteen random bytes.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    fn random(&self) -> std::io::Result<[u8; 16]>;
    /// Names this run of the operating system: differs after a reboot, stays otherwise. `None`: not known.
    fn os_boot_id(&self) -> Option<String>;
}

/// The system's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixSeconds {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn monotonic(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn random(&self) -> std::io::Result<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(bytes)
    }

    fn os_boot_id(&self) -> Option<String> {
        // Linux and Android give each boot a random name. Elsewhere the host passes its own.
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
    }
}
