//! Who waits for what arrives, each for their own feed alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use passport_core::id::VerificationKey;
use tokio::sync::watch;

/// Everybody who waits.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    waiting: Mutex<BTreeMap<VerificationKey, watch::Sender<()>>>,
    stopping: watch::Sender<bool>,
}

/// One who waits, until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    arrivals: Arc<Arrivals>,
    key: VerificationKey,
    /// None once it is being dropped.
    fed: Option<watch::Receiver<()>>,
    stopping: watch::Receiver<bool>,
}

impl Arrivals {
    /// Waits for what arrives for a key from now on.
    pub(super) fn wait(arrivals: &Arc<Self>, key: VerificationKey) -> Waiting {
        let fed = arrivals.lock().entry(key).or_default().subscribe();
        let stopping = arrivals.stopping.subscribe();
        Waiting { arrivals: Arc::clone(arrivals), key, fed: Some(fed), stopping }
    }

    /// Wakes whoever waits for one of these feeds. What woke nobody yet is not counted: many
    /// arrivals may be one awakening.
    pub(super) fn wake(&self, fed: &BTreeSet<VerificationKey>) {
        let waiting = self.lock();
        for sender in fed.iter().filter_map(|key| waiting.get(key)) {
            sender.send_replace(());
        }
    }

    /// Ends all waiting.
    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes when waiting ends.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VerificationKey, watch::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Completes when something arrived since the last time; false when the relay stops. May be
    /// dropped and called again.
    pub(super) async fn arrival(&mut self) -> bool {
        let Some(fed) = &mut self.fed else { return false };
        tokio::select! {
            changed = fed.changed() => changed.is_ok(),
            _stopping = self.stopping.wait_for(|stopping| *stopping) => false,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.arrivals.lock();
        self.fed = None;
        if waiting.get(&self.key).is_some_and(|sender| sender.receiver_count() == 0) {
            waiting.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_is_woken_for_its_own_feed_and_forgotten_when_it_leaves() {
        let key = |n| VerificationKey::from_bytes([n; 32]);
        let arrivals = Arc::new(Arrivals::default());
        let mut first = Arrivals::wait(&arrivals, key(1));
        let second = Arrivals::wait(&arrivals, key(2));
        // From before it is awaited, and once for many.
        arrivals.wake(&[key(1), key(3)].into());
        arrivals.wake(&[key(1)].into());
        assert!(first.arrival().await);
        assert!(!second.fed.as_ref().unwrap().has_changed().unwrap());
        assert!(!first.fed.as_ref().unwrap().has_changed().unwrap());
        drop(second);
        assert_eq!(arrivals.lock().keys().copied().collect::<Vec<_>>(), [key(1)]);
        arrivals.stop();
        assert!(!first.arrival().await);
    }
}
