//! Each request once.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::time::Timestamp;

use super::{Authenticated, SignatureError, WINDOW_SECONDS};

/// Remembers the requests of the last minutes, and refuses stale and repeated ones.
///
/// A relay that was started anew has forgotten: a request of the last minute could then be
/// played again. Every request is idempotent, so that changes nothing.
#[derive(Debug)]
pub struct ReplayGuard {
    /// By the second at which they were made, a mark of key and nonce.
    seen: BTreeMap<Timestamp, BTreeSet<u64>>,
    len: usize,
    most: usize,
}

impl ReplayGuard {
    /// Remembers at most `most` requests.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { seen: BTreeMap::new(), len: 0, most }
    }

    /// Admits a request whose signature was checked, once.
    ///
    /// # Errors
    /// Returns [`SignatureError::Stale`], [`SignatureError::Replayed`], or
    /// [`SignatureError::Overloaded`] when it has no room to remember another.
    pub fn admit(&mut self, request: &Authenticated, now: Timestamp) -> Result<(), SignatureError> {
        let off = request.created.as_seconds().saturating_sub(now.as_seconds());
        if off.saturating_abs() > WINDOW_SECONDS {
            return Err(SignatureError::Stale);
        }
        self.forget(now);
        let mark = mark(request);
        if self.seen.get(&request.created).is_some_and(|seen| seen.contains(&mark)) {
            return Err(SignatureError::Replayed);
        }
        if self.len >= self.most {
            return Err(SignatureError::Overloaded);
        }
        self.seen.entry(request.created).or_default().insert(mark);
        self.len += 1;
        Ok(())
    }

    /// Forgets what would be stale, with room for a clock that steps back.
    fn forget(&mut self, now: Timestamp) {
        let oldest = now.as_seconds().saturating_sub(2 * WINDOW_SECONDS);
        while let Some(entry) = self.seen.first_entry() {
            if entry.key().as_seconds() >= oldest {
                break;
            }
            self.len = self.len.saturating_sub(entry.remove().len());
        }
    }
}

/// Of 64 bits, as millions are kept. Two requests of one second that share a mark by chance are
/// one in billions; the second is told that it is stale, and comes again with another nonce.
fn mark(request: &Authenticated) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(request.key.as_bytes()).update(&request.nonce);
    let mut mark = [0; 8];
    hasher.finalize_xof().fill(&mut mark);
    u64::from_be_bytes(mark)
}
