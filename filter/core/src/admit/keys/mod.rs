//! What this VM has learnt about keys, and when it must ask again.

mod wire;

use std::{collections::HashMap, rc::Rc};

pub use wire::{decode_resolution, encode_resolve};

use super::{KeyRefusal, Principal};
use crate::words::{KeyDigest, Millis};

/// How long a key that was once good goes on working while the control plane cannot be asked.
const STALE_MS: u64 = 24 * 60 * 60 * 1000;
/// Most keys that are remembered. Beyond it the oldest half is forgotten, and asked for again when next used.
const CAPACITY: usize = 50_000;
/// Most refusals that are remembered: what an attacker can make us hold.
const REFUSAL_CAPACITY: usize = 5_000;

/// Most questions to the control plane in one second: beyond it, unknown keys are told to try again.
const ASKS_PER_SECOND: u32 = 500;

/// What this VM has learnt about keys, by digest.
///
/// An answer holds until its time is over, the control plane says that the key changed, or a new session begins (a change
/// may have been missed in between). While there is no session, what was once good stays good for a day.
#[derive(Debug, Default)]
pub struct KeyCache {
    principals: HashMap<KeyDigest, Entry<Rc<Principal>>>,
    refusals: HashMap<KeyDigest, Entry<KeyRefusal>>,
    epoch: u64,
    /// How often anything was said to be out of date.
    changes: u64,
    /// The second of the last question, and how many were asked in it.
    asked: (u64, u32),
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    learnt: Millis,
    expires: Millis,
    epoch: u64,
}

/// What the cache knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is good.
    Good(Rc<Principal>),
    /// It is not.
    Refused(KeyRefusal),
    /// The control plane must be asked; if it cannot answer, this is what was last known to be good.
    Ask(Option<Rc<Principal>>),
}

/// What the control plane said of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It is good, for so many milliseconds.
    Good(Rc<Principal>, u32),
    /// It is not, for so many milliseconds.
    Refused(KeyRefusal, u32),
    /// It could not be asked, or did not answer in time.
    Unavailable,
}

impl KeyCache {
    /// Looks a key up. `connected` says whether changes are being pushed right now.
    #[must_use]
    pub fn look_up(&self, digest: &KeyDigest, connected: bool, now: Millis) -> Known {
        if let Some(entry) = self.principals.get(digest) {
            let fresh = entry.expires > now && entry.epoch == self.epoch;
            let within_a_day = now.since(entry.learnt) < STALE_MS;
            let value = Rc::clone(&entry.value);
            return match (fresh, connected) {
                (true, _) => Known::Good(value),
                (false, false) if within_a_day => Known::Good(value),
                _ => Known::Ask(within_a_day.then_some(value)),
            };
        }
        match self.refusals.get(digest) {
            Some(entry) if entry.expires > now && entry.epoch == self.epoch => Known::Refused(entry.value),
            _ => Known::Ask(None),
        }
    }

    /// Whether one more question may be asked now; counts it if so.
    pub fn may_ask(&mut self, now: Millis) -> bool {
        let (second, count) = self.asked;
        let count = if second == now.seconds() { count.saturating_add(1) } else { 1 };
        self.asked = (now.seconds(), count);
        count <= ASKS_PER_SECOND
    }

    /// Remembers an answer.
    pub fn learn(&mut self, digest: KeyDigest, resolution: &Resolution, now: Millis) {
        let epoch = self.epoch;
        match resolution {
            Resolution::Good(principal, ttl) => {
                self.refusals.remove(&digest);
                trim(&mut self.principals, CAPACITY);
                let value = Rc::clone(principal);
                let expires = now.plus(u64::from(*ttl));
                self.principals.insert(digest, Entry { value, learnt: now, expires, epoch });
            }
            Resolution::Refused(refusal, ttl) => {
                self.principals.remove(&digest);
                trim(&mut self.refusals, REFUSAL_CAPACITY);
                let expires = now.plus(u64::from(*ttl));
                self.refusals.insert(digest, Entry { value: *refusal, learnt: now, expires, epoch });
            }
            Resolution::Unavailable => {}
        }
    }

    /// Grows whenever something that was learnt, or is being asked for, may be out of date.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Forgets what is known of a key that changed.
    pub fn forget(&mut self, digest: &KeyDigest) {
        self.changes = self.changes.wrapping_add(1);
        self.principals.remove(digest);
        self.refusals.remove(digest);
    }

    /// A new session: changes may have been missed, so everything must be asked for again before its next use.
    pub fn begin_epoch(&mut self) {
        self.changes = self.changes.wrapping_add(1);
        self.epoch = self.epoch.wrapping_add(1);
    }
}

fn trim<T>(entries: &mut HashMap<KeyDigest, Entry<T>>, capacity: usize) {
    if entries.len() < capacity {
        return;
    }
    let mut ages: Vec<Millis> = entries.values().map(|entry| entry.learnt).collect();
    ages.sort_unstable();
    let median = ages.get(capacity / 2).copied().unwrap_or_default();
    entries.retain(|_, entry| entry.learnt > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Rc<Principal> {
        let models = vec![crate::words::Glob::new("*")];
        Rc::new(Principal { key_id: "k1".into(), name: "dev".into(), team: "".into(), user: "".into(), models })
    }

    fn digest() -> KeyDigest {
        KeyDigest::of(b"sk-1")
    }

    const NOW: Millis = Millis(1_000_000);

    #[test]
    fn an_unknown_key_is_asked_for_and_then_known_until_its_time_is_over() {
        let mut cache = KeyCache::default();
        assert_eq!(cache.look_up(&digest(), true, NOW), Known::Ask(None));
        cache.learn(digest(), &Resolution::Good(principal(), 1000), NOW);
        assert_eq!(cache.look_up(&digest(), true, NOW.plus(999)), Known::Good(principal()));
        assert_eq!(cache.look_up(&digest(), true, NOW.plus(1000)), Known::Ask(Some(principal())));
    }

    #[test]
    fn a_changed_key_is_asked_for_again() {
        let mut cache = KeyCache::default();
        cache.learn(digest(), &Resolution::Good(principal(), 1000), NOW);
        cache.forget(&digest());
        assert_eq!(cache.look_up(&digest(), true, NOW), Known::Ask(None));
        cache.learn(digest(), &Resolution::Refused(KeyRefusal::Revoked, 1000), NOW);
        assert_eq!(cache.look_up(&digest(), true, NOW), Known::Refused(KeyRefusal::Revoked));
        cache.forget(&digest());
        assert_eq!(cache.look_up(&digest(), true, NOW), Known::Ask(None));
    }

    #[test]
    fn a_new_session_asks_again_because_a_change_may_have_been_missed() {
        let mut cache = KeyCache::default();
        cache.learn(digest(), &Resolution::Good(principal(), 1000), NOW);
        cache.begin_epoch();
        assert_eq!(cache.look_up(&digest(), true, NOW), Known::Ask(Some(principal())));
    }

    #[test]
    fn without_a_session_a_good_key_stays_good_for_a_day_and_no_longer() {
        let mut cache = KeyCache::default();
        cache.learn(digest(), &Resolution::Good(principal(), 1000), NOW);
        assert_eq!(cache.look_up(&digest(), false, NOW.plus(5000)), Known::Good(principal()));
        assert_eq!(cache.look_up(&digest(), false, NOW.plus(STALE_MS)), Known::Ask(None));
    }

    #[test]
    fn a_flood_of_unknown_keys_does_not_become_a_flood_of_questions() {
        let mut cache = KeyCache::default();
        assert_eq!((0..10_000).filter(|_| cache.may_ask(NOW)).count(), ASKS_PER_SECOND as usize);
        assert!(cache.may_ask(NOW.plus(1000)));
    }

    #[test]
    fn what_is_remembered_of_refused_keys_is_bounded() {
        let mut cache = KeyCache::default();
        for n in 0..3 * REFUSAL_CAPACITY as u64 {
            let digest = KeyDigest::of(&n.to_le_bytes());
            cache.learn(digest, &Resolution::Refused(KeyRefusal::Unknown, 1000), NOW.plus(n));
        }
        assert!(cache.refusals.len() <= REFUSAL_CAPACITY);
    }
}
