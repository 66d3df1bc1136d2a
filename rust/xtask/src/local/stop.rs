//! Ctrl-C and SIGTERM: what is under way is left, and everything is put away before the process ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::project::Outcome;

/// Whether somebody wants an end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens from now on. A second signal ends the process at once.
    ///
    /// # Errors
    /// Where the system does not let us.
    pub(crate) fn listen() -> Outcome<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop.0))?;
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Whether a signal came.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error where a signal came.
    ///
    /// # Errors
    /// That one.
    pub(crate) fn check(&self) -> Outcome {
        if self.is_wanted() { Err("stopped".into()) } else { Ok(()) }
    }
}
