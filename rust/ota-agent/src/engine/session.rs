//! The state around an update: what is prepared before the server is asked, and what its answer may still change.

use std::sync::Arc;

use ota_protocol::{Channel, Checksum, Code, DeviceNumber, Root};
use url::Url;

use super::agent::Inner;
use super::ask;
use super::decide::Wanted;
use super::jobs::UpdateLock;
use super::schedule::CheckMemory;
use crate::error::AgentError;
use crate::lifecycle::{self, Event, Identity, Machine, Offer};
use crate::ports::Cancel;
use crate::store::state_file::Found;
use crate::store::{FloorRecord, Label, Record, lock, staging};
use crate::transfer::{self, CheckCall, TransferError};

/// What must still be true when an update ends.
pub(super) struct Session {
    pub(super) channel: Channel,
    pub(super) native: Identity,
}

/// What a bundle is called.
pub(super) struct Naming {
    pub(super) root: Root,
    pub(super) version: String,
    pub(super) checksum: Option<Checksum>,
    pub(super) url: Option<String>,
    pub(super) by_page: bool,
}

impl Inner {
    pub(super) fn update_url(&self) -> Result<&Url, AgentError> {
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

    pub(super) fn update_lock(&self) -> Result<Arc<UpdateLock>, AgentError> {
        let take = || lock::update(&self.ports, &self.layout);
        self.jobs.lock(take, || staging::sweep(self.fs(), &self.layout))
    }

    pub(super) fn channel(&self, record: &Record) -> Channel {
        record.channel.clone().unwrap_or_else(|| self.config.channel.clone())
    }

    /// The state, with what the device draws for itself. Also where an update from the store is noticed by a process
    /// that boots nothing.
    pub(super) fn prepare(&self) -> Result<Record, AgentError> {
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
    pub(super) fn ask(
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
    pub(super) fn accept(
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
    pub(super) fn distrust(&self, session: &Session, floor: Option<FloorRecord>) {
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
        let state = lifecycle::step(
            &self.rules,
            Machine { state: written.state, attempt: self.attempt(&live) },
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

/// A random (version 4) UUID, as Capgo's servers expect a device id to be.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
