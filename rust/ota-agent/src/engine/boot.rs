//! A boot: which directory the page gets.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::agent::{Agent, Inner, Known, Live};
use super::timer::ReadyTimer;
use crate::error::AgentError;
use crate::lifecycle::{self, Boot, BundleId, Effect, Event, Exit, Machine, Reason, Step, Token, Why};
use crate::store::bundles;
use crate::store::state_file::Found;

/// How a page comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// How the process of the boot before ended; `None`: this is a swap in a running process.
    pub exit: Option<Exit>,
    /// Whether the app is on the screen.
    pub foreground: bool,
}

/// What a page gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booted {
    /// The bundle.
    pub bundle: BundleId,
    /// What its release calls it; on the builtin the native version.
    pub version: String,
    /// Its directory.
    pub path: PathBuf,
    /// The page proves with it that it belongs to this boot.
    pub token: Token,
    /// Why this bundle.
    pub reason: Reason,
}

impl Agent {
    /// Chooses the directory for a page. At a start it always gives one, whatever is wrong; a swap in a running
    /// process can fail, and then the page that is there stays.
    ///
    /// Runs on the host's main thread: no network, no hashing; an ordinary start syncs nothing.
    ///
    /// # Errors
    /// At a swap alone: [`AgentError::Busy`], the disk's.
    pub fn boot(&self, start: Start) -> Result<Booted, AgentError> {
        self.inner.boot(start)
    }
}

impl Inner {
    fn boot(&self, start: Start) -> Result<Booted, AgentError> {
        let mut live = self.live();
        let is_start = start.exit.is_some();
        if let Err(error) = self.make_home() {
            log::error!("{}", error.explain());
        }
        let owns_page = self.owns_page(&mut live);
        // Without randomness no page could prove anything: then no trial is started, and this token opens nothing.
        let token = self.ports.clock.random().map(Token::from_bytes);
        let known = match self.known_as_written() {
            Ok(known) => known,
            Err(error) if is_start => return Ok(self.builtin_unread(&mut live, start, &error)),
            Err(error) => return Err(error),
        };
        match known.loaded.found {
            Found::Whole | Found::Nothing => {}
            Found::Salvaged => {
                log::error!(
                    "the state is corrupt or lost; fallback, blocks, floors, ids and channel come from its copy"
                );
            }
            Found::Newer => log::error!("the state is a later version's; only its lasting parts are read"),
        }
        let boot = Boot {
            native: self.app.identity(),
            token: token.as_ref().map_or(Token::from_bytes([0; 16]), |token| *token),
            os_boot: self.app.os_boot(self.ports.clock.os_boot_id()),
            foreground: start.foreground,
            why: start.exit.map_or(Why::Swap, Why::Start),
            missing: BTreeSet::new(),
            recordable: owns_page && token.is_ok(),
            now: self.ports.clock.now(),
        };
        let step = self.choose(&live, &known, &boot);
        // What was salvaged from a lost state is put in its place at the first occasion.
        let is_sound = matches!(known.loaded.found, Found::Whole | Found::Nothing);
        if is_sound && !step.effects.contains(&Effect::Save) {
            return Ok(self.show(&mut live, &known, start, &step));
        }
        match self.record_boot(&mut live, &boot, is_start) {
            Ok((known, step)) => Ok(self.show(&mut live, &known, start, &step)),
            Err(AgentError::Busy(what)) if !is_start => Err(AgentError::Busy(what)),
            Err(error) => {
                log::error!("the boot cannot be recorded: {}", error.explain());
                let unrecorded = Boot { recordable: false, ..boot };
                let step = self.choose(&live, &known, &unrecorded);
                Ok(self.show(&mut live, &known, start, &step))
            }
        }
    }

    /// The state as it is under the lock, decided upon again, and saved.
    fn record_boot(&self, live: &mut Live, boot: &Boot, is_start: bool) -> Result<(Known, Step), AgentError> {
        let _lock = if is_start {
            self.state_lock.take_at_start(&self.ports, &self.layout)?
        } else {
            self.lock_state()?
        };
        let known = self.known_as_written()?;
        let step = self.choose(live, &known, boot);
        self.save(&known, &step)?;
        Ok((known, step))
    }

    fn choose(&self, live: &Live, known: &Known, boot: &Boot) -> Step {
        let state = known.record.state.clone();
        let is_missing = |root: &ota_protocol::Root| !bundles::has_index(self.fs(), &self.layout, *root);
        let missing = state.needed().into_iter().filter(is_missing).collect();
        let machine = Machine { state, attempt: self.attempt(live) };
        lifecycle::step(&self.rules, machine, Event::Boot(Boot { missing, ..boot.clone() }))
    }

    /// Does everything but the save, and gives the page its directory.
    fn show(&self, live: &mut Live, known: &Known, start: Start, step: &Step) -> Booted {
        let effects = step.effects.iter().filter(|effect| **effect != Effect::Save).copied().collect();
        // Without a save nothing of it can fail.
        let _ = self.perform(live, known, &Step { effects, ..step.clone() });
        let shown = step.effects.iter().find_map(|effect| match effect {
            Effect::Show { bundle, token, reason } => Some((*bundle, *token, *reason)),
            _ => None,
        });
        let (bundle, token, reason) =
            shown.unwrap_or((BundleId::Builtin, Token::from_bytes([0; 16]), Reason::StateUnreadable));
        live.after_crash =
            reason == Reason::RolledBack || step.machine.state.current.trial().is_some_and(|t| t.crashes > 0);
        self.begin(live, start, bundle);
        let version = match bundle {
            BundleId::Builtin => self.app.native_version.clone(),
            BundleId::Held(_) => known.record.version_of(bundle),
        };
        log::info!("boot: {bundle} ({version}), {}", reason.as_str());
        Booted { bundle, version, path: self.path_of(bundle), token, reason }
    }

    /// The page of `bundle` begins: its time runs, and its files are not deleted under it.
    fn begin(&self, live: &mut Live, start: Start, bundle: BundleId) {
        let now = self.ports.clock.monotonic();
        live.timer = ReadyTimer::start(self.config.ready_timeout, now, start.foreground);
        live.away_since = None;
        live.shown = bundle.root().and_then(|root| {
            self.fs().try_share(&self.layout.list(root)).unwrap_or_else(|error| {
                log::warn!("the list of {root} cannot be locked: {error}");
                None
            })
        });
    }

    pub(super) fn path_of(&self, bundle: BundleId) -> PathBuf {
        match bundle {
            BundleId::Builtin => self.app.builtin.clone(),
            BundleId::Held(root) => self.layout.www(root),
        }
    }

    /// The state cannot be read: the builtin, with nothing written, so that nothing is lost.
    fn builtin_unread(&self, live: &mut Live, start: Start, error: &AgentError) -> Booted {
        log::error!("{}", error.explain());
        self.begin(live, start, BundleId::Builtin);
        let token = self.ports.clock.random().map_or(Token::from_bytes([0; 16]), Token::from_bytes);
        Booted {
            bundle: BundleId::Builtin,
            version: self.app.native_version.clone(),
            path: self.app.builtin.clone(),
            token,
            reason: Reason::StateUnreadable,
        }
    }
}
