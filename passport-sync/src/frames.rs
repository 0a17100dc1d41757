//! Frames on a live connection: each after its length in 4 bytes, highest first.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant, timeout, timeout_at};

/// Bytes read, or written without a pause, at once.
const PART: usize = 64 * 1024;
/// Bytes kept ready for a frame of which nothing has come yet: most connections are idle.
const IDLE: usize = 1024;
const HEAD: usize = 4;

/// Reads frames. Any call may be dropped and made again: nothing is lost.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    from: R,
    limit: usize,
    buffer: Vec<u8>,
    memory: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
    patience: Duration,
    /// When a frame that has begun must be there.
    due: Option<Instant>,
}

/// A frame, which counts against the memory of all until it is dropped.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Frames of at most `limit` bytes, while `memory` lasts; each comes within `patience` of its
    /// beginning. What was announced and did not come takes no memory from others.
    pub(crate) fn new(from: R, limit: usize, memory: Arc<Semaphore>, patience: Duration) -> Self {
        Self { from, limit, buffer: Vec::new(), memory, held: None, patience, due: None }
    }

    /// The next frame; none when the other end is done.
    ///
    /// # Errors
    /// Returns why nothing more can be read, [`io::ErrorKind::InvalidData`] for a frame that is
    /// too large, [`io::ErrorKind::OutOfMemory`] for one there is no room for and
    /// [`io::ErrorKind::TimedOut`] for one that does not come to its end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(length) = self.length()? {
                self.hold(length)?;
                if self.buffer.len() >= HEAD + length {
                    self.due = None;
                    let rest = self.buffer.split_off(HEAD + length);
                    let mut bytes = core::mem::replace(&mut self.buffer, rest);
                    bytes.drain(..HEAD);
                    return Ok(Some(Frame { bytes, _memory: self.held.take() }));
                }
            }
            let begun = !self.buffer.is_empty();
            self.buffer.reserve(if begun { PART } else { IDLE });
            let reading = self.from.read_buf(&mut self.buffer);
            let read = if begun {
                let due = *self.due.get_or_insert_with(|| Instant::now() + self.patience);
                timeout_at(due, reading).await??
            } else {
                reading.await?
            };
            if read == 0 {
                let cut = !self.buffer.is_empty();
                return if cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
            }
        }
    }

    /// Counts what has come of a frame against the memory of all.
    fn hold(&mut self, length: usize) -> io::Result<()> {
        let here = self.buffer.len().saturating_sub(HEAD).min(length);
        let held = self.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let lacking = here.saturating_sub(held);
        if lacking == 0 {
            return Ok(());
        }
        let lacking = u32::try_from(lacking).map_err(|_| io::ErrorKind::InvalidData)?;
        let more = Arc::clone(&self.memory).try_acquire_many_owned(lacking);
        let more = more.map_err(|_| io::ErrorKind::OutOfMemory)?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    fn length(&self) -> io::Result<Option<usize>> {
        let Some(head) = self.buffer.first_chunk::<HEAD>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > self.limit { Err(io::ErrorKind::InvalidData.into()) } else { Ok(Some(length)) }
    }
}

/// Writes a frame; whoever takes no part of it for `patience` is given up.
///
/// # Errors
/// Returns why it could not be written; [`io::ErrorKind::TimedOut`] when nobody reads.
pub(crate) async fn write_frame<W: AsyncWrite + Unpin>(
    to: &mut W,
    bytes: &[u8],
    patience: Duration,
) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    let framed = [length.to_be_bytes().as_slice(), bytes].concat();
    for part in framed.chunks(PART) {
        timeout(patience, to.write_all(part)).await??;
    }
    timeout(patience, to.flush()).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &'static [u8]) -> FrameReader<&'static [u8]> {
        FrameReader::new(bytes, 5, Arc::new(Semaphore::new(8)), Duration::from_secs(1))
    }

    #[tokio::test]
    async fn frames_come_as_they_were_written_and_the_memory_comes_back() {
        let mut wire = Vec::new();
        for frame in [&b"abcde"[..], b"", b"fgh"] {
            write_frame(&mut wire, frame, Duration::from_secs(1)).await.unwrap();
        }
        let memory = Arc::new(Semaphore::new(5));
        let mut reader = FrameReader::new(&wire[..], 5, memory, Duration::from_secs(1));
        for frame in [&b"abcde"[..], b"", b"fgh"] {
            assert_eq!(reader.next().await.unwrap().unwrap().bytes, frame);
        }
        assert!(reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_too_large_cut_or_more_than_the_memory_is_refused() {
        let kind = async |mut r: FrameReader<&'static [u8]>| r.next().await.unwrap_err().kind();
        assert_eq!(kind(reader(b"\0\0\0\x06abcdef")).await, io::ErrorKind::InvalidData);
        assert_eq!(kind(reader(b"\0\0\0\x05abc")).await, io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(reader(b"\0\0")).await, io::ErrorKind::UnexpectedEof);
        let mut reader = reader(b"\0\0\0\x05abcde\0\0\0\x05abcde");
        let held = reader.next().await.unwrap();
        assert_eq!(reader.next().await.unwrap_err().kind(), io::ErrorKind::OutOfMemory);
        drop(held);
        assert!(reader.next().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_frame_takes_memory_as_it_comes_and_must_come_to_its_end() {
        let memory = Arc::new(Semaphore::new(8));
        let (mut near, far) = tokio::io::duplex(100);
        near.write_all(b"\0\0\0\x05ab").await.unwrap();
        let mut reader = FrameReader::new(far, 5, Arc::clone(&memory), Duration::from_millis(20));
        assert_eq!(reader.next().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(memory.available_permits(), 6, "for the two bytes that came");
        drop(reader);
        assert_eq!(memory.available_permits(), 8);
    }

    #[tokio::test]
    async fn whoever_does_not_read_is_given_up() {
        let (mut near, _far) = tokio::io::duplex(10);
        let given_up = write_frame(&mut near, &[0; 100], Duration::from_millis(20)).await;
        assert_eq!(given_up.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
