//! A value that many commands change at once, as several keys.
//!
//! A commit insists on the revision of what it changes, so of all commands that read one key before the same commit only
//! one gets through. A value in shards is the sum of its keys, and each instance of a service keeps to one shard, its
//! home, as long as nobody else writes there; it moves when a commit of its own has failed. Instances that work at once
//! so find shards of their own: with 128 of them and 64 instances that start together, one in five fails at first, and
//! hardly any from then on.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many keys a value has: twice as many as a service answers calls at once.
pub const SHARDS: u32 = 128;

/// No home yet.
const NOWHERE: u32 = SHARDS;

/// The shard that an instance keeps to.
#[derive(Debug)]
pub struct Home(AtomicU32);

// === impl Home ===

impl Home {
    /// Anywhere.
    pub const fn new() -> Self {
        Self(AtomicU32::new(NOWHERE))
    }

    /// The shards to try one after the other, for a command: home first, and then others, each of which becomes home.
    pub fn shards(&self) -> impl FnMut() -> u32 + '_ {
        let mut at_home = true;
        move || {
            let home = self.0.load(Relaxed);
            if std::mem::take(&mut at_home) && home != NOWHERE {
                return home;
            }
            let next = u32::try_from(random() % u64::from(SHARDS)).unwrap_or_default();
            self.move_to(next);
            next
        }
    }

    /// Makes a shard home, where there is something left.
    pub fn move_to(&self, shard: u32) {
        self.0.store(shard % SHARDS, Relaxed);
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_keeps_to_its_shard_until_a_commit_fails() {
        let home = Home::new();
        let first = home.shards()();
        assert!(first < SHARDS);
        assert_eq!([home.shards()(), home.shards()()], [first, first]);
        let mut shards = home.shards();
        let tried: Vec<u32> = std::iter::repeat_with(&mut shards).take(50).collect();
        assert_eq!(tried[0], first);
        assert!(tried.iter().any(|shard| *shard != first) && tried.iter().all(|shard| *shard < SHARDS));
        assert_eq!(Some(&home.shards()()), tried.last());
        home.move_to(7);
        assert_eq!(home.shards()(), 7);
    }

    /// Rounds of instances that each write once, the first one of a shard getting through, as in one group commit.
    #[test]
    fn instances_that_start_at_once_find_shards_of_their_own() {
        let homes: Vec<Home> = std::iter::repeat_with(Home::new).take(64).collect();
        let mut trying: Vec<_> = homes.iter().map(|home| (home, home.shards())).collect();
        let mut most = 0;
        for round in 1..200 {
            let mut taken = [false; SHARDS as usize];
            trying = trying
                .into_iter()
                .filter_map(|(home, mut next)| {
                    let fails = std::mem::replace(&mut taken[next() as usize], true);
                    fails.then_some((home, next))
                })
                .collect();
            if trying.is_empty() {
                most = round;
                break;
            }
        }
        assert!((1..=10).contains(&most), "{most} tries");
    }
}
