//! What happens to devices, told one by one.

use super::model::{BootOf, Bundle, Happening, Who, World, root};
use crate::lifecycle::{
    BundleId, Cause, Current, Effect, Exit, Machine, Notice, Offer, Reason, Refused, Rules, Step, step,
};

const A: Bundle = 1;
const B: Bundle = 2;
const C: Bundle = 3;
const BUILTIN: Bundle = 0;

/// A device whose disk obeys.
struct Device {
    world: World,
    effects: Vec<Effect>,
    answer: Result<(), Refused>,
}

impl Device {
    fn new() -> Self {
        let mut device = Self { world: World::new(), effects: Vec::new(), answer: Ok(()) };
        device.boots(BootOf::PLAIN);
        device
    }

    /// A device on which these were confirmed, one after the other.
    fn with(confirmed: &[Bundle]) -> Self {
        let mut device = Self::new();
        for bundle in confirmed {
            device.offered(*bundle);
            device.starts();
            device.ready();
        }
        device
    }

    /// A device that tries `bundle`, behind these.
    fn trying(bundle: Bundle, confirmed: &[Bundle]) -> Self {
        let mut device = Self::with(confirmed);
        device.offered(bundle);
        assert_eq!(device.starts(), (bundle, Reason::Trial));
        device
    }

    fn happens(&mut self, happening: Happening) {
        let Some(event) = self.world.event(&happening) else { return self.world.pass(&happening) };
        if let Happening::Boot(boot) = happening {
            self.world.boots += 1;
            self.world.run += u32::from(!boot.same_os);
        }
        let Step { machine, effects, answer } = step(&Rules::default(), self.world.machine.clone(), event);
        (self.world.machine, self.effects, self.answer) = (machine, effects, answer);
    }

    fn boots(&mut self, boot: BootOf) -> (Bundle, Reason) {
        self.happens(Happening::Boot(boot));
        let shown = self.effects.iter().find_map(|effect| match effect {
            Effect::Show { bundle, reason, .. } => Some((super::model::number(*bundle), *reason)),
            _ => None,
        });
        shown.expect("a boot shows something")
    }

    /// The process is gone, the system does not say how, and the app is started again.
    fn starts(&mut self) -> (Bundle, Reason) {
        self.boots(BootOf::PLAIN)
    }

    fn starts_after(&mut self, exit: Exit) -> (Bundle, Reason) {
        self.boots(BootOf { exit: Some(exit), ..BootOf::PLAIN })
    }

    fn swaps(&mut self) -> (Bundle, Reason) {
        self.boots(BootOf { exit: None, ..BootOf::PLAIN })
    }

    fn starts_without_record(&mut self) -> (Bundle, Reason) {
        self.boots(BootOf { recordable: false, ..BootOf::PLAIN })
    }

    fn is_killed_in_the_background(&mut self) -> (Bundle, Reason) {
        self.happens(Happening::Background);
        self.starts()
    }

    fn offered(&mut self, bundle: Bundle) {
        let offer = if bundle == BUILTIN { Offer::Builtin } else { Offer::Bundle(root(bundle)) };
        self.happens(Happening::Answered(offer));
    }

    fn ready(&mut self) {
        self.happens(Happening::Ready(Who::Live));
        assert_eq!(self.answer, Ok(()));
    }

    fn fails(&mut self, cause: Cause) {
        self.happens(Happening::Failed(Who::Live, cause));
        assert_eq!(self.answer, Ok(()));
    }

    fn next(&self) -> Option<Bundle> {
        self.world.state().next.map(|next| super::model::number(next.bundle))
    }

    fn confirmed(&self) -> [Bundle; 2] {
        self.world.state().confirmed().map(super::model::number)
    }

    fn is_blocked(&self, bundle: Bundle) -> bool {
        self.world.state().is_blocked(root(bundle))
    }

    /// Whether a check's reply can bring the bundle now.
    fn may_be_offered(&self, bundle: Bundle) -> bool {
        let mut later = Self { world: self.world.clone(), effects: Vec::new(), answer: Ok(()) };
        later.offered(bundle);
        later.next() == Some(bundle)
    }

    fn told(&self, notice: Notice) -> bool {
        self.effects.contains(&Effect::Tell(notice))
    }
}

mod a_trial {
    use super::*;

    #[test]
    fn begins_at_the_next_boot_and_ends_with_ready() {
        let mut device = Device::with(&[A]);
        device.offered(B);
        assert_eq!(device.starts(), (B, Reason::Trial));
        device.ready();
        assert!(device.told(Notice::Confirmed(root(B))));
        assert_eq!(device.starts(), (B, Reason::Current));
        assert_eq!(device.confirmed(), [B, A]);
    }

    #[test]
    fn survives_one_crash() {
        let mut device = Device::trying(B, &[A]);
        assert_eq!(device.starts(), (B, Reason::Trial));
        device.ready();
        assert_eq!(device.confirmed(), [B, A]);
    }

    #[test]
    fn is_rolled_back_and_blocked_by_two_crashed_boots() {
        let mut device = Device::trying(B, &[A]);
        device.starts();
        assert_eq!(device.starts(), (A, Reason::RolledBack));
        assert!(device.told(Notice::Blocked(root(B), Cause::Crash)));
        assert!(!device.may_be_offered(B));
        assert_eq!(device.starts(), (A, Reason::Current));
    }

    #[test]
    fn is_put_off_and_not_blocked_by_six_ends_in_the_background() {
        let mut device = Device::trying(B, &[A]);
        for _ in 0..5 {
            assert_eq!(device.is_killed_in_the_background(), (B, Reason::Trial));
        }
        assert_eq!(device.is_killed_in_the_background(), (A, Reason::RolledBack));
        assert!(!device.is_blocked(B));
        assert!(!device.may_be_offered(B));
        device.happens(Happening::DayPasses);
        assert!(device.may_be_offered(B));
    }

    #[test]
    fn counts_interruptions_anew_after_a_crash() {
        let mut device = Device::trying(B, &[A]);
        for _ in 0..5 {
            device.is_killed_in_the_background();
        }
        assert_eq!(device.starts(), (B, Reason::Trial), "the first crash");
        assert_eq!(
            device.is_killed_in_the_background(),
            (B, Reason::Trial),
            "the first interruption in a row"
        );
    }

    #[test]
    fn is_not_crashed_by_a_reboot_a_kill_or_an_end_before_the_screen() {
        let reboot = BootOf { same_os: false, ..BootOf::PLAIN };
        let kill = BootOf { exit: Some(Exit::Killed), ..BootOf::PLAIN };
        for end in [reboot, kill] {
            let mut device = Device::trying(B, &[A]);
            for _ in 0..3 {
                assert_eq!(device.boots(end), (B, Reason::Trial), "{end:?}");
            }
        }
        let mut device = Device::with(&[A]);
        device.offered(B);
        let unseen = BootOf { on_screen: false, ..BootOf::PLAIN };
        for _ in 0..4 {
            assert_eq!(device.boots(unseen), (B, Reason::Trial));
        }
    }

    #[test]
    fn is_put_off_by_its_first_time_out_and_blocked_by_the_second() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Timeout);
        assert!(device.effects.contains(&Effect::Replace));
        assert_eq!(device.swaps(), (A, Reason::Current));
        assert!(!device.is_blocked(B) && !device.may_be_offered(B));
        device.happens(Happening::DayPasses);
        device.offered(B);
        device.starts();
        device.fails(Cause::Timeout);
        assert!(device.is_blocked(B));
    }

    #[test]
    fn gets_one_more_chance_from_a_release_that_says_retry_and_from_each_only_once() {
        let mut device = Device::trying(B, &[A]);
        let times_out = |device: &mut Device| {
            device.offered(B);
            device.starts();
            device.fails(Cause::Timeout);
        };
        device.fails(Cause::Timeout);
        device.happens(Happening::DayPasses);
        times_out(&mut device);
        device.happens(Happening::Lifted { bundle: B, is_newer: false });
        assert!(device.may_be_offered(B));
        times_out(&mut device);
        assert!(device.is_blocked(B), "one more time-out blocks again");
        device.happens(Happening::Lifted { bundle: B, is_newer: false });
        assert!(device.is_blocked(B), "the same release lifts nothing more");
        device.happens(Happening::Lifted { bundle: B, is_newer: true });
        assert!(!device.is_blocked(B));
    }

    #[test]
    fn that_crashed_is_not_lifted_by_retry() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Reported);
        device.happens(Happening::Lifted { bundle: B, is_newer: true });
        assert!(device.is_blocked(B));
    }

    #[test]
    fn that_fails_is_blocked_at_once_and_the_next_boot_is_an_ordinary_one() {
        for cause in [Cause::Load, Cause::Renderer, Cause::Reported] {
            let mut device = Device::trying(B, &[A]);
            device.fails(cause);
            assert!(device.told(Notice::Blocked(root(B), cause)));
            assert!(device.effects.contains(&Effect::Verify(root(B))));
            assert_eq!(device.swaps(), (A, Reason::Current));
        }
    }

    #[test]
    fn of_a_page_that_reloads_for_ever_is_put_off() {
        let mut device = Device::trying(B, &[A]);
        for _ in 0..5 {
            assert_eq!(device.swaps(), (B, Reason::Trial));
        }
        assert_eq!(device.swaps(), (A, Reason::RolledBack));
        assert!(!device.is_blocked(B));
    }

    #[test]
    fn gives_way_to_another_bundle_without_being_judged() {
        let mut device = Device::trying(B, &[A]);
        device.offered(C);
        assert_eq!(device.starts(), (C, Reason::Trial));
        assert_eq!(device.world.state().fallback, BundleId::Held(root(A)));
        assert!(device.may_be_offered(B));
    }

    #[test]
    fn whose_ready_was_noted_and_not_saved_is_confirmed_by_the_next_boot() {
        let mut device = Device::trying(B, &[A]);
        let before = device.world.state().clone();
        device.ready();
        let attempt = device.world.machine.attempt;
        device.world.machine = Machine { state: before, attempt };
        assert_eq!(device.boots(BootOf { same_os: false, ..BootOf::PLAIN }), (B, Reason::Current));
        assert!(device.told(Notice::Confirmed(root(B))));
    }

    #[test]
    fn whose_note_is_lost_was_interrupted() {
        let mut device = Device::trying(B, &[A]);
        device.happens(Happening::NoteLost);
        assert_eq!(device.starts(), (B, Reason::Trial));
        let trial = device.world.state().current.trial().copied().expect("a trial");
        assert_eq!((trial.crashes, trial.interruptions), (0, 1));
    }

    #[test]
    fn ends_by_a_renderer_that_crashes_or_dies_twice_unexplained() {
        let mut device = Device::trying(B, &[A]);
        device.happens(Happening::RendererGone(Some(false)));
        device.happens(Happening::RendererGone(None));
        assert!(!device.is_blocked(B));
        device.happens(Happening::RendererGone(None));
        assert!(device.told(Notice::Blocked(root(B), Cause::Renderer)));

        let mut device = Device::trying(B, &[A]);
        device.happens(Happening::RendererGone(Some(true)));
        assert!(device.is_blocked(B));
    }

    #[test]
    fn does_not_mind_a_renderer_that_dies_in_the_background() {
        let mut device = Device::trying(B, &[A]);
        device.happens(Happening::Background);
        device.happens(Happening::RendererGone(Some(true)));
        assert!(!device.is_blocked(B));
    }

    #[test]
    fn is_left_unjudged_by_a_reset() {
        let mut device = Device::trying(B, &[A]);
        device.happens(Happening::Reset);
        assert_eq!(device.swaps(), (BUILTIN, Reason::Builtin));
        assert!(device.may_be_offered(B));
        assert_eq!(device.confirmed(), [BUILTIN, BUILTIN]);
    }
}

mod after_ready {
    use super::*;

    #[test]
    fn nothing_counts_any_more_in_that_boot() {
        let mut device = Device::trying(B, &[A]);
        device.ready();
        device.fails(Cause::Timeout);
        device.fails(Cause::Reported);
        device.happens(Happening::RendererGone(Some(true)));
        assert_eq!(device.starts_after(Exit::Crashed), (B, Reason::Current));
        assert!(!device.is_blocked(B));
    }

    #[test]
    fn a_later_boots_ready_writes_the_note_alone() {
        let mut device = Device::with(&[A]);
        device.starts();
        device.ready();
        assert_eq!(device.effects, [Effect::Note, Effect::Prune]);
    }

    #[test]
    fn a_second_ready_is_fine_and_does_nothing() {
        let mut device = Device::trying(B, &[A]);
        device.ready();
        device.ready();
        assert!(device.effects.is_empty());
    }
}

mod the_fallback {
    use super::*;

    #[test]
    fn is_the_bundle_confirmed_before_the_one_shown() {
        let device = Device::with(&[A, B]);
        assert_eq!(device.confirmed(), [B, A]);
    }

    #[test]
    fn has_its_own_fallback_again_after_a_failed_trial() {
        let mut device = Device::trying(C, &[A, B]);
        assert_eq!(device.confirmed(), [B, A]);
        assert!(device.world.state().needed().contains(&root(A)));
        device.fails(Cause::Load);
        assert_eq!(device.confirmed(), [B, A]);
    }

    #[test]
    fn comes_back_without_a_trial_when_it_is_offered() {
        let mut device = Device::with(&[A, B]);
        device.offered(A);
        assert_eq!(device.starts(), (A, Reason::Current));
        assert_eq!(device.confirmed(), [A, B]);
    }

    #[test]
    fn is_the_bundle_shown_when_the_builtin_is_asked_for() {
        let mut device = Device::with(&[A, B]);
        device.offered(BUILTIN);
        assert_eq!(device.starts(), (BUILTIN, Reason::Builtin));
        assert_eq!(device.confirmed(), [BUILTIN, B]);
        device.offered(B);
        assert_eq!(device.starts(), (B, Reason::Current));
    }
}

mod a_confirmed_bundle {
    use super::*;

    #[test]
    fn is_put_off_by_three_crashes_in_a_row_and_comes_back_by_a_trial() {
        let mut device = Device::with(&[A, B]);
        device.starts();
        assert_eq!(device.starts(), (B, Reason::Current));
        assert_eq!(device.starts(), (B, Reason::Current));
        assert_eq!(device.starts(), (A, Reason::RolledBack));
        assert!(!device.is_blocked(B) && !device.may_be_offered(B));
        device.happens(Happening::DayPasses);
        device.offered(B);
        assert_eq!(device.starts(), (B, Reason::Trial));
    }

    #[test]
    fn starts_anew_with_a_ready_and_not_with_an_interruption() {
        let mut device = Device::with(&[A]);
        device.starts();
        device.starts();
        device.starts();
        device.is_killed_in_the_background();
        assert_eq!(device.world.machine.attempt.map(|attempt| attempt.crashes), Some(2));
        device.ready();
        for _ in 0..3 {
            assert_eq!(device.starts(), (A, Reason::Current));
        }
    }

    #[test]
    fn that_is_late_is_looked_at_and_stays() {
        let mut device = Device::with(&[A]);
        device.starts();
        device.fails(Cause::Timeout);
        assert!(device.effects.contains(&Effect::Verify(root(A))));
        assert!(!device.effects.contains(&Effect::Replace));
        device.fails(Cause::Timeout);
        assert!(device.effects.is_empty(), "once a boot");
    }

    #[test]
    fn counts_a_boot_in_which_the_renderer_crashed_however_it_ended() {
        let kill = BootOf { exit: Some(Exit::Killed), ..BootOf::PLAIN };
        let swap = BootOf { exit: None, ..BootOf::PLAIN };
        let mut device = Device::with(&[A]);
        device.starts();
        for end in [kill, swap] {
            device.happens(Happening::RendererGone(Some(true)));
            assert_eq!(device.boots(end), (A, Reason::Current));
        }
        device.happens(Happening::RendererGone(Some(true)));
        assert_eq!(device.boots(kill), (BUILTIN, Reason::RolledBack));
    }

    #[test]
    fn whose_renderer_crashes_for_ever_within_one_boot_is_put_off() {
        let mut device = Device::with(&[A, B]);
        device.starts();
        for _ in 0..2 {
            device.happens(Happening::RendererGone(Some(true)));
            assert!(!device.effects.contains(&Effect::Replace));
        }
        device.happens(Happening::RendererGone(Some(true)));
        assert!(device.told(Notice::SetAside(root(B), Cause::Renderer)));
        assert_eq!(device.swaps(), (A, Reason::Current));
    }

    #[test]
    fn does_not_inherit_the_crashes_of_one_whose_files_are_gone() {
        let mut device = Device::with(&[A, B]);
        device.starts();
        device.starts();
        let missing = 1 << B;
        assert_eq!(device.boots(BootOf { missing, ..BootOf::PLAIN }), (A, Reason::RolledBack));
        assert_eq!(device.starts(), (A, Reason::Current), "its first crash");
        assert_eq!(device.starts(), (A, Reason::Current), "its second");
    }

    #[test]
    fn that_was_wished_for_before_it_was_put_off_waits_all_the_same() {
        let mut device = Device::trying(B, &[A]);
        device.starts_without_record();
        device.happens(Happening::Chosen(A));
        device.happens(Happening::Damaged(B));
        for _ in 0..2 {
            device.starts_without_record();
        }
        assert_eq!(device.starts(), (BUILTIN, Reason::RolledBack));
    }
}

mod a_disk_in_trouble {
    use super::*;

    #[test]
    fn starts_no_trial_and_shows_the_fallback() {
        let mut device = Device::with(&[A]);
        device.offered(B);
        assert_eq!(device.starts_without_record(), (A, Reason::Current));
        assert!(device.told(Notice::NotRecorded(root(B))));
        assert!(!device.effects.contains(&Effect::Save));
        assert_eq!(device.starts(), (B, Reason::Trial), "once it can be recorded");
    }

    #[test]
    fn does_not_make_a_trial_forget_its_crashes() {
        let mut device = Device::trying(B, &[A]);
        device.starts();
        device.starts_without_record();
        assert_eq!(device.starts(), (B, Reason::Trial));
        assert_eq!(device.starts(), (A, Reason::RolledBack));
    }

    #[test]
    fn does_not_make_a_confirmed_bundle_forget_its_crashes() {
        let mut device = Device::with(&[A]);
        device.offered(B);
        device.starts_without_record();
        for _ in 0..2 {
            assert_eq!(device.starts_without_record(), (A, Reason::Current));
        }
        assert_eq!(device.starts_without_record(), (BUILTIN, Reason::Builtin));
    }

    #[test]
    fn that_could_not_record_a_failure_did_not_see_a_crash() {
        let mut device = Device::trying(B, &[A]);
        if let Some(attempt) = &mut device.world.machine.attempt {
            attempt.over = true;
        }
        device.starts();
        let trial = device.world.state().current.trial().copied().expect("a trial");
        assert_eq!((trial.crashes, trial.interruptions), (0, 1));
    }

    #[test]
    fn drops_a_bundle_whose_files_are_gone_and_holds_nothing_against_it() {
        let mut device = Device::trying(B, &[A]);
        let missing = 1 << B;
        assert_eq!(device.boots(BootOf { missing, ..BootOf::PLAIN }), (A, Reason::RolledBack));
        assert!(device.told(Notice::Dropped(root(B))));
        assert!(device.may_be_offered(B));
    }

    #[test]
    fn that_damaged_a_bundle_is_to_blame_for_its_failures() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Load);
        device.happens(Happening::Damaged(B));
        assert!(device.may_be_offered(B));
        device.offered(B);
        device.starts();
        device.fails(Cause::Timeout);
        device.happens(Happening::Damaged(B));
        device.offered(B);
        device.starts();
        device.fails(Cause::Timeout);
        assert!(!device.is_blocked(B), "the time-out before was the disk's");
    }

    #[test]
    fn that_damaged_the_bundle_shown_makes_the_fallback_next() {
        let mut device = Device::with(&[A, B]);
        device.happens(Happening::Damaged(B));
        assert_eq!(device.starts(), (A, Reason::Current));
    }
}

mod a_boot {
    use super::*;

    #[test]
    fn of_a_confirmed_bundle_saves_nothing() {
        let mut device = Device::with(&[A]);
        device.starts();
        let saves = device.effects.iter().filter(|effect| **effect == Effect::Save).count();
        assert_eq!((saves, device.effects.len()), (0, 2));
    }

    #[test]
    fn into_a_trial_saves_once_before_it_shows() {
        let device = Device::trying(B, &[A]);
        assert!(matches!(device.effects[..], [Effect::Save, Effect::Note, Effect::Show { .. }]));
        let trial = device.world.state().current.trial().copied().expect("a trial");
        assert_eq!(Some(trial.token), device.world.machine.attempt.map(|attempt| attempt.token));
    }

    #[test]
    fn after_an_update_from_the_store_starts_afresh() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Load);
        device.offered(C);
        let updated = BootOf { same_native: false, ..BootOf::PLAIN };
        assert_eq!(device.boots(updated), (BUILTIN, Reason::NativeChanged));
        assert!(device.effects.contains(&Effect::ForgetFloors));
        assert!(device.may_be_offered(B), "blocks are void");
        assert_eq!((device.next(), device.confirmed()), (None, [BUILTIN, BUILTIN]));
        assert_eq!(device.starts(), (BUILTIN, Reason::Builtin));
    }

    #[test]
    fn after_an_update_from_the_store_shows_the_builtin_even_without_a_record() {
        let mut device = Device::with(&[A]);
        let updated = BootOf { same_native: false, recordable: false, ..BootOf::PLAIN };
        assert_eq!(device.boots(updated), (BUILTIN, Reason::NativeChanged));
        assert_eq!(device.world.state().current, Current::Confirmed { bundle: BundleId::Held(root(A)) });
    }
}

mod what_comes_next {
    use super::*;

    #[test]
    fn is_nothing_when_the_release_was_withdrawn() {
        let mut device = Device::with(&[A]);
        device.offered(B);
        device.happens(Happening::Answered(Offer::Nothing));
        assert_eq!(device.starts(), (A, Reason::Current));
    }

    #[test]
    fn stays_what_the_page_chose() {
        let mut device = Device::with(&[A]);
        device.happens(Happening::Chosen(B));
        device.offered(C);
        device.happens(Happening::Answered(Offer::Nothing));
        device.happens(Happening::ChannelChanged);
        assert_eq!(device.starts(), (B, Reason::Trial));
    }

    #[test]
    fn of_another_channel_is_dropped() {
        let mut device = Device::with(&[A]);
        device.offered(B);
        device.happens(Happening::ChannelChanged);
        assert_eq!(device.next(), None);
    }

    #[test]
    fn is_never_a_blocked_bundle_not_even_by_wish() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Load);
        device.happens(Happening::Chosen(B));
        assert_eq!((device.answer, device.next()), (Err(Refused::Blocked), None));
    }

    #[test]
    fn may_be_a_bundle_put_off_by_wish_alone() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Timeout);
        device.swaps();
        assert!(!device.may_be_offered(B));
        device.happens(Happening::Chosen(B));
        assert_eq!(device.starts(), (B, Reason::Trial));
        device.fails(Cause::Timeout);
        assert!(device.is_blocked(B), "the time-out before is remembered");
    }

    #[test]
    fn does_not_wait_longer_than_a_day_by_a_clock_that_was_wrong() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Timeout);
        device.happens(Happening::ClockSetBack);
        assert!(device.may_be_offered(B));
    }

    #[test]
    fn is_free_again_after_the_page_forgave() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Load);
        device.happens(Happening::Forgiven(Some(B)));
        assert!(device.may_be_offered(B));
    }
}

mod a_token {
    use super::*;

    #[test]
    fn of_another_boot_changes_nothing() {
        let mut device = Device::trying(B, &[A]);
        let before = device.world.machine.clone();
        device.happens(Happening::Ready(Who::Unknown));
        assert_eq!(device.answer, Err(Refused::StaleToken));
        device.happens(Happening::Failed(Who::Unknown, Cause::Reported));
        assert_eq!(device.answer, Err(Refused::StaleToken));
        assert_eq!(device.world.machine, before);
    }

    #[test]
    fn of_a_boot_that_was_ended_changes_nothing() {
        let mut device = Device::trying(B, &[A]);
        device.fails(Cause::Timeout);
        device.happens(Happening::Ready(Who::Live));
        assert_eq!(device.answer, Err(Refused::StaleToken));
    }

    #[test]
    fn of_a_trials_earlier_boot_does_not_confirm_it() {
        let mut device = Device::trying(B, &[A]);
        device.starts_without_record();
        device.happens(Happening::Ready(Who::Earlier));
        assert_eq!(device.answer, Err(Refused::StaleToken));
        device.ready();
        assert!(device.world.state().current.trial().is_some(), "the fallback was ready, not the trial");
    }
}
