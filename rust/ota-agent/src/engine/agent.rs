//! The agent: one object a process, usable from any thread.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ota_protocol::Root;

use super::app::App;
use super::config::Config;
use super::jobs::Jobs;
use super::timer::ReadyTimer;
use crate::error::{AgentError, At};
use crate::lifecycle::{self, Attempt, BundleId, Cause, Effect, Event, Machine, Notice, Rules, Step};
use crate::ports::{Fs, Lock, Ports};
use crate::store::lock::{self, StateGuard, StateLock};
use crate::store::{FailedUpdate, Layout, Record, attempt_file, state_file};

/// The agent on a device. Clones are the same agent.
#[derive(Clone)]
pub struct Agent {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) app: App,
    pub(super) layout: Layout,
    pub(super) ports: Ports,
    pub(super) rules: Rules,
    /// Taken after `live`, never before it.
    pub(super) state_lock: StateLock,
    pub(super) live: Mutex<Live>,
    pub(super) jobs: Arc<Jobs>,
}

/// What this process knows and the disk need not.
#[derive(Default)]
pub(super) struct Live {
    /// The latest boot of this process; `None`: the attempt on disk, if any, is what counts.
    pub(super) attempt: Option<Attempt>,
    /// Held by the process that starts trials and writes attempts; `None`: this is not it, so far.
    page: Option<Box<dyn Lock>>,
    /// Keeps the bundle shown from being deleted.
    pub(super) shown: Option<Box<dyn Lock>>,
    /// What the page has not been told yet.
    pub(super) notices: VecDeque<Notice>,
    /// How long the page has left.
    pub(super) timer: ReadyTimer,
    /// Bundles to be hashed when there is time.
    pub(super) suspects: Vec<Root>,
    /// Since when the app is off the screen.
    pub(super) away_since: Option<Duration>,
    /// Whether the boot of this process found that the one before it crashed.
    pub(super) after_crash: bool,
}

/// At most this many notices wait for a page; the oldest go first.
const MAX_NOTICES: usize = 64;

/// The state as it was read, and what is decided upon.
pub(super) struct Known {
    pub(super) loaded: state_file::Loaded,
    pub(super) record: Record,
}

impl Agent {
    /// An agent that keeps its things in `home`. Touches nothing yet.
    pub fn new(home: &Path, config: Config, app: App, ports: Ports) -> Self {
        for problem in &config.problems {
            log::warn!("config: {} ({})", problem.reason, problem.code);
        }
        let rules = Rules { max_boot_attempts: config.max_boot_attempts, ..Rules::default() };
        let inner = Inner {
            config,
            app,
            layout: Layout::new(home),
            ports,
            rules,
            state_lock: StateLock::default(),
            live: Mutex::default(),
            jobs: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The config in force.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Takes what the page has not been told yet, the oldest first.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.inner.live().notices.drain(..).collect()
    }
}

impl Inner {
    pub(super) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock of one read-change-write of the state.
    pub(super) fn lock_state(&self) -> Result<StateGuard<'_>, AgentError> {
        self.state_lock.take(&self.ports, &self.layout)
    }

    pub(super) fn fs(&self) -> &dyn Fs {
        &*self.ports.fs
    }

    /// Creates the agent's folder, where it is missing.
    pub(super) fn make_home(&self) -> Result<(), AgentError> {
        fn make(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
            match fs.create_dir(dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                        make(fs, parent)?;
                    }
                    fs.create_dir(dir)
                }
                other => other,
            }
        }
        make(self.fs(), self.layout.root()).at("create", self.layout.root())
    }

    /// Whether this process is the one that starts trials and writes attempts. Tried until it is: the process that
    /// was may be gone.
    pub(super) fn owns_page(&self, live: &mut Live) -> bool {
        if live.page.is_none() {
            live.page = lock::page(&self.ports, &self.layout).unwrap_or_else(|error| {
                log::warn!("{}", error.explain());
                None
            });
        }
        live.page.is_some()
    }

    /// Reads the state. Where the app was updated from the store since it was written, it says nothing any more.
    pub(super) fn known(&self) -> Result<Known, AgentError> {
        let known = self.known_as_written()?;
        let is_other_app = known.record.state.native != self.app.identity();
        Ok(if is_other_app { Known { record: self.renewed(&known.record), ..known } } else { known })
    }

    /// Reads the state, as the app of that time wrote it.
    pub(super) fn known_as_written(&self) -> Result<Known, AgentError> {
        let loaded = state_file::load(self.fs(), &self.layout).map_err(AgentError::StateUnreadable)?;
        let record = loaded.record.clone().unwrap_or_else(|| Record::fresh(self.app.identity()));
        Ok(Known { loaded, record })
    }

    /// What is left of a record after the app was updated from the store: ids, channel, and what bundles are called.
    fn renewed(&self, record: &Record) -> Record {
        let fresh = Record::fresh(self.app.identity());
        Record { state: fresh.state, floors: fresh.floors, failed: None, ..record.clone() }
    }

    /// The latest boot: this process's own, or the one on disk.
    pub(super) fn attempt(&self, live: &Live) -> Option<Attempt> {
        live.attempt.or_else(|| attempt_file::load(self.fs(), &self.layout))
    }

    /// Decides an event, and does what follows from it. Takes the state's lock only where the state changes.
    pub(super) fn dispatch(&self, live: &mut Live, event: &Event) -> Result<Step, AgentError> {
        let known = self.known()?;
        let step = self.decide(live, &known, event);
        if !step.effects.contains(&Effect::Save) {
            self.perform(live, &known, &step)?;
            return Ok(step);
        }
        self.make_home()?;
        let _lock = self.lock_state()?;
        let known = self.known()?;
        let step = self.decide(live, &known, event);
        self.perform(live, &known, &step)?;
        Ok(step)
    }

    fn decide(&self, live: &Live, known: &Known, event: &Event) -> Step {
        let machine = Machine { state: known.record.state.clone(), attempt: self.attempt(live) };
        lifecycle::step(&self.rules, machine, event.clone())
    }

    /// Does what a step asks for, in its order. The state's lock is held where it asks for a save.
    pub(super) fn perform(&self, live: &mut Live, known: &Known, step: &Step) -> Result<(), AgentError> {
        for effect in &step.effects {
            match effect {
                Effect::Save => self.save(known, step)?,
                Effect::Note => {
                    live.attempt = step.machine.attempt;
                    self.note(live);
                }
                Effect::Tell(notice) => tell(live, *notice),
                Effect::Verify(root) => live.suspects.push(*root),
                // Part of the record that is saved, or for the caller to do.
                Effect::ForgetFloors | Effect::Show { .. } | Effect::Replace | Effect::Prune => {}
            }
        }
        Ok(())
    }

    /// Makes the record that a step leads to durable. The state's lock is held.
    pub(super) fn save(&self, known: &Known, step: &Step) -> Result<(), AgentError> {
        let record = self.record_after(&known.record, step);
        state_file::save(self.fs(), &self.layout, &record, &known.loaded).map(drop)
    }

    fn note(&self, live: &mut Live) {
        if !self.owns_page(live) {
            return;
        }
        if let Some(attempt) = &live.attempt
            && let Err(error) = attempt_file::save(self.fs(), &self.layout, attempt)
        {
            log::warn!("the attempt cannot be written: {error}");
        }
    }

    /// The record that a step leads to.
    fn record_after(&self, before: &Record, step: &Step) -> Record {
        let mut record = Record { state: step.machine.state.clone(), ..before.clone() };
        for effect in &step.effects {
            match effect {
                Effect::ForgetFloors => record.floors.clear(),
                Effect::Tell(Notice::Blocked(root, cause) | Notice::SetAside(root, cause)) => {
                    record.failed = Some(FailedUpdate {
                        bundle: *root,
                        version: record.version_of(BundleId::Held(*root)),
                        cause: *cause,
                        at: self.ports.clock.now(),
                    });
                }
                _ => {}
            }
        }
        record
    }

    /// Changes the record by hand, durably, under the state's lock.
    pub(super) fn change(&self, change: impl FnOnce(&mut Record)) -> Result<Record, AgentError> {
        self.make_home()?;
        let _lock = self.lock_state()?;
        self.change_locked(change)
    }

    /// As [`Inner::change`]; the lock is held.
    pub(super) fn change_locked(&self, change: impl FnOnce(&mut Record)) -> Result<Record, AgentError> {
        let known = self.known()?;
        let mut record = known.record.clone();
        change(&mut record);
        if known.loaded.record.as_ref() != Some(&record) {
            state_file::save(self.fs(), &self.layout, &record, &known.loaded)?;
        }
        Ok(record)
    }
}

/// Logs a notice, and keeps it for the page.
fn tell(live: &mut Live, notice: Notice) {
    match notice {
        Notice::Confirmed(root) => log::info!("bundle {root} is confirmed"),
        Notice::Blocked(root, cause) => {
            log::error!("bundle {root} failed ({}) and is not shown again. {}", word(cause), hint(cause));
        }
        Notice::SetAside(root, cause) => {
            log::error!("bundle {root} is not shown for a day ({}). {}", word(cause), hint(cause));
        }
        Notice::Dropped(root) => {
            log::error!("bundle {root} is damaged or incomplete on disk and was dropped");
        }
        Notice::NotRecorded(root) => {
            log::error!("bundle {root} is not tried: the trial cannot be recorded");
        }
        Notice::Late(bundle) => log::warn!("{bundle} was not ready in time. {}", hint(Cause::Timeout)),
    }
    if live.notices.len() == MAX_NOTICES {
        live.notices.pop_front();
    }
    live.notices.push_back(notice);
}

/// The word for a cause, in events and the command line's output.
pub(super) fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Timeout => "timeout",
        Cause::Load => "load",
        Cause::Renderer => "renderer",
        Cause::Reported => "reported",
        Cause::Crash => "crash",
        Cause::Interrupted => "interrupted",
    }
}

/// The commonest mistake deserves its cure in the text.
fn hint(cause: Cause) -> &'static str {
    match cause {
        Cause::Timeout => {
            "Does the page call notifyAppReady() early? An app that never does can set confirm: \"load\" in its config."
        }
        _ => "The fallback is shown.",
    }
}
