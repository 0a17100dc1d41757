//! How often somebody may ask: a bucket of tokens for each key and each address.
//!
//! A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm
//! of ITU-T I.371), so that it needs no timer, and one that is full need not be kept at all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use passport_core::id::VerificationKey;
use tokio::time::Instant;

/// What a bucket holds lasts so long.
const WINDOW: Duration = Duration::from_mins(1);
/// Most buckets that are kept. Beyond them nobody new is slowed down; addresses are far fewer.
const BUCKETS_MAX: usize = 100_000;

/// The buckets of everybody who asks.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    keys: Mutex<Buckets<VerificationKey>>,
    addresses: Mutex<Buckets<IpAddr>>,
}

impl Pace {
    /// So many requests in a minute for each key and for each address, at once or spread; 0 for
    /// any number.
    pub(super) fn new(per_key: u32, per_address: u32) -> Self {
        Self {
            began: Instant::now(),
            keys: Mutex::new(Buckets::new(per_key)),
            addresses: Mutex::new(Buckets::new(per_address)),
        }
    }

    /// Takes a token of a key; else says how long until there is one.
    pub(super) fn key(&self, key: &VerificationKey) -> Result<(), Duration> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).take(*key, self.began.elapsed())
    }

    /// Takes a token of an address; else says how long until there is one.
    pub(super) fn address(&self, address: IpAddr) -> Result<(), Duration> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.take(network(address), self.began.elapsed())
    }
}

/// The network that one subscriber has: an IPv4 address, or 64 bits of an IPv6 address.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The buckets that are not full.
#[derive(Debug)]
struct Buckets<K> {
    /// How long until one token comes back; none for any number.
    each: Option<Duration>,
    /// When a bucket will be full again.
    full_at: BTreeMap<K, Duration>,
    cleaned: Duration,
}

impl<K: Ord> Buckets<K> {
    fn new(per_minute: u32) -> Self {
        let each = WINDOW.checked_div(per_minute);
        Self { each, full_at: BTreeMap::new(), cleaned: Duration::ZERO }
    }

    /// `now` is the time since these buckets were made.
    fn take(&mut self, key: K, now: Duration) -> Result<(), Duration> {
        let Some(each) = self.each else { return Ok(()) };
        let known = self.full_at.get(&key).copied();
        if known.is_none() && !self.has_room(now) {
            return Ok(());
        }
        let missing = known.unwrap_or_default().saturating_sub(now) + each;
        if missing > WINDOW {
            return Err(missing.saturating_sub(WINDOW));
        }
        self.full_at.insert(key, now + missing);
        Ok(())
    }

    /// Whether another bucket can be kept. Looks for full ones once in a second at most.
    fn has_room(&mut self, now: Duration) -> bool {
        if self.full_at.len() >= BUCKETS_MAX
            && now.saturating_sub(self.cleaned) >= Duration::from_secs(1)
        {
            self.cleaned = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.len() < BUCKETS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_empties_at_once_and_fills_with_time() {
        let mut buckets = Buckets::new(60);
        for _ in 0..60 {
            assert_eq!(buckets.take('a', SECOND), Ok(()));
        }
        assert_eq!(buckets.take('a', SECOND), Err(SECOND));
        assert_eq!(buckets.take('b', SECOND), Ok(()), "another's is another");
        assert_eq!(buckets.take('a', SECOND * 2), Ok(()));
        assert_eq!(buckets.take('a', SECOND * 2), Err(SECOND), "what was refused costs nothing");
        for _ in 0..60 {
            assert_eq!(buckets.take('a', SECOND * 70), Ok(()), "full again, and no fuller");
        }
        assert!(buckets.take('a', SECOND * 70).is_err());
    }

    #[test]
    fn zero_is_no_limit_and_full_buckets_are_forgotten() {
        let mut none = Buckets::new(0);
        assert!((0..1_000).all(|_| none.take('a', SECOND).is_ok()));
        assert!(none.full_at.is_empty());
        let mut buckets = Buckets::new(60);
        for n in 0..=BUCKETS_MAX {
            assert_eq!(buckets.take(n, SECOND * 2), Ok(()));
        }
        assert_eq!(buckets.full_at.len(), BUCKETS_MAX);
        assert_eq!(buckets.take(0, SECOND * 4), Ok(()));
        assert_eq!(buckets.take(BUCKETS_MAX + 1, SECOND * 4), Ok(()));
        assert_eq!(buckets.full_at.len(), 2);
    }

    #[test]
    fn keys_and_the_networks_of_subscribers_have_buckets() {
        let pace = Pace::new(2, 1);
        let key = |n| VerificationKey::from_bytes([n; 32]);
        assert_eq!((pace.key(&key(1)), pace.key(&key(1))), (Ok(()), Ok(())));
        assert!(pace.key(&key(1)).is_err() && pace.key(&key(2)).is_ok());
        let address = |text: &str| pace.address(text.parse().unwrap());
        assert!(address("2001:db8::1").is_ok() && address("2001:db8::2:3").is_err());
        assert!(address("2001:db8:1::1").is_ok() && address("10.0.0.1").is_ok());
        assert!(address("::ffff:10.0.0.1").is_err() && address("10.0.0.2").is_ok());
    }
}
