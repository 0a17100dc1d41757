//! What goes over a live connection, each frame after its length in 4 bytes, highest first.
//!
//! The client sends a [`SyncRequest`] to begin with and whenever it has something to push, one at
//! a time; the relay sends [`LiveFrame`]s. Both ends remember a little of what was said in each
//! direction ([`Said`]), which is not said again: an envelope that follows another in its author's
//! line goes without the header, a request that only pushes such goes as these alone. Whoever
//! receives puts everything back before anything is looked at. A connection that ends takes what
//! was remembered with it, and the next begins with everything.

use minicbor::bytes::ByteVec;
use minicbor::data::Type;
use minicbor::encode::Write;
use minicbor::{Decode, Decoder, Encode, Encoder};
use passport_core::codec::{self, DecodeError};
use passport_core::envelope::{Following, Line, SealedEnvelope};
use passport_core::time::Timestamp;

use super::{
    Cursor, Item, ItemKind, OBJECTS_MAX, REQUEST_MAX, RESPONSE_MAX, Rejection, Results,
    SyncRequest, SyncResponse,
};

/// Most lines of authors that an end remembers, in each direction.
const LINES: usize = 8;

/// What a relay sends on a live connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveFrame {
    /// The answer to the request. To the first as ever; to later ones without items, which come
    /// as they arrive.
    Answer {
        /// The answer.
        response: SyncResponse,
    },
    /// Something arrived: a page that goes on where the last one ended.
    Arrived {
        /// The page, as if it had been asked for.
        response: SyncResponse,
    },
    /// Nothing, so that silence means something.
    Beat,
}

/// What was said on a live connection in one direction, as far as what follows leaves it out. Each
/// end has one for what it sends and one for what it receives, and both go through the frames in
/// the same order.
#[derive(Debug, Default)]
pub struct Said {
    /// The line that was last used first.
    lines: Vec<Line>,
    /// The cursor and the limit of a page, as last told by the client.
    asked: Option<(Option<Cursor>, u32)>,
    /// The cursor as last told by the relay.
    served: Option<Cursor>,
}

/// An envelope, or whatever else, as it goes over a live connection.
///
/// CBOR: a byte string, or `[line: uint, following]`.
#[derive(Debug)]
enum Short {
    Whole(Vec<u8>),
    /// It follows the last one of a line, counted from the one last used.
    Following(u8, Following),
}

/// CBOR: `[0, sync-request]`, or `[1, [* short]]`: envelopes alone, all else as told before.
#[derive(Encode, Decode)]
#[cbor(flat)]
enum Request {
    #[n(0)]
    Whole(#[n(0)] SyncRequest),
    #[n(1)]
    Envelopes(#[n(0)] Vec<Short>),
}

/// CBOR: `[0, sync-response]`, `[1, time, items, position, more]` or `[2]`.
#[derive(Encode, Decode)]
#[cbor(flat)]
enum Frame {
    #[n(0)]
    Answer(#[n(0)] SyncResponse),
    #[n(1)]
    Arrived {
        #[n(0)]
        time: Timestamp,
        #[n(1)]
        items: Vec<ShortItem>,
        #[n(2)]
        position: u64,
        #[n(3)]
        more: bool,
    },
    #[n(2)]
    Beat,
}

/// CBOR: `[position, kind, short]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct ShortItem {
    #[n(0)]
    position: u64,
    #[n(1)]
    kind: ItemKind,
    #[n(2)]
    bytes: Short,
}

impl<C> Encode<C> for Short {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Whole(bytes) => e.bytes(bytes)?.ok(),
            Self::Following(line, following) => {
                e.array(2)?.u8(*line)?;
                following.encode(e, ctx)
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Short {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.datatype()? == Type::Bytes {
            return Ok(Self::Whole(d.bytes()?.to_vec()));
        }
        if d.array()? != Some(2) {
            return Err(minicbor::decode::Error::message("neither whole nor following"));
        }
        Ok(Self::Following(d.u8()?, Following::decode(d, ctx)?))
    }
}

impl Said {
    /// A request as it is sent.
    #[must_use]
    pub fn request(&mut self, request: SyncRequest) -> Vec<u8> {
        let asked = Some((request.cursor, request.max_bytes));
        let envelopes_alone = request.objects() == request.envelopes.len()
            && !request.envelopes.is_empty()
            && request.fetch_channels.is_empty();
        if asked == self.asked && envelopes_alone {
            let envelopes = request.envelopes.iter().map(|bytes| self.shorten(bytes));
            return codec::encode(&Request::Envelopes(envelopes.collect()));
        }
        self.ask(&request);
        codec::encode(&Request::Whole(request))
    }

    /// Reads a request as it was sent.
    ///
    /// # Errors
    /// Returns [`Rejection::TooLarge`] or [`Rejection::Malformed`]; nothing that comes afterwards
    /// can be read.
    pub fn read_request(&mut self, bytes: &[u8]) -> Result<SyncRequest, Rejection> {
        match codec::decode(bytes, REQUEST_MAX).map_err(Rejection::of_form)? {
            Request::Whole(request) => {
                let request = request.within_limits()?;
                self.ask(&request);
                Ok(request)
            }
            Request::Envelopes(all) if all.len() > OBJECTS_MAX => Err(Rejection::TooLarge),
            Request::Envelopes(all) => {
                let (cursor, max_bytes) = self.asked.ok_or(Rejection::Malformed)?;
                let envelopes: Option<_> = all.into_iter().map(|e| self.lengthen(e)).collect();
                let envelopes = envelopes.ok_or(Rejection::Malformed)?;
                Ok(SyncRequest { cursor, envelopes, max_bytes, ..SyncRequest::default() })
            }
        }
    }

    fn ask(&mut self, request: &SyncRequest) {
        self.asked = Some((request.cursor, request.max_bytes));
        for envelope in &request.envelopes {
            self.note(SealedEnvelope::decode(envelope).ok().as_ref());
        }
    }

    /// A frame as it is sent.
    #[must_use]
    pub fn frame(&mut self, frame: LiveFrame) -> Vec<u8> {
        let frame = match frame {
            LiveFrame::Answer { response } => {
                self.served = Some(response.cursor);
                Frame::Answer(response)
            }
            LiveFrame::Arrived { response } => {
                self.served = Some(response.cursor);
                let items = response.items.into_iter().map(|item| ShortItem {
                    position: item.position,
                    kind: item.kind,
                    bytes: match item.kind {
                        ItemKind::Envelope => self.shorten(&item.bytes),
                        ItemKind::Letter | ItemKind::AccessList => Short::Whole(item.bytes.into()),
                    },
                });
                let items = items.collect();
                let (position, more) = (response.cursor.position, response.more);
                Frame::Arrived { time: response.time, items, position, more }
            }
            LiveFrame::Beat => Frame::Beat,
        };
        codec::encode(&frame)
    }

    /// Reads a frame as it was sent.
    ///
    /// # Errors
    /// Returns [`DecodeError`] when it is too large or not one; nothing that comes afterwards can
    /// be read.
    pub fn read_frame(&mut self, bytes: &[u8]) -> Result<LiveFrame, DecodeError> {
        Ok(match codec::decode(bytes, RESPONSE_MAX)? {
            Frame::Answer(response) => {
                self.served = Some(response.cursor);
                LiveFrame::Answer { response }
            }
            Frame::Arrived { time, items, position, more } => {
                let before = self.served.ok_or(DecodeError::Malformed)?;
                if items.len() > OBJECTS_MAX {
                    return Err(DecodeError::Malformed);
                }
                let items: Option<Vec<Item>> =
                    items.into_iter().map(|item| self.read_item(item)).collect();
                let cursor = Cursor { position, ..before };
                self.served = Some(cursor);
                let response = SyncResponse {
                    relay: cursor.relay,
                    time,
                    reset: false,
                    results: Results::default(),
                    items: items.ok_or(DecodeError::Malformed)?,
                    cursor,
                    more,
                };
                LiveFrame::Arrived { response }
            }
            Frame::Beat => LiveFrame::Beat,
        })
    }

    fn read_item(&mut self, item: ShortItem) -> Option<Item> {
        let ShortItem { position, kind, bytes } = item;
        let bytes = match (kind, bytes) {
            (ItemKind::Envelope, short) => self.lengthen(short)?,
            (ItemKind::Letter | ItemKind::AccessList, Short::Whole(bytes)) => bytes.into(),
            (ItemKind::Letter | ItemKind::AccessList, Short::Following(..)) => return None,
        };
        Some(Item { position, kind, bytes })
    }

    fn shorten(&mut self, bytes: &[u8]) -> Short {
        let envelope = SealedEnvelope::decode(bytes).ok();
        let follows = envelope.as_ref().and_then(|envelope| {
            let mut lines = (0..).zip(&self.lines);
            lines.find_map(|(n, line)| Some(Short::Following(n, line.shorten(envelope)?)))
        });
        self.note(envelope.as_ref());
        follows.unwrap_or_else(|| Short::Whole(bytes.to_vec()))
    }

    fn lengthen(&mut self, short: Short) -> Option<ByteVec> {
        match short {
            Short::Whole(bytes) => {
                self.note(SealedEnvelope::decode(&bytes).ok().as_ref());
                Some(bytes.into())
            }
            Short::Following(line, following) => {
                let envelope = self.lines.get(usize::from(line))?.lengthen(following)?;
                self.note(Some(&envelope));
                Some(envelope.encode().into())
            }
        }
    }

    /// Remembers where an author's line stands.
    fn note(&mut self, envelope: Option<&SealedEnvelope>) {
        let Some(line) = envelope.and_then(Line::after) else { return };
        self.lines.retain(|known| !known.is_beside(&line));
        self.lines.insert(0, line);
        self.lines.truncate(LINES);
    }
}

#[cfg(test)]
mod tests;
