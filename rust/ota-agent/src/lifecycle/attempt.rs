//! The record of one boot, kept beside the state so that an ordinary boot writes no more than this.

use serde::{Deserialize, Serialize};

use super::names::{BundleId, OsBoot, Token};

/// Where the app was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Not on the screen since this boot.
    Never,
    /// On the screen.
    Foreground,
    /// Off the screen again.
    Background,
}

/// One boot. Written in place and without a sync: what it says is useful and never vital.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// Which boot.
    pub token: Token,
    /// The run of the operating system it happened in; `None`: not known.
    pub os_boot: Option<OsBoot>,
    /// The bundle it chose.
    pub bundle: BundleId,
    /// Where the app was last seen.
    pub mark: Mark,
    /// The page reported ready. Nothing counts any more then.
    pub ready: bool,
    /// The boot was ended: by a failure, a time-out or a reset. Its page has no say any more.
    pub over: bool,
    /// The page was not ready in time.
    pub late: bool,
    /// How many boots of this confirmed bundle in a row, before this one, crashed.
    pub crashes: u8,
    /// Renderer deaths in this boot for which the system gave no reason.
    pub renderer_deaths: u8,
    /// Renderer crashes in this boot.
    pub renderer_crashes: u8,
}

impl Attempt {
    /// Whether the boot's page may still say how it went.
    pub fn is_open(&self) -> bool {
        !self.ready && !self.over
    }

    /// The boot was ended. What was counted in it has been acted on.
    pub(super) fn ended(self) -> Self {
        Self { over: true, late: false, crashes: 0, renderer_deaths: 0, renderer_crashes: 0, ..self }
    }
}
