//! What pages and hosts report about the boot.

use std::time::Duration;

use super::agent::{Agent, Inner, Live};
use super::config::{Confirm, Mode};
use super::schedule::{CheckMemory, wants_check};
use super::timer::ReadyTimer;
use crate::error::AgentError;
use crate::lifecycle::{BundleId, Cause, Effect, Event, Mark, Notice, Refused, Step, Token};

/// What a failure led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The bundle is blocked. The page has to be replaced: boot again.
    Blocked,
    /// The bundle is not shown for a day. The page has to be replaced: boot again.
    SetAside,
    /// Nothing: the page was ready before, or its bundle is confirmed.
    Nothing,
}

impl Ended {
    /// Whether the host has to boot again.
    pub fn replaces_page(self) -> bool {
        self != Self::Nothing
    }

    /// The word in the command line's output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::SetAside => "set_aside",
            Self::Nothing => "ignored",
        }
    }
}

/// What the host should do after it reported something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hint {
    /// Call [`Agent::update`] on another thread.
    pub check: bool,
    /// Boot again: an update is due to be shown.
    pub swap: bool,
}

impl Agent {
    /// The page of the boot `token` is up. Any thread; at a trial one durable write, else none. Again is fine. Gives
    /// whether this confirmed a trial.
    ///
    /// # Errors
    /// [`AgentError::StaleToken`]; the disk's, where neither state nor note could be written.
    pub fn ready(&self, token: Token) -> Result<bool, AgentError> {
        self.inner.ready(token)
    }

    /// The page of the boot `token` finished loading. Confirms where the config says `confirm: "load"`.
    ///
    /// # Errors
    /// As [`Agent::ready`].
    pub fn loaded(&self, token: Token) -> Result<bool, AgentError> {
        if self.inner.config.confirm == Confirm::Load { self.inner.ready(token) } else { Ok(false) }
    }

    /// The page of the boot `token` is lost: its main frame failed to load ([`Cause::Load`]), page or host say so
    /// ([`Cause::Reported`]), or it was not ready in time ([`Cause::Timeout`]).
    ///
    /// # Errors
    /// [`AgentError::StaleToken`]; [`AgentError::Busy`].
    pub fn failed(&self, token: Token, cause: Cause) -> Result<Ended, AgentError> {
        self.inner.failed(token, cause)
    }

    /// The renderer is gone; `crashed`: what the system says of it.
    ///
    /// # Errors
    /// [`AgentError::Busy`].
    pub fn renderer_gone(&self, crashed: Option<bool>) -> Result<Ended, AgentError> {
        let inner = &self.inner;
        let mut live = inner.live();
        let now = inner.ports.clock.now();
        let step = inner.end(&mut live, &Event::RendererGone { crashed, now })?;
        let is_foreground = live.attempt.is_some_and(|attempt| attempt.mark == Mark::Foreground);
        if !step.replaces_page() && live.timer != ReadyTimer::default() {
            // The page starts anew, and so does its time.
            live.timer =
                ReadyTimer::start(inner.config.ready_timeout, inner.ports.clock.monotonic(), is_foreground);
        }
        Ok(step)
    }

    /// The app left the screen.
    ///
    /// # Errors
    /// The state's.
    pub fn background(&self) -> Result<(), AgentError> {
        let inner = &self.inner;
        let mut live = inner.live();
        let now = inner.ports.clock.monotonic();
        live.timer.pause(now);
        live.away_since = Some(now);
        inner.dispatch(&mut live, &Event::Background).map(drop)
    }

    /// The app came to the screen.
    ///
    /// # Errors
    /// The state's.
    pub fn foreground(&self) -> Result<Hint, AgentError> {
        let inner = &self.inner;
        let mut live = inner.live();
        let now = inner.ports.clock.monotonic();
        live.timer.resume(now);
        let away = live.away_since.take().map(|since| now.saturating_sub(since));
        inner.dispatch(&mut live, &Event::Foreground)?;
        let state = inner.known()?.record.state;
        // Never while the app is away: a page that starts in a frozen process would be late.
        let was_long = away.is_some_and(|away| away >= inner.config.min_background);
        let swap = inner.config.mode == Mode::OnBackground && was_long && state.next.is_some();
        Ok(Hint { check: inner.wants_check(false), swap })
    }

    /// The process started and its first page was chosen.
    pub fn started(&self) -> Hint {
        let after_crash = self.inner.live().after_crash;
        Hint { check: self.inner.wants_check(after_crash), swap: false }
    }

    /// When the page's time is over: call [`Agent::tick`] then. `None`: not before something else is reported.
    pub fn ready_due_in(&self) -> Option<Duration> {
        let now = self.inner.ports.clock.monotonic();
        self.inner.live().timer.due_in(now)
    }

    /// Ends the boot if the page's time is over.
    ///
    /// # Errors
    /// As [`Agent::failed`].
    pub fn tick(&self) -> Result<Ended, AgentError> {
        let inner = &self.inner;
        let now = inner.ports.clock.monotonic();
        let token = {
            let live = inner.live();
            let is_over = live.timer.due_in(now) == Some(Duration::ZERO);
            live.attempt.filter(|_| is_over).map(|attempt| attempt.token)
        };
        token.map_or(Ok(Ended::Nothing), |token| inner.failed(token, Cause::Timeout))
    }

    /// An activity was made again from saved state: bundle, token and attempt stay, the page's time starts anew.
    pub fn page_restarted(&self, foreground: bool) {
        let inner = &self.inner;
        let mut live = inner.live();
        if live.attempt.is_some_and(|attempt| attempt.is_open()) {
            live.timer =
                ReadyTimer::start(inner.config.ready_timeout, inner.ports.clock.monotonic(), foreground);
        }
    }
}

impl Inner {
    fn wants_check(&self, after_crash: bool) -> bool {
        let memory = CheckMemory::load(self.fs(), &self.layout);
        wants_check(&self.config, memory, self.ports.clock.now(), self.app.live_reload, after_crash)
    }

    fn ready(&self, token: Token) -> Result<bool, AgentError> {
        let step = {
            let mut live = self.live();
            let step = match self.dispatch(&mut live, &Event::Ready { token }) {
                Ok(step) => step,
                // The note says ready, and the next boot confirms by it.
                Err(error) if live.attempt.is_some_and(|attempt| attempt.token == token && attempt.ready) => {
                    log::warn!("ready is noted, and not recorded yet: {}", error.explain());
                    live.timer.stop();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            accepted(&step)?;
            live.timer.stop();
            step
        };
        if step.effects.contains(&Effect::Prune) {
            self.prune();
        }
        Ok(step.effects.iter().any(|effect| matches!(effect, Effect::Tell(Notice::Confirmed(_)))))
    }

    fn failed(&self, token: Token, cause: Cause) -> Result<Ended, AgentError> {
        let mut live = self.live();
        let now = self.ports.clock.now();
        let mut ended = self.end(&mut live, &Event::Failed { token, cause, now })?;
        if cause == Cause::Renderer && !ended.replaces_page() {
            // Of a confirmed bundle it is a crash, and counts as one.
            ended = self.end(&mut live, &Event::RendererGone { crashed: Some(true), now })?;
        }
        live.timer.stop();
        drop(live);
        self.examine_suspects();
        Ok(ended)
    }

    /// Dispatches an event that may end the boot. Where that cannot be recorded, it ends in this process all the
    /// same: the page is lost either way.
    fn end(&self, live: &mut Live, event: &Event) -> Result<Ended, AgentError> {
        match self.dispatch(live, event) {
            Ok(step) => {
                accepted(&step)?;
                Ok(ended(&step))
            }
            Err(error @ (AgentError::Disk { .. } | AgentError::NoRoom { .. })) => {
                log::error!("the end of the boot cannot be recorded: {}", error.explain());
                let Some(attempt) = live.attempt.as_mut().filter(|attempt| attempt.is_open()) else {
                    return Err(error);
                };
                attempt.over = true;
                Ok(if attempt.bundle == BundleId::Builtin { Ended::Nothing } else { Ended::SetAside })
            }
            Err(error) => Err(error),
        }
    }
}

fn accepted(step: &Step) -> Result<(), AgentError> {
    match step.answer {
        Ok(()) => Ok(()),
        Err(Refused::StaleToken) => Err(AgentError::StaleToken),
        Err(Refused::Blocked) => Err(AgentError::Blocked(String::new())),
    }
}

fn ended(step: &Step) -> Ended {
    let told = step.effects.iter().find_map(|effect| match effect {
        Effect::Tell(Notice::Blocked(..)) => Some(Ended::Blocked),
        Effect::Tell(Notice::SetAside(..)) => Some(Ended::SetAside),
        _ => None,
    });
    told.unwrap_or(Ended::Nothing)
}
