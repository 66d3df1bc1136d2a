//! An update: ask, decide, get, and say what comes next.

use ota_protocol::Code;
use ota_protocol::eligibility::Why;

use super::agent::Agent;
use super::ask;
use super::config::Mode;
use super::decide::{Device, Plan, Wanted, decide};
use super::obtain::Obtained;
use super::session::{Naming, Session};
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Offer};
use crate::ports::Cancel;
use crate::store::{FloorRecord, Record};
use crate::transfer::{self, Progress};

/// What an update came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A bundle is held and comes next.
    Staged,
    /// There is nothing to do; where nothing offered is for this device, why.
    UpToDate(Option<Why>),
    /// What is offered failed on this device.
    Blocked,
    /// The builtin comes next.
    Reverted,
}

impl Outcome {
    /// The word in events and the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::UpToDate(_) => "up_to_date",
            Self::Blocked => "blocked",
            Self::Reverted => "reverted",
        }
    }
}

/// What came over the network for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transferred {
    /// Bytes.
    pub received: u64,
    /// Bytes of an earlier try that were gone on with.
    pub resumed_from: u64,
}

/// An update's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// What it came to.
    pub outcome: Outcome,
    /// The bundle it is about: what comes next, what is blocked, or else what is shown.
    pub bundle: BundleId,
    /// What its release calls it.
    pub version: String,
    /// What came over the network.
    pub transferred: Transferred,
    /// Whether it is to be shown at once, by the config's mode or the release's wish: boot again.
    pub apply_now: bool,
}

impl Agent {
    /// Asks the server, and gets and stages what it offers. Blocks; not for the main thread. Progress comes at most
    /// ten times a second, on the caller's thread.
    ///
    /// In this process a second call joins the transfer of the same artifact.
    ///
    /// # Errors
    /// [`AgentError`]; whatever it is, the bundle shown stays, and nothing is held against any version.
    pub fn update(
        &self,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Updated, AgentError> {
        let inner = &self.inner;
        let url = inner.update_url()?.clone();
        inner.make_home()?;
        let _lock = inner.update_lock()?;
        inner.examine_suspects();
        let record = inner.prepare()?;
        let (reply, date, base) = inner.ask(&url, &record, cancel)?;
        let now = inner.ports.clock.now();
        let device =
            Device { config: &inner.config, app: &inner.app, record: &record, rules: &inner.rules, now };
        let plan = decide(&device, &reply, date, &base)?;
        let session = Session { channel: inner.channel(&record), native: inner.app.identity() };
        self.carry_out(plan, &session, &record, cancel, on_progress)
    }

    fn carry_out(
        &self,
        plan: Plan,
        session: &Session,
        record: &Record,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Updated, AgentError> {
        let inner = &self.inner;
        match plan {
            Plan::Stale => Ok(updated(Outcome::UpToDate(Some(Why::Stale)), record)),
            Plan::Nothing(why) => {
                inner.conclude(session, Offer::Nothing, None, None)?;
                Ok(updated(Outcome::UpToDate(Some(why)), record))
            }
            Plan::Blocked { version, root } => {
                inner.conclude(session, Offer::Nothing, None, None)?;
                Ok(Updated { bundle: BundleId::Held(root), version, ..updated(Outcome::Blocked, record) })
            }
            Plan::Builtin { why, floor } => {
                let after = inner.conclude(session, Offer::Builtin, floor, None)?;
                if record.state.current.bundle().is_builtin() {
                    return Ok(updated(Outcome::UpToDate(why), &after));
                }
                let apply_now = inner.config.mode == Mode::Immediate;
                let version = inner.app.native_version.clone();
                let builtin =
                    Updated { bundle: BundleId::Builtin, version, ..updated(Outcome::Reverted, &after) };
                Ok(Updated { apply_now, ..builtin })
            }
            Plan::Shown { version, checksum, floor } => {
                let Some(root) = record.state.current.bundle().root() else {
                    let after = inner.conclude(session, Offer::Builtin, floor, None)?;
                    return Ok(updated(Outcome::UpToDate(None), &after));
                };
                let naming = Naming { root, version, checksum, url: None, by_page: false };
                let after = inner.conclude(session, Offer::Bundle(root), floor, Some(naming))?;
                Ok(updated(Outcome::UpToDate(None), &after))
            }
            Plan::Take { wanted, floor } => self.take(&wanted, floor, session, cancel, on_progress),
        }
    }

    fn take(
        &self,
        wanted: &Wanted,
        floor: Option<FloorRecord>,
        session: &Session,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Updated, AgentError> {
        let inner = &self.inner;
        inner.accept(session, wanted, floor)?;
        let obtained = match self.obtain_shared(wanted, cancel, on_progress) {
            Err(error) if error.code() == Code::RootMismatch => {
                inner.distrust(session, floor);
                return Err(error);
            }
            obtained => obtained?,
        };
        let transferred = Transferred { received: obtained.received, resumed_from: obtained.resumed_from };
        let naming = Naming {
            root: obtained.root,
            version: wanted.version.clone(),
            checksum: obtained.checksum,
            url: wanted.checksum.is_none().then(|| wanted.url.to_string()),
            by_page: false,
        };
        let offer = if inner.config.mode == Mode::OnlyDownload {
            Offer::Nothing
        } else {
            Offer::Bundle(obtained.root)
        };
        // It has come: whoever does not show it now has decided so.
        let floor = floor.map(|floor| FloorRecord { at_once: false, ..floor });
        let after = inner.conclude(session, offer, floor, Some(naming))?;
        let bundle = BundleId::Held(obtained.root);
        let version = wanted.version.clone();
        let is_next = after.state.next.is_some_and(|next| next.bundle == bundle);
        let now = inner.ports.clock.now();
        let outcome = if is_next {
            Outcome::Staged
        } else if after.state.is_blocked(obtained.root) {
            Outcome::Blocked
        } else if after.state.current.bundle() == bundle {
            Outcome::UpToDate(None)
        } else if after.state.is_set_aside(obtained.root, now, inner.rules.set_aside_seconds) {
            Outcome::UpToDate(Some(Why::SetAside))
        } else {
            // Held, and the page decides, or has decided on another.
            Outcome::Staged
        };
        let apply_now = is_next && (wanted.is_mandatory || inner.config.mode == Mode::Immediate);
        Ok(Updated { outcome, bundle, version, transferred, apply_now })
    }

    /// Gets a bundle on a thread that other callers can share.
    pub(super) fn obtain_shared(
        &self,
        wanted: &Wanted,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Obtained, AgentError> {
        let key = transfer::partial_name(&wanted.url, wanted.checksum);
        let (agent, wanted) = (self.clone(), wanted.clone());
        self.inner
            .jobs
            .run(&key, cancel, on_progress, move |cancel, report| agent.inner.obtain(&wanted, cancel, report))
    }
}

fn updated(outcome: Outcome, record: &Record) -> Updated {
    let (bundle, version) = ask::shown(record);
    Updated { outcome, bundle, version, transferred: Transferred::default(), apply_now: false }
}
