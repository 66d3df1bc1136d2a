//! Which bundle is shown: a pure state machine without clock, files or network.
//!
//! [`step`] takes what is known and what happened, and gives what is known then and what is to be done, in order.
//! The caller makes the state durable where [`Effect::Save`] says so, before it does what follows. The rules, and
//! the invariants I1 to I6 that the tests walk every reachable state for, are in `docs/lifecycle.md`.

mod attempt;
mod boot;
mod choice;
mod event;
mod names;
mod page;
mod rules;
mod state;

pub use attempt::{Attempt, Mark};
pub use event::{Boot, Effect, Event, Exit, Notice, Offer, Reason, Refused, Why};
pub use names::{BundleId, Identity, OsBoot, Token};
pub use rules::{Rule, Rules};
pub use state::{Block, Cause, Chooser, Current, Next, SetAside, State, Trial};

/// What is known: the durable state, and the record of the latest boot where there is a readable one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Machine {
    /// Survives everything.
    pub state: State,
    /// May be lost at any time.
    pub attempt: Option<Attempt>,
}

/// What an event led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is known now.
    pub machine: Machine,
    /// What is to be done, in this order.
    pub effects: Vec<Effect>,
    /// Whether the event was accepted; a refused one changed nothing.
    pub answer: Result<(), Refused>,
}

/// Decides what an event leads to.
pub fn step(rules: &Rules, machine: Machine, event: Event) -> Step {
    match event {
        Event::Boot(boot) => boot::boot(rules, machine, &boot),
        Event::Ready { token } => page::ready(rules, machine, token),
        Event::Failed { token, cause, now } => page::failed(rules, machine, token, cause, now),
        Event::RendererGone { crashed, now } => page::renderer_gone(rules, machine, crashed, now),
        Event::Foreground => page::mark(machine, Mark::Foreground),
        Event::Background => page::mark(machine, Mark::Background),
        Event::Answered { offer, now } => choice::answered(rules, machine, offer, now),
        Event::Lifted { root, sequence } => choice::lifted(rules, machine, root, sequence),
        Event::Chosen { bundle } => choice::chosen(rules, machine, bundle),
        Event::ChannelChanged => choice::channel_changed(machine),
        Event::Reset => choice::reset(rules, machine),
        Event::Damaged { root } => choice::damaged(rules, machine, root),
        Event::Forgiven { root } => choice::forgiven(machine, root),
    }
}

impl Step {
    /// Nothing changes and nothing is to be done.
    fn unchanged(machine: Machine) -> Self {
        Self { machine, effects: Vec::new(), answer: Ok(()) }
    }

    fn refused(machine: Machine, why: Refused) -> Self {
        Self { machine, effects: Vec::new(), answer: Err(why) }
    }

    fn done(machine: Machine, effects: Vec<Effect>) -> Self {
        Self { machine, effects, answer: Ok(()) }
    }
}

#[cfg(test)]
mod tests;
