//! What a relay forgets by itself, whoever comes or does not come.

use passport_core::time::Timestamp;

use super::{RelayLimits, day};
use crate::session::port::{self, Store, StoreError};

/// Most mailboxes and channels looked after in one sweep; the rest have the next.
const SWEPT_MAX: usize = 1_000;

/// What a sweep was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Mailboxes with letters that their owners have long read.
    pub mailboxes: usize,
    /// Channels whose envelopes nobody may read any more.
    pub channels: usize,
}

/// Forgets what has ended: letters that were read long ago, envelopes of channels whose readers'
/// rights have all ended long ago, links, rendezvous objects, and counts of other days. Each
/// mailbox and channel is a write of its own, so that nobody waits long behind them.
///
/// # Errors
/// Returns [`StoreError`] when the store fails; what was forgotten until then stays so.
pub fn sweep(now: Timestamp, limits: &RelayLimits, store: &dyn Store) -> Result<Swept, StoreError> {
    let read = now.plus_days(limits.letter_days.saturating_neg());
    let unread = now.plus_days(limits.unread_days.saturating_neg());
    let ended = port::read(store, |snapshot| snapshot.ended(read, unread, SWEPT_MAX))?;
    let swept = Swept { mailboxes: ended.mailboxes.len(), channels: ended.channels.len() };
    for key in ended.mailboxes {
        port::write(store, move |tx| tx.expire_letters(&key, read))?;
    }
    for channel in ended.channels {
        // Judged again: a list may have come meanwhile.
        port::write(store, move |tx| {
            let members = tx.members(&channel)?;
            let reads = |m: &passport_core::access::Member| {
                m.can.reads() && m.until.is_none_or(|until| until >= unread)
            };
            if members.iter().any(reads) { Ok(()) } else { tx.forget_envelopes(&channel) }
        })?;
    }
    port::write(store, move |tx| {
        tx.expire_links(now)?;
        let minute = now.as_seconds().div_euclid(60);
        tx.expire_counts(now, day(now), minute)
    })?;
    Ok(swept)
}
