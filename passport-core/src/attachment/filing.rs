//! Sealing a file as it is read.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{AttachmentError, Chunk, PART_BYTES, SIZE_MAX, Stream, digest, object, padded};
use crate::envelope::SealedEnvelope;
use crate::id::ChannelId;
use crate::section::{Attachment, FileKey};

/// A file that is being taken in, piece by piece.
///
/// What was fed is sealed as soon as it makes a part: in the clear there is never more than one.
#[expect(missing_debug_implementations, reason = "it holds a file's content")]
pub struct Filing {
    key: FileKey,
    stream: Stream,
    pending: Zeroizing<Vec<u8>>,
    size: u64,
    index: Vec<u8>,
    sealed: Vec<SealedEnvelope>,
}

/// A file that was taken in: its value for an entry, and its envelopes.
#[derive(Debug)]
pub struct Filed {
    /// What goes into the entry.
    pub attachment: Attachment,
    /// What goes into the journal; nothing where that has the same file already.
    pub(crate) sealed: Vec<SealedEnvelope>,
}

impl Filed {
    /// The same under the key of one that is here already, which need not be kept again.
    pub(crate) fn like(self, key: FileKey) -> Self {
        Self { attachment: Attachment { key, ..self.attachment }, sealed: Vec::new() }
    }
}

impl Filing {
    /// Begins a file in a channel, under a new key.
    pub(crate) fn new(channel: ChannelId, rng: &mut dyn CryptoRng) -> Self {
        let key = FileKey::generate(rng);
        let stream = Stream::of(channel, &key);
        let pending = Zeroizing::new(Vec::with_capacity(PART_BYTES));
        Self { key, stream, pending, size: 0, index: Vec::new(), sealed: Vec::new() }
    }

    /// Takes in the next bytes of the file, any number of them.
    ///
    /// # Errors
    /// Returns [`AttachmentError::TooLarge`] when they are more than a file may have.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), AttachmentError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > SIZE_MAX {
            return Err(AttachmentError::TooLarge);
        }
        self.take(bytes)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), AttachmentError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = PART_BYTES.saturating_sub(self.pending.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.pending.extend_from_slice(now);
            rest = later;
            if self.pending.len() >= PART_BYTES {
                self.seal()?;
            }
        }
        Ok(())
    }

    fn seal(&mut self) -> Result<(), AttachmentError> {
        let number = u32::try_from(self.sealed.len()).unwrap_or(u32::MAX);
        let content = core::mem::take(&mut *self.pending);
        self.index.extend_from_slice(digest(&content).as_bytes());
        let chunk = Chunk::Part { number, content };
        self.sealed.push(self.stream.seal(&chunk)?);
        if let Chunk::Part { content, .. } = chunk {
            // The place of the next part.
            self.pending = Zeroizing::new(content);
            self.pending.clear();
        }
        Ok(())
    }

    /// Ends the file, with a title for people and a media type. Text that is longer than a value
    /// may be is cut.
    ///
    /// # Errors
    /// Returns [`AttachmentError::Empty`] when nothing was taken in.
    pub fn finish(mut self, title: &str, media_type: &str) -> Result<Filed, AttachmentError> {
        if self.size == 0 {
            return Err(AttachmentError::Empty);
        }
        let zeros = [0; 4096];
        let mut lacking = usize::try_from(padded(self.size) - self.size).unwrap_or_default();
        while lacking > 0 {
            let now = lacking.min(zeros.len());
            self.take(zeros.get(..now).unwrap_or_default())?;
            lacking -= now;
        }
        if !self.pending.is_empty() {
            self.seal()?;
        }
        let attachment = Attachment {
            object: object(self.size, &self.index),
            media_type: bounded(media_type),
            title: bounded(title),
            size: self.size,
            key: self.key,
        };
        let mut sealed = self.sealed;
        // First, so that whoever reads knows each part as it comes.
        sealed.insert(0, self.stream.seal(&Chunk::Index(self.index))?);
        Ok(Filed { attachment, sealed })
    }
}

/// The beginning of a text, within a value's limit.
fn bounded(text: &str) -> String {
    let limit = crate::section::limits::TEXT;
    text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= limit).map(|(_, c)| c).collect()
}
