//! Limits failed logins, without locking an owner out for good. Pure: the caller brings the time.
//!
//! Three counts, each refilled as time goes by: for an account from one address (a person who mistypes; doubles with
//! every failure, up to a quarter of an hour), for an address over all accounts (somebody who tries names), and for
//! an account from everywhere (somebody with many addresses). The last one always lets a trickle through, and does not
//! concern an address from which that account's owner came in before.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// Failures from one address against one account that cost nothing.
const FREE: u32 = 5;
/// The longest wait after a failure, in ms: 15 minutes.
const LONGEST: u64 = 15 * 60 * 1000;
/// An account from everywhere: this many at once, then one every few seconds.
const ACCOUNT: Refill = Refill { burst: 30, every_ms: 5_000 };
/// An address against all accounts.
const ADDRESS: Refill = Refill { burst: 60, every_ms: 2_000 };
/// The most entries of each kind that are remembered.
const REMEMBERED: usize = 10_000;
/// An address stays known to an account for so long, in ms: 30 days.
const KNOWN_FOR: u64 = 30 * 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy)]
struct Refill {
    burst: u64,
    every_ms: u64,
}

/// When the next attempt is allowed, in ms, and how many failed.
#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    free_at: u64,
}

/// Counts attempts by account and address.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    pairs: HashMap<(String, IpAddr), Failures>,
    /// Virtual time up to which a bucket's allowance is spent (a token bucket in one number).
    accounts: HashMap<String, u64>,
    addresses: HashMap<IpAddr, u64>,
    known: HashMap<(String, IpAddr), u64>,
}

/// One household or server of an IPv6 network has at least a /64: its addresses count as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(
            || {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            },
            IpAddr::V4,
        ),
    }
}

/// Makes room by forgetting what matters least: what would be free soonest.
fn trim<K: Hash + Eq + Clone, V>(map: &mut HashMap<K, V>, weight: impl Fn(&V) -> u64) {
    if map.len() <= REMEMBERED {
        return;
    }
    let mut weights: Vec<u64> = map.values().map(&weight).collect();
    let (_, cut, _) = weights.select_nth_unstable(REMEMBERED / 4);
    let cut = *cut;
    map.retain(|_, value| weight(value) > cut);
}

impl Refill {
    /// How long until the bucket has room, in ms; 0: it has.
    fn wait(self, spent_until: u64, now: u64) -> u64 {
        let full = now + self.burst * self.every_ms;
        (spent_until.max(now) + self.every_ms).saturating_sub(full)
    }

    fn spend(self, spent_until: u64, now: u64) -> u64 {
        spent_until.max(now) + self.every_ms
    }
}

impl Limiter {
    /// Begins an attempt, which counts as a failure until [`Limiter::succeed`]: so a hundred at once are no way
    /// around the limit.
    ///
    /// # Errors
    /// The seconds to wait.
    pub(crate) fn begin(&mut self, account: &str, address: IpAddr, now: u64) -> Result<(), u64> {
        let address = network(address);
        let pair = (account.to_owned(), address);
        let failures = self.pairs.get(&pair).copied().unwrap_or_default();
        let spent = self.accounts.get(account).copied().unwrap_or_default();
        let is_known = self.known.get(&pair).is_some_and(|at| now < at + KNOWN_FOR);
        let spent_address = self.addresses.get(&address).copied().unwrap_or_default();
        let wait = [
            failures.free_at.saturating_sub(now),
            if is_known { 0 } else { ACCOUNT.wait(spent, now) },
            ADDRESS.wait(spent_address, now),
        ];
        let wait = wait.into_iter().max().unwrap_or_default();
        if wait > 0 {
            return Err(wait.div_ceil(1000));
        }
        // A failure is forgiven once its wait is long over, so that yesterday's do not count today.
        let count = if now > failures.free_at + LONGEST { 1 } else { failures.count + 1 };
        let delay = match count.checked_sub(FREE) {
            None | Some(0) => 0,
            Some(over) => (1000 << over.min(20)).min(LONGEST),
        };
        self.pairs.insert(pair, Failures { count, free_at: now + delay });
        if !is_known {
            self.accounts.insert(account.to_owned(), ACCOUNT.spend(spent, now));
        }
        self.addresses.insert(address, ADDRESS.spend(spent_address, now));
        trim(&mut self.pairs, |failures| failures.free_at);
        trim(&mut self.accounts, |spent| *spent);
        trim(&mut self.addresses, |spent| *spent);
        Ok(())
    }

    /// The attempt was right: it does not count, and the address is known from now on.
    pub(crate) fn succeed(&mut self, account: &str, address: IpAddr, now: u64) {
        let address = network(address);
        let pair = (account.to_owned(), address);
        self.pairs.remove(&pair);
        let was_known = self.known.get(&pair).is_some_and(|at| now < at + KNOWN_FOR);
        if let Some(spent) = self.accounts.get_mut(account).filter(|_| !was_known) {
            *spent = spent.saturating_sub(ACCOUNT.every_ms);
        }
        if let Some(spent) = self.addresses.get_mut(&address) {
            *spent = spent.saturating_sub(ADDRESS.every_ms);
        }
        self.known.insert(pair, now);
        trim(&mut self.known, |at| *at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn a_few_mistakes_cost_nothing_and_then_each_doubles_the_wait() {
        let mut limiter = Limiter::default();
        let mut now = 1_000_000;
        for _ in 0..=FREE {
            limiter.begin("admin", address(1), now).unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = limiter.begin("admin", address(1), now).unwrap_err();
            waits.push(wait);
            now += wait * 1000;
            limiter.begin("admin", address(1), now).unwrap();
        }
        assert_eq!(waits[..4], [2, 4, 8, 16]);
        assert_eq!(*waits.last().unwrap(), LONGEST / 1000);
    }

    #[test]
    fn a_right_password_clears_the_count() {
        let mut limiter = Limiter::default();
        for _ in 0..200 {
            limiter.begin("admin", address(1), 1).unwrap();
            limiter.succeed("admin", address(1), 1);
        }
    }

    #[test]
    fn an_attack_from_everywhere_does_not_lock_out_an_owner_at_a_known_address() {
        let mut limiter = Limiter::default();
        limiter.begin("admin", address(1), 0).unwrap();
        limiter.succeed("admin", address(1), 0);
        let attackers = (0..=255).flat_map(|a| (2..=255).map(move |b| IpAddr::from([192, 0, a, b])));
        let refused = attackers.filter(|attacker| limiter.begin("admin", *attacker, 1).is_err()).count();
        assert!(refused > 60_000, "{refused}");
        limiter.begin("admin", address(1), 1).unwrap();
        assert!(limiter.begin("admin", address(9), 1).is_err());
        // A trickle is let through from anywhere.
        limiter.begin("admin", address(9), 1 + ACCOUNT.every_ms).unwrap();
        // Other accounts are not concerned.
        limiter.begin("other", address(9), 1).unwrap();
    }

    #[test]
    fn somebody_who_tries_many_names_is_slowed() {
        let mut limiter = Limiter::default();
        let refused = (0..1_000).filter(|n| limiter.begin(&n.to_string(), address(1), 1).is_err()).count();
        assert_eq!(refused as u64, 1_000 - ADDRESS.burst);
        limiter.begin("admin", address(2), 1).unwrap();
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(network("2001:db8::1".parse().unwrap()), network("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), address(1));
    }

    #[test]
    fn memory_is_bounded() {
        let mut limiter = Limiter::default();
        for n in 0..40_000u32 {
            limiter.begin(&n.to_string(), IpAddr::from(n.to_be_bytes()), 1).unwrap();
        }
        assert!(limiter.pairs.len() <= REMEMBERED && limiter.accounts.len() <= REMEMBERED);
    }
}
