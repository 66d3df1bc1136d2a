//! One update at a time: callers in this process share it, other processes are kept out.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::obtain::Obtained;
use crate::error::AgentError;
use crate::ports::{Cancel, Lock};
use crate::transfer::Progress;

/// How often a waiting caller looks at its own cancel.
const LOOK: Duration = Duration::from_millis(100);

/// The updates of this process.
#[derive(Default)]
pub(super) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lock: Weak<UpdateLock>,
    running: Option<Job>,
    /// Numbers jobs, so that a caller finds its own again.
    count: u64,
}

struct Job {
    number: u64,
    /// Which artifact.
    key: String,
    cancel: Cancel,
    callers: usize,
    progress: Option<Progress>,
    result: Option<Result<Obtained, Arc<AgentError>>>,
}

/// Held while any caller of this process updates.
pub(super) struct UpdateLock(#[allow(dead_code)] Box<dyn Lock>);

impl Jobs {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The updater's lock, shared with other callers in this process. `first` is run by the one who takes it.
    pub(super) fn lock(
        &self,
        take: impl FnOnce() -> Result<Box<dyn Lock>, AgentError>,
        first: impl FnOnce(),
    ) -> Result<Arc<UpdateLock>, AgentError> {
        let mut state = self.state();
        if let Some(lock) = state.lock.upgrade() {
            return Ok(lock);
        }
        let lock = Arc::new(UpdateLock(take()?));
        state.lock = Arc::downgrade(&lock);
        first();
        Ok(lock)
    }

    /// Runs `work` for the artifact `key` on a thread of its own, or joins the run for it that is under way; another
    /// artifact's run is waited for. A cancel ends this caller's wait, and the run when no caller is left.
    pub(super) fn run(
        self: &Arc<Self>,
        key: &str,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
        work: impl FnOnce(&Cancel, &mut dyn FnMut(Progress)) -> Result<Obtained, AgentError> + Send + 'static,
    ) -> Result<Obtained, AgentError> {
        let number = self.join_or_start(key, cancel, work)?;
        let mut state = self.state();
        loop {
            let Some(job) = state.running.as_mut().filter(|job| job.number == number) else {
                // Cannot be: a job stays until its last caller has left.
                return Err(AgentError::Cancelled);
            };
            let is_cancelled = cancel.is_cancelled();
            let result = job.result.clone();
            let progress = job.progress.take();
            if result.is_some() || is_cancelled {
                job.callers -= 1;
                if job.callers == 0 {
                    if result.is_some() {
                        state.running = None;
                    } else {
                        job.cancel.cancel();
                    }
                }
                self.changed.notify_all();
                return match result {
                    Some(result) => result.map_err(AgentError::Shared),
                    None => Err(AgentError::Cancelled),
                };
            }
            if let Some(progress) = progress {
                drop(state);
                on_progress(progress);
                state = self.state();
            } else {
                state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn join_or_start(
        self: &Arc<Self>,
        key: &str,
        cancel: &Cancel,
        work: impl FnOnce(&Cancel, &mut dyn FnMut(Progress)) -> Result<Obtained, AgentError> + Send + 'static,
    ) -> Result<u64, AgentError> {
        let mut state = self.state();
        loop {
            match &mut state.running {
                None => break,
                // One that is being cancelled is on its way out.
                Some(job) if job.key == key && !job.cancel.is_cancelled() => {
                    job.callers += 1;
                    return Ok(job.number);
                }
                Some(_) => {}
            }
            if cancel.is_cancelled() {
                return Err(AgentError::Cancelled);
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.count += 1;
        let number = state.count;
        let job_cancel = Cancel::default();
        state.running = Some(Job {
            number,
            key: key.to_owned(),
            cancel: job_cancel.clone(),
            callers: 1,
            progress: None,
            result: None,
        });
        drop(state);
        let jobs = Arc::clone(self);
        let run = move || {
            let mut report = |progress: Progress| jobs.with(number, |job| job.progress = Some(progress));
            // Whoever waits must hear of it, also when it is a bug of ours.
            let run = std::panic::AssertUnwindSafe(|| work(&job_cancel, &mut report));
            let result =
                std::panic::catch_unwind(run).unwrap_or(Err(AgentError::Internal("the update panicked")));
            jobs.finish(number, result.map_err(Arc::new));
        };
        let spawned = std::thread::Builder::new().name("ota-update".into()).spawn(run);
        if let Err(error) = spawned {
            self.state().running = None;
            return Err(AgentError::Disk {
                operation: "start a thread for",
                path: "update".into(),
                source: error,
            });
        }
        Ok(number)
    }

    fn with(&self, number: u64, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.state().running.as_mut().filter(|job| job.number == number) {
            change(job);
        }
        self.changed.notify_all();
    }

    fn finish(&self, number: u64, result: Result<Obtained, Arc<AgentError>>) {
        let mut state = self.state();
        if let Some(job) = state.running.as_mut().filter(|job| job.number == number) {
            if job.callers == 0 {
                state.running = None;
            } else {
                job.result = Some(result);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Ends whatever runs: its channel was left.
    pub(super) fn cancel_running(&self) {
        if let Some(job) = &self.state().running {
            job.cancel.cancel();
        }
    }
}
