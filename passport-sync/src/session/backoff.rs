//! When to try again, as values.

use passport_core::time::Timestamp;
use rand_core::CryptoRng;

/// How long to wait after failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffPolicy {
    /// Longest first wait, in seconds; doubles with each failure.
    pub first_seconds: u32,
    /// Longest wait, in seconds.
    pub most_seconds: u32,
    /// Failures in a row after which the caller is told to give up for now.
    pub budget: u32,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self { first_seconds: 2, most_seconds: 300, budget: 8 }
    }
}

/// Failures in a row, and when to try next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    policy: BackoffPolicy,
    failures: u32,
    next: Option<Timestamp>,
}

impl Backoff {
    /// Nothing has failed yet.
    #[must_use]
    pub const fn new(policy: BackoffPolicy) -> Self {
        Self { policy, failures: 0, next: None }
    }

    /// Everything is well again.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Notes a failure. The next try is after a random part of the wait (full jitter, at least
    /// one second), so that many clients do not come back together; and after the seconds that
    /// the relay asked for, if it did. Whoever asks for longer than the longest wait is not
    /// waited for.
    pub fn failed(&mut self, now: Timestamp, asked: Option<u32>, rng: &mut dyn CryptoRng) {
        let longest = self
            .policy
            .first_seconds
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .clamp(1, self.policy.most_seconds.max(1));
        let wait = (1 + rng.next_u32() % longest).saturating_add(asked.unwrap_or(0));
        let too_long = asked.is_some_and(|asked| asked > self.policy.most_seconds);
        self.failures = if too_long { u32::MAX } else { self.failures.saturating_add(1) };
        self.next = Some(Timestamp::from_seconds(now.as_seconds().saturating_add(wait.into())));
    }

    /// When to try next; none for at once.
    #[must_use]
    pub const fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// Whether the failures in a row have used up the budget.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.failures >= self.policy.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng as _;

    #[test]
    fn waits_grow_up_to_a_limit_and_end_with_success() {
        let mut rng = rand_chacha::ChaCha20Rng::from_seed([4; 32]);
        let policy = BackoffPolicy { first_seconds: 2, most_seconds: 10, budget: 3 };
        let mut backoff = Backoff::new(policy);
        let now = Timestamp::from_seconds(1000);
        for failures in 1..100 {
            backoff.failed(now, None, &mut rng);
            let wait = backoff.next().unwrap().as_seconds() - 1000;
            assert!((1..=10).contains(&wait), "{wait}");
            assert_eq!(backoff.is_spent(), failures >= 3);
        }
        backoff.succeeded();
        assert_eq!(backoff, Backoff::new(policy));
        backoff.failed(now, Some(7), &mut rng);
        let wait = backoff.next().unwrap().as_seconds() - 1000;
        assert!((8..=9).contains(&wait) && !backoff.is_spent(), "{wait}");
        backoff.failed(now, Some(11), &mut rng);
        assert!(backoff.is_spent(), "tomorrow is not waited for");
    }
}
