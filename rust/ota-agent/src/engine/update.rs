//! An update: ask, decide, get, and say what comes next.

use ota_protocol::eligibility::Why;
use ota_protocol::{Channel, Code, DeviceNumber, Root};
use url::Url;

use super::agent::{Agent, Inner};
use super::ask;
use super::config::Mode;
use super::decide::{Device, Plan, Wanted, decide};
use super::obtain::Obtained;
use super::schedule::CheckMemory;
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Event, Identity, Offer};
use crate::ports::Cancel;
use crate::store::state_file::Found;
use crate::store::{FloorRecord, Label, Record, lock, staging};
use crate::transfer::{self, CheckCall, Progress, TransferError};

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
        self.update_inner(cancel, on_progress)
    }

    fn update_inner(
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

/// What must still be true when an update ends.
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) native: Identity,
}

/// What a bundle is called.
pub(super) struct Naming {
    pub(super) root: Root,
    pub(super) version: String,
    pub(super) checksum: Option<ota_protocol::Checksum>,
    pub(super) url: Option<String>,
    pub(super) by_page: bool,
}

impl Inner {
    fn update_url(&self) -> Result<&Url, AgentError> {
        if let Some(problem) = self.config.problems.iter().find(|problem| problem.is_fatal) {
            return Err(AgentError::Config { code: problem.code, reason: problem.reason.clone() });
        }
        if self.app.live_reload {
            let reason = "the page comes from a development server, so updates are off".to_owned();
            return Err(AgentError::Config { code: Code::Unsupported, reason });
        }
        let missing = || AgentError::Config {
            code: Code::NoUpdateUrl,
            reason: "the config has no updateUrl, so there is no server to ask".to_owned(),
        };
        self.config.update_url.as_ref().ok_or_else(missing)
    }

    pub(super) fn update_lock(&self) -> Result<std::sync::Arc<super::jobs::UpdateLock>, AgentError> {
        let take = || lock::update(&self.ports, &self.layout);
        self.jobs.lock(take, || staging::sweep(self.fs(), &self.layout))
    }

    pub(super) fn channel(&self, record: &Record) -> Channel {
        record.channel.clone().unwrap_or_else(|| self.config.channel.clone())
    }

    /// The state, with what the device draws for itself. Also where an update from the store is noticed by a process
    /// that boots nothing.
    fn prepare(&self) -> Result<Record, AgentError> {
        let known = self.known()?;
        let record = &known.record;
        let is_sound = matches!(known.loaded.found, Found::Whole);
        let is_complete = is_sound && record.device_id.is_some() && record.device_number.is_some();
        if is_complete && known.loaded.record.as_ref() == Some(record) {
            return Ok(known.record);
        }
        let random = self.ports.clock.random().map_err(|source| AgentError::Disk {
            operation: "draw a number for",
            path: self.layout.root().to_owned(),
            source,
        })?;
        self.change(|record| {
            let number = u16::from_be_bytes([random[0], random[1]]);
            // 65,536 is no multiple of 10,000; what that favours is far below what a rollout can show.
            record.device_number = record.device_number.or(DeviceNumber::try_from(number % 10_000).ok());
            record.device_id.get_or_insert_with(|| uuid(random));
        })
    }

    /// Asks, unless the server wanted to be left alone.
    fn ask(
        &self,
        url: &Url,
        record: &Record,
        cancel: &Cancel,
    ) -> Result<(ask::Reply, Option<u64>, Url), AgentError> {
        let now = self.ports.clock.now();
        if let Some(until) = CheckMemory::load(self.fs(), &self.layout).held_until(now) {
            return Err(AgentError::RetryLater { until });
        }
        self.remember_check(CheckMemory { at: now, retry_at: 0 });
        let body = ask::question(&self.config, &self.app, record).to_string();
        let call = CheckCall { url, body: body.as_bytes(), policy: &self.config.policy };
        match transfer::check(&self.ports, &call, cancel) {
            Ok(answer) => Ok((ask::answer(self.config.dialect, &answer.body)?, answer.date, answer.url)),
            Err(TransferError::RetryAfter { seconds }) => Err(self.hold_back(now, seconds)),
            Err(error) => Err(error.into()),
        }
    }

    /// The server, or the host of its bundles, wants to be left alone from now on.
    pub(super) fn hold_back(&self, checked_at: u64, seconds: u64) -> AgentError {
        let until = self.ports.clock.now().saturating_add(seconds);
        self.remember_check(CheckMemory { at: checked_at, retry_at: until });
        AgentError::RetryLater { until }
    }

    fn remember_check(&self, memory: CheckMemory) {
        if let Err(error) = memory.save(self.fs(), &self.layout) {
            log::warn!("the time of the check is not remembered: {}", error.explain());
        }
    }

    /// A release is accepted: its sequence is the floor from now on, before its bundle is fetched; and a block that it
    /// lifts is lifted.
    fn accept(
        &self,
        session: &Session,
        wanted: &Wanted,
        floor: Option<FloorRecord>,
    ) -> Result<(), AgentError> {
        if let (Some(root), Some(sequence)) = (wanted.root, wanted.lifted_by) {
            self.dispatch(&mut self.live(), &Event::Lifted { root, sequence })?;
        }
        if let Some(floor) = floor
            && self.known()?.record.floors.get(&session.channel) != Some(&floor)
        {
            self.change(|record| record.raise_floor(&session.channel, floor))?;
        }
        Ok(())
    }

    /// A release named another bundle than its archive holds. Its sequence stays the floor; its root, which nobody can
    /// vouch for, does not, so that the same release with the right one is taken.
    fn distrust(&self, session: &Session, floor: Option<FloorRecord>) {
        let Some(floor) = floor else { return };
        let forgotten = self.change(|record| {
            if record.floors.get(&session.channel) == Some(&floor) {
                record.floors.insert(session.channel.clone(), FloorRecord { root: None, ..floor });
            }
        });
        if let Err(error) = forgotten {
            log::warn!("the wrong root stays the floor's: {}", error.explain());
        }
    }

    /// Sets what comes next, by what the server offered. The state is read again under its lock: what changed since
    /// the question was asked may void the answer.
    pub(super) fn conclude(
        &self,
        session: &Session,
        offer: Offer,
        floor: Option<FloorRecord>,
        naming: Option<Naming>,
    ) -> Result<Record, AgentError> {
        let live = self.live();
        let lock = self.lock_state()?;
        let written = self.known_as_written()?.record;
        if written.state.native != session.native {
            return Err(AgentError::Superseded("app was updated from the store"));
        }
        if self.channel(&written) != session.channel {
            return Err(AgentError::Superseded("channel was changed"));
        }
        let now = self.ports.clock.now();
        let state = crate::lifecycle::step(
            &self.rules,
            crate::lifecycle::Machine { state: written.state, attempt: self.attempt(&live) },
            Event::Answered { offer, now },
        );
        let after = self.change_locked(|record| {
            record.state = state.machine.state.clone();
            if let Some(floor) = floor {
                record.raise_floor(&session.channel, floor);
            }
            if let Some(naming) = naming {
                name(record, naming, now);
            }
        })?;
        drop(lock);
        Ok(after)
    }
}

/// Records what a bundle is called, and the artifact it came as.
pub(super) fn name(record: &mut Record, naming: Naming, now: u64) {
    /// Artifacts remembered of one bundle, the latest ones: the server makes its zip anew now and then.
    const CHECKSUMS: usize = 4;
    let label = record.labels.entry(naming.root).or_insert_with(|| Label { at: now, ..Label::default() });
    label.version = naming.version;
    label.url = naming.url.or(label.url.take());
    label.by_page |= naming.by_page;
    if let Some(checksum) = naming.checksum
        && !label.checksums.contains(&checksum)
    {
        label.checksums.insert(0, checksum);
        label.checksums.truncate(CHECKSUMS);
    }
}

fn updated(outcome: Outcome, record: &Record) -> Updated {
    let (bundle, version) = ask::shown(record);
    Updated { outcome, bundle, version, transferred: Transferred::default(), apply_now: false }
}

/// A random (version 4) UUID, as Capgo's servers expect a device id to be.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
