//! The client's end: whether an answer fits what was asked.
//!
//! Nothing is remembered here: a party's journal knows what each relay has. Stopping anywhere
//! loses nothing, as what was offered and not settled is offered again, and a page that was not
//! stored is fetched again.

use crate::wire::{SyncRequest, SyncResponse};

/// Most bytes of items asked for at a time.
pub const PAGE_BYTES: u32 = 4 * 1024 * 1024;

/// Why the relay started from the beginning. In both cases the client should offer again
/// whatever it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Another relay answers at this address, or it was born again.
    NewRelay,
    /// The same relay has lost its latest past.
    RolledBack,
}

/// The response contradicts the protocol: nothing of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Results do not match what was pushed.
    #[error("results do not match the request")]
    Results,
    /// Relay identity or cursor do not fit what came before.
    #[error("cursor does not go on from the last")]
    Cursor,
    /// Items out of order, or outside of the page.
    #[error("items out of order")]
    Items,
    /// More is promised, and nothing comes.
    #[error("no progress")]
    Stalled,
}

/// Checks that a response answers a request, and says whether the relay started from the
/// beginning.
///
/// # Errors
/// Returns [`ProtocolError`] when the response contradicts the request.
pub fn check(
    request: &SyncRequest,
    response: &SyncResponse,
) -> Result<Option<Reset>, ProtocolError> {
    check_results(request, response)?;
    let cursor = response.cursor;
    let (start, reset) = match request.cursor {
        Some(last) if response.reset && last.relay == response.relay => {
            (0, Some(Reset::RolledBack))
        }
        Some(_) if response.reset => (0, Some(Reset::NewRelay)),
        Some(last) if last.relay != response.relay => return Err(ProtocolError::Cursor),
        Some(last) => (last.position, None),
        None if response.reset => return Err(ProtocolError::Cursor),
        None => (0, None),
    };
    if cursor.relay != response.relay || cursor.position < start {
        return Err(ProtocolError::Cursor);
    }
    let mut last = start;
    for item in &response.items {
        if item.position <= last || item.position > cursor.position {
            return Err(ProtocolError::Items);
        }
        last = item.position;
    }
    if response.more && cursor.position == start {
        return Err(ProtocolError::Stalled);
    }
    Ok(reset)
}

/// There is one outcome for each object, and conflicts are about lists that were pushed.
fn check_results(request: &SyncRequest, response: &SyncResponse) -> Result<(), ProtocolError> {
    let results = &response.results;
    let pushed = [
        (request.access_lists.len(), results.access_lists.len()),
        (request.envelopes.len(), results.envelopes.len()),
        (request.letters.len(), results.letters.len()),
        (request.drop_epochs.len(), results.drop_epochs.len()),
        (request.fetch_channels.len(), results.fetch_channels.len()),
    ];
    let known = |index: u32| usize::try_from(index).is_ok_and(|i| i < request.access_lists.len());
    let fits = pushed.iter().all(|(asked, answered)| asked == answered)
        && results.conflicts.iter().all(|conflict| known(conflict.index));
    if fits { Ok(()) } else { Err(ProtocolError::Results) }
}

#[cfg(test)]
mod tests;
