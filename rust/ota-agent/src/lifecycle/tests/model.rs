//! The world around the machine, small enough to be walked: what can happen, and states as numbers.
//!
//! Bundles are interchangeable, and so are tokens, runs of the system, native identities and sequences: only which is
//! the same as which says anything. A state is therefore written as what each bundle is to it, the bundles in the
//! order of that. Time stands still; what passes are the days that set-aside bundles wait.
//!
//! What is on the disk needs no place in the state: a bundle that nothing needs may be there or not, and may only
//! come back as "held"; one that is needed is there unless a boot finds it missing, and every boot may find any of
//! them missing.

use std::collections::BTreeSet;

use ota_protocol::{Digest, Root, UnixSeconds};

use super::ledger::{Ban, Ledger, Mark as Held, PutOff, Record, Seen, Tally};
use crate::lifecycle::{
    Attempt, Block, Boot, BundleId, Cause, Chooser, Current, Event, Exit, Identity, Machine, Mark, Next,
    Offer, OsBoot, SetAside, State, Token, Trial, Why,
};

/// 0: the builtin. Others: bundles that came later.
pub(super) type Bundle = u8;

/// As many bundles as the widest walk has.
pub(super) const MAX_BUNDLES: usize = 3;

const NOW: UnixSeconds = 1_800_000_000;
const DAY: u64 = 24 * 60 * 60;

/// The sequence of the release that lifted a block, where one did.
const LIFTED_BY: u64 = 10;

static ROOTS: [Root; 4] = [named(0), named(1), named(2), named(3)];

const fn named(bundle: Bundle) -> Root {
    Root(Digest::from_bytes([bundle; 32]))
}

pub(super) fn root(bundle: Bundle) -> Root {
    ROOTS[usize::from(bundle)]
}

fn id(bundle: Bundle) -> BundleId {
    if bundle == 0 { BundleId::Builtin } else { BundleId::Held(root(bundle)) }
}

pub(super) fn number(id: BundleId) -> Bundle {
    id.root().map_or(0, |root| root.0.as_bytes()[0])
}

fn token(number: u128) -> Token {
    Token::from_bytes(number.to_be_bytes())
}

const TRIAL: u128 = 1;
const OTHER: u128 = 2;
const UNKNOWN: u128 = 3;
const FIRST_NEW: u128 = 100;

fn os_boot(number: u32) -> OsBoot {
    OsBoot::from_bytes(u128::from(number).to_be_bytes())
}

pub(super) fn native(number: u8) -> Identity {
    Identity { builtin: (number == 1).then_some(named(99)), ..Identity::default() }
}

/// Whose token a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The page of the latest boot.
    Live,
    /// The page of the boot that the trial recorded, where a later boot came without a record.
    Earlier,
    /// A page of long ago, or of no boot at all.
    Unknown,
}

/// The makings of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub(super) struct BootOf {
    /// How the process before ended; `None`: a swap.
    pub(super) exit: Option<Exit>,
    pub(super) same_os: bool,
    pub(super) on_screen: bool,
    pub(super) recordable: bool,
    pub(super) same_native: bool,
    /// One bit a bundle.
    pub(super) missing: u8,
}

impl BootOf {
    /// The commonest boot.
    pub(super) const PLAIN: Self = Self {
        exit: Some(Exit::Unknown),
        same_os: true,
        on_screen: true,
        recordable: true,
        same_native: true,
        missing: 0,
    };

    pub(super) fn misses(self, bundle: Bundle) -> bool {
        self.missing & (1 << bundle) != 0
    }
}

/// What happens in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    Boot(BootOf),
    Ready(Who),
    Failed(Who, Cause),
    RendererGone(Option<bool>),
    Foreground,
    Background,
    Answered(Offer),
    Lifted {
        bundle: Bundle,
        is_newer: bool,
    },
    Chosen(Bundle),
    ChannelChanged,
    Reset,
    Damaged(Bundle),
    Forgiven(Option<Bundle>),
    DayPasses,
    ClockSetBack,
    /// The process is gone, and the attempt with it: lost, or torn.
    NoteLost,
}

/// A moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    pub(super) machine: Machine,
    /// Whether the process of the latest boot lives. Where it does not, its page says nothing.
    pub(super) is_alive: bool,
    /// Boots so far, for tokens that were never used.
    pub(super) boots: u32,
    /// Which run of the system it is.
    pub(super) run: u32,
}

impl World {
    /// An app just installed.
    pub(super) fn new() -> Self {
        Self {
            machine: Machine { state: State::fresh(native(0)), attempt: None },
            is_alive: false,
            boots: 0,
            run: 1,
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.machine.state
    }

    /// What the code takes for known, in the ledger's terms.
    pub(super) fn as_ledger(&self) -> Ledger {
        let State { native: identity, current, fallback, next, set_aside, blocked } = self.state();
        let mut marks = [Held::default(); MAX_BUNDLES];
        for (mark, bundle) in marks.iter_mut().zip(1..) {
            *mark = mark_of(set_aside.get(&root(bundle)), blocked.get(&root(bundle)));
        }
        let (confirmed, trial) = match current {
            Current::Confirmed { bundle } => ([number(*bundle), number(*fallback)], None),
            Current::Trial(trial) => {
                let Trial { bundle, token: _, crashes, interruptions, before } = *trial;
                let tally = Tally { bundle: number(BundleId::Held(bundle)), crashes, interruptions };
                ([number(*fallback), number(before)], Some(tally))
            }
        };
        Ledger {
            native: u8::from(*identity == native(1)),
            marks,
            confirmed,
            trial,
            next: next.map(|next| (number(next.bundle), next.by == Chooser::Page)),
            record: self.machine.attempt.as_ref().map(|attempt| self.record_of(attempt)),
        }
    }

    fn record_of(&self, attempt: &Attempt) -> Record {
        Record {
            bundle: number(attempt.bundle),
            of_trial: self.state().current.trial().is_some_and(|trial| trial.token == attempt.token),
            of_this_run: attempt.os_boot == Some(os_boot(self.run)),
            seen: match attempt.mark {
                Mark::Never => Seen::Never,
                Mark::Foreground => Seen::OnScreen,
                Mark::Background => Seen::Away,
            },
            ready: attempt.ready,
            over: attempt.over,
            late: attempt.late,
            streak: attempt.crashes,
            silent_death: attempt.renderer_deaths > 0,
            renderer_crashes: attempt.renderer_crashes,
        }
    }

    /// The event as the machine hears it; `None`: it happens to the world, and the machine hears nothing.
    pub(super) fn event(&self, happening: &Happening) -> Option<Event> {
        let now = NOW;
        Some(match *happening {
            Happening::Boot(boot) => Event::Boot(self.boot(boot)),
            Happening::Ready(who) => Event::Ready { token: self.token_of(who) },
            Happening::Failed(who, cause) => Event::Failed { token: self.token_of(who), cause, now },
            Happening::RendererGone(crashed) => Event::RendererGone { crashed, now },
            Happening::Foreground => Event::Foreground,
            Happening::Background => Event::Background,
            Happening::Answered(offer) => Event::Answered { offer, now },
            Happening::Lifted { bundle, is_newer } => {
                let before = self.lifted_by(root(bundle)).unwrap_or(LIFTED_BY - 1);
                Event::Lifted { root: root(bundle), sequence: before + u64::from(is_newer) }
            }
            Happening::Chosen(bundle) => Event::Chosen { bundle: id(bundle) },
            Happening::ChannelChanged => Event::ChannelChanged,
            Happening::Reset => Event::Reset,
            Happening::Damaged(bundle) => Event::Damaged { root: root(bundle) },
            Happening::Forgiven(bundle) => Event::Forgiven { root: bundle.map(root) },
            Happening::DayPasses | Happening::ClockSetBack | Happening::NoteLost => return None,
        })
    }

    fn lifted_by(&self, root: Root) -> Option<u64> {
        let blocked = self.state().blocked.get(&root).and_then(|block| block.lifted_by);
        blocked.or_else(|| self.state().set_aside.get(&root).and_then(|aside| aside.lifted_by))
    }

    fn boot(&self, boot: BootOf) -> Boot {
        let state = self.state();

        let other_native = native(u8::from(state.native == native(0)));
        let missing: BTreeSet<_> =
            (1..).take(MAX_BUNDLES).filter(|bundle| boot.misses(*bundle)).map(root).collect();
        Boot {
            native: if boot.same_native { state.native.clone() } else { other_native },
            token: token(FIRST_NEW + u128::from(self.boots)),
            os_boot: Some(os_boot(self.run + u32::from(!boot.same_os))),
            foreground: boot.on_screen,
            why: boot.exit.map_or(Why::Swap, Why::Start),
            missing,
            recordable: boot.recordable,
            now: NOW,
        }
    }

    fn token_of(&self, who: Who) -> Token {
        let trials = self.state().current.trial().map(|trial| trial.token);
        let live = self.machine.attempt.map(|attempt| attempt.token);
        let token_of = match who {
            Who::Live => live,
            Who::Earlier => trials,
            Who::Unknown => None,
        };
        token_of.unwrap_or(token(UNKNOWN))
    }

    /// What happens to the world alone.
    pub(super) fn pass(&mut self, happening: &Happening) {
        match happening {
            Happening::DayPasses => self.shift(|until| until.saturating_sub(DAY)),
            Happening::ClockSetBack => {
                self.shift(|until| if until == NOW + DAY { until + DAY } else { until });
            }
            Happening::NoteLost => (self.is_alive, self.machine.attempt) = (false, None),
            _ => {}
        }
    }

    fn shift(&mut self, shift: impl Fn(UnixSeconds) -> UnixSeconds) {
        let set_aside = &mut self.machine.state.set_aside;
        for aside in set_aside.values_mut() {
            aside.until = shift(aside.until);
            if aside.until <= NOW {
                aside.until = 0;
            }
        }
        // An entry that says nothing is read as none.
        set_aside.retain(|_, aside| *aside != SetAside::default());
    }
}

fn mark_of(aside: Option<&SetAside>, block: Option<&Block>) -> Held {
    let aside = aside.copied().unwrap_or_default();
    Held {
        put_off: match aside.until {
            until if until <= NOW => PutOff::No,
            until if until - NOW <= DAY => PutOff::Today,
            _ => PutOff::TooFar,
        },
        timed_out: aside.timeouts > 0,
        lifted: aside.lifted_by.is_some() || block.is_some_and(|block| block.lifted_by.is_some()),
        ban: block.map(|block| if block.cause == Cause::Timeout { Ban::Timeouts } else { Ban::Definite }),
    }
}

/// Numbers are packed into a key from its low end.
struct Packer(u64, u32);

impl Packer {
    fn put(&mut self, value: u64, bits: u32) {
        assert!(value < 1 << bits, "{value} does not fit {bits} bits");
        self.0 |= value << self.1;
        self.1 += bits;
        assert!(self.1 <= 64, "a state does not fit its key");
    }
}

struct Unpacker(u64);

impl Unpacker {
    fn take(&mut self, bits: u32) -> u64 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        value
    }

    fn take_bool(&mut self) -> bool {
        self.take(1) == 1
    }

    fn take_u8(&mut self, bits: u32) -> u8 {
        u8::try_from(self.take(bits)).expect("a few bits")
    }
}

/// Bits that say what one bundle is to a state.
const BITS_A_BUNDLE: u32 = 11;

/// A state as a number: the same for all states that differ in names alone, and for no others.
///
/// What is known of a dead process's boot is only ever judged by the next boot, so what that does not look at is left
/// out there; `is_exact` keeps it, for when a broken rule makes it look.
pub(super) fn key(world: &World, is_exact: bool) -> u64 {
    key_of(world.is_alive, &world.as_ledger(), is_exact)
}

/// The same, of a moment whose ledger is known.
pub(super) fn key_of(is_alive: bool, ledger: &Ledger, is_exact: bool) -> u64 {
    let mut record = ledger.record;
    if !is_alive && !is_exact {
        let is_judged = |record: &Record| match ledger.trial {
            Some(_) => record.of_trial,
            None => record.bundle == ledger.confirmed[0] && !record.over,
        };
        record = record.filter(is_judged).map(|record| Record {
            of_this_run: true,
            seen: if record.was_on_screen() { Seen::OnScreen } else { Seen::Never },
            late: false,
            silent_death: false,
            renderer_crashes: record.renderer_crashes.min(1),
            ..record
        });
    }
    let [last, before] = ledger.confirmed;
    let mut bundles = [0; MAX_BUNDLES];
    for (signature, bundle) in bundles.iter_mut().zip(1..) {
        let mark = ledger.mark(bundle);
        let mut bits = Packer(0, 0);
        bits.put(u64::from(last == bundle), 1);
        bits.put(u64::from(before == bundle), 1);
        bits.put(u64::from(ledger.trial.is_some_and(|trial| trial.bundle == bundle)), 1);
        bits.put(u64::from(ledger.next.is_some_and(|(next, _)| next == bundle)), 1);
        bits.put(u64::from(record.is_some_and(|record| record.bundle == bundle)), 1);
        bits.put(mark.put_off as u64, 2);
        bits.put(u64::from(mark.timed_out), 1);
        bits.put(u64::from(mark.lifted), 1);
        bits.put(mark.ban.map_or(0, |ban| 1 + ban as u64), 2);
        *signature = bits.0;
    }
    bundles.sort_unstable_by(|one, other| other.cmp(one));
    let mut bits = Packer(0, 0);
    for signature in bundles {
        bits.put(signature, BITS_A_BUNDLE);
    }
    bits.put(u64::from(is_alive), 1);
    bits.put(ledger.next.map_or(0, |(_, by_page)| 1 + u64::from(by_page)), 2);
    bits.put(u64::from(ledger.trial.is_some()), 1);
    bits.put(ledger.trial.map_or(0, |trial| trial.crashes).into(), 3);
    bits.put(ledger.trial.map_or(0, |trial| trial.interruptions).into(), 3);
    bits.put(u64::from(record.is_some()), 1);
    if let Some(record) = record {
        bits.put(u64::from(record.of_trial), 1);
        bits.put(u64::from(record.of_this_run), 1);
        bits.put(record.seen as u64, 2);
        bits.put(u64::from(record.ready), 1);
        bits.put(u64::from(record.over), 1);
        bits.put(u64::from(record.late), 1);
        bits.put(record.streak.into(), 3);
        bits.put(u64::from(record.silent_death), 1);
        bits.put(record.renderer_crashes.into(), 3);
    }
    bits.0
}

/// A state with that number.
pub(super) fn world(key: u64) -> World {
    let mut bits = Unpacker(key);
    let mut state = State::fresh(native(0));
    let [mut last, mut before, mut on_trial, mut next, mut booted] = [0; 5];
    for bundle in (1..).take(MAX_BUNDLES) {
        for role in [&mut last, &mut before, &mut on_trial, &mut next, &mut booted] {
            if bits.take_bool() {
                *role = bundle;
            }
        }
        let until = [0, NOW + DAY, NOW + 2 * DAY][usize::from(bits.take_u8(2))];
        let timeouts = bits.take_u8(1);
        let lifted_by = bits.take_bool().then_some(LIFTED_BY);
        let cause = [None, Some(Cause::Timeout), Some(Cause::Reported)][usize::from(bits.take_u8(2))];
        if let Some(cause) = cause {
            state.blocked.insert(root(bundle), Block { cause, lifted_by });
        } else if until > 0 || timeouts > 0 || lifted_by.is_some() {
            state.set_aside.insert(root(bundle), SetAside { until, timeouts, lifted_by });
        }
    }
    let is_alive = bits.take_bool();
    let by = [None, Some(Chooser::Server), Some(Chooser::Page)][usize::from(bits.take_u8(2))];
    state.next = by.map(|by| Next { bundle: id(next), by });
    let is_trial = bits.take_bool();
    let (crashes, interruptions) = (bits.take_u8(3), bits.take_u8(3));
    if is_trial {
        let (bundle, token, before) = (root(on_trial), token(TRIAL), id(before));
        state.current = Current::Trial(Trial { bundle, token, crashes, interruptions, before });
        state.fallback = id(last);
    } else {
        state.current = Current::Confirmed { bundle: id(last) };
        state.fallback = id(before);
    }
    let attempt = bits.take_bool().then(|| Attempt {
        token: token(if bits.take_bool() { TRIAL } else { OTHER }),
        os_boot: Some(os_boot(u32::from(bits.take_bool()))),
        bundle: id(booted),
        mark: [Mark::Never, Mark::Foreground, Mark::Background][usize::from(bits.take_u8(2))],
        ready: bits.take_bool(),
        over: bits.take_bool(),
        late: bits.take_bool(),
        crashes: bits.take_u8(3),
        renderer_deaths: bits.take_u8(1),
        renderer_crashes: bits.take_u8(3),
    });
    World { machine: Machine { state, attempt }, is_alive, boots: 0, run: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_its_number_agree() {
        let mut first = World::new();
        first.machine.state.current = Current::Confirmed { bundle: id(3) };
        first.machine.state.blocked.insert(root(2), Block { cause: Cause::Load, lifted_by: Some(77) });
        first.machine.state.next = Some(Next { bundle: id(1), by: Chooser::Page });
        let number = key(&first, true);
        assert_eq!(key(&world(number), true), number);
    }

    #[test]
    fn names_make_no_difference_and_roles_do() {
        let with = |bundle, next| {
            let mut world = World::new();
            world.machine.state.current = Current::Confirmed { bundle: id(bundle) };
            world.machine.state.next = Some(Next { bundle: id(next), by: Chooser::Server });
            key(&world, true)
        };
        assert_eq!(with(1, 2), with(3, 1));
        assert_ne!(with(1, 2), with(1, 0));
    }
}
