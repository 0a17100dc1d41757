//! Receiving a body within limits of size and of memory shared by all.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::Rejection;

/// A received body, which counts against the memory of all until it is dropped.
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    _memory: Option<OwnedSemaphorePermit>,
}

/// Receives a body of at most `limit` bytes, while `memory` lasts.
pub(super) async fn receive(
    mut body: Body,
    limit: usize,
    memory: &Arc<Semaphore>,
) -> Result<Received, Rejection> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Rejection::TooLarge);
    }
    let mut bytes = Vec::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Rejection::Malformed)?;
        let Ok(part) = frame.into_data() else { continue };
        if bytes.len() + part.len() > limit {
            return Err(Rejection::TooLarge);
        }
        let wanted = u32::try_from(part.len()).map_err(|_| Rejection::TooLarge)?;
        let more = Arc::clone(memory)
            .try_acquire_many_owned(wanted)
            .map_err(|_| Rejection::Unavailable)?;
        match &mut held {
            Some(held) => held.merge(more),
            None => held = Some(more),
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Received { bytes, _memory: held })
}
