//! The relay's end of a live connection.

use std::collections::BTreeSet;

use passport_core::id::{ObjectId, VerificationKey};
use passport_core::time::Timestamp;

use super::{Answered, ITEMS_BYTES_MAX, RelayLimits, answer, handle};
use crate::session::port::{self, FeedQuery, Store, StoreError};
use crate::wire::{Cursor, OBJECTS_MAX, Results, SyncRequest, SyncResponse, object_id};

/// How far a live connection has been served. It is authenticated once; what its key may read
/// and write is judged anew each time.
#[derive(Clone, Debug)]
pub struct Live {
    key: VerificationKey,
    /// None until the client has said how far it has read.
    sent: Option<Sent>,
    /// Envelopes it pushed and need not be sent, until they are met in its feed.
    own: BTreeSet<ObjectId>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    cursor: Cursor,
    bytes_max: usize,
}

impl Live {
    /// A connection authenticated as `key`.
    #[must_use]
    pub const fn new(key: VerificationKey) -> Self {
        Self { key, sent: None, own: BTreeSet::new() }
    }

    /// Answers a request: the first with a page of the feed from its cursor on, later ones with
    /// their results alone.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the store fails; then nothing of the request was kept.
    pub fn request(
        &mut self,
        request: SyncRequest,
        now: Timestamp,
        limits: &RelayLimits,
        store: &dyn Store,
    ) -> Result<Answered, StoreError> {
        let bytes_max = usize::try_from(request.max_bytes).unwrap_or(usize::MAX);
        let Some(sent) = self.sent else {
            let answered = handle(request, &self.key, now, limits, store)?;
            let cursor = answered.response.cursor;
            self.sent = Some(Sent { cursor, bytes_max: bytes_max.min(ITEMS_BYTES_MAX) });
            return Ok(answered);
        };
        if self.own.len() > OBJECTS_MAX {
            // What was refused or known never comes; forgetting costs an envelope sent twice.
            self.own.clear();
        }
        self.own.extend(request.envelopes.iter().map(|bytes| object_id(bytes)));
        // The cursor acknowledges what the client has stored; what it was sent may be further.
        let mut answered = answer(request, &self.key, now, limits, store, false)?;
        answered.response.cursor = sent.cursor;
        Ok(answered)
    }

    /// The next page that goes on where the last ended; none if there is nothing in it.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the store fails.
    pub fn arrival(
        &mut self,
        now: Timestamp,
        store: &dyn Store,
    ) -> Result<Option<SyncResponse>, StoreError> {
        let Some(sent) = &mut self.sent else { return Ok(None) };
        loop {
            let (after, bytes_max) = (sent.cursor.position, sent.bytes_max);
            let query = FeedQuery { key: self.key, after, now, rows_max: OBJECTS_MAX, bytes_max };
            let mut page = port::read(store, |snapshot| snapshot.feed(&query))?;
            sent.cursor.position = page.position;
            page.items
                .retain(|item| self.own.is_empty() || !self.own.remove(&object_id(&item.bytes)));
            if !page.items.is_empty() {
                return Ok(Some(SyncResponse {
                    relay: sent.cursor.relay,
                    time: now,
                    reset: false,
                    results: Results::default(),
                    items: page.items,
                    cursor: sent.cursor,
                    more: page.more,
                }));
            }
            if !page.more {
                return Ok(None);
            }
        }
    }
}
