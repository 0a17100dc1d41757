//! Every type of the protocol that is read from others.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use passport_core::access::{AccessList, DropEpoch};
use passport_core::codec;
use passport_core::edit::{EditBody, EntryRecord};
use passport_core::envelope::{Kind, PackError, SealedEnvelope, unpack};
use passport_core::epoch::{Charter, SnapshotBody, join};
use passport_core::grant::Grant;
use passport_core::id::{ChannelId, EnvelopeId, EpochId};
use passport_core::journal::RemoteState;
use passport_core::keys::{
    Card, CertificateChain, EnrolmentRequest, PhaseKey, Sealed, Signable, Signed, SigningKey,
    VerifiedCard, VerifiedEndorsement,
};
use passport_core::ledger::Statement;
use passport_core::letter::{Letter, Offer};
use passport_core::time::Timestamp;
use passport_sync::session::{RelayLimits, handle};
use passport_sync::store::MemoryStore;
use passport_sync::wire::{DeliveredLetter, Said, SyncRequest, SyncResponse};

/// Bytes that any type is read from.
const LIMIT: usize = 1 << 20;

/// Gives bytes to a reader; says whether it read them.
pub type Reader = fn(&[u8]) -> bool;

/// Every reader, by name. Files of a corpus begin with its number: new ones are added at the end.
pub const READERS: [(&str, Reader); 25] = [
    ("offer", strict::<Offer>),
    ("letter", strict::<Letter>),
    ("sealed", strict::<Sealed>),
    ("statement", |bytes| signed::<Statement>(bytes)),
    ("access list", |bytes| signed::<AccessList>(bytes)),
    ("list inside", strict::<AccessList>),
    ("charter", strict::<Charter>),
    ("grant", strict::<Grant>),
    ("chain", strict::<CertificateChain>),
    ("card", strict::<Card>),
    ("remote", strict::<RemoteState>),
    ("drop", |bytes| signed::<DropEpoch>(bytes)),
    ("edits", strict::<EditBody>),
    ("record", strict::<EntryRecord>),
    ("snapshot", strict::<SnapshotBody>),
    ("request", request),
    ("response", strict::<SyncResponse>),
    ("delivered", strict::<DeliveredLetter>),
    ("envelope", envelope),
    ("enrolment", |bytes| EnrolmentRequest::open(bytes).is_ok()),
    ("texts", texts),
    ("stream", |bytes| join([bytes]).is_ok()),
    ("live", live),
    ("pack", pack),
    ("content of a pack", packed),
];

const CHANNEL: ChannelId = ChannelId::from_bytes([3; 32]);

/// Gives bytes to the reader that the first of them numbers.
pub fn protocol(bytes: &[u8]) {
    let Some((number, bytes)) = bytes.split_first() else { return };
    let (_, read) = READERS[usize::from(*number) % READERS.len()];
    let _read_or_refused = read(bytes);
}

/// Whatever is read writes itself as it was read; whether it was read.
#[must_use]
pub fn strict<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> bool {
    let Ok(value) = codec::decode::<T>(bytes, LIMIT) else { return false };
    assert_eq!(codec::encode(&value), bytes);
    true
}

/// What is signed, its envelope and its content.
fn signed<T: Signable>(bytes: &[u8]) -> bool {
    let Ok(value) = codec::decode::<Signed<T>>(bytes, LIMIT) else { return false };
    assert_eq!(codec::encode(&value), bytes);
    let _holds_or_not = value.verify();
    true
}

fn envelope(bytes: &[u8]) -> bool {
    let Ok(envelope) = SealedEnvelope::decode(bytes) else { return false };
    assert_eq!(envelope.encode(), bytes);
    if let Ok(verified) = envelope.verify() {
        let _opens_or_not = verified.open(&PhaseKey::from_bytes(&[7; 32]));
    }
    true
}

/// Whatever is read is answered as well, with nothing breaking.
fn request(bytes: &[u8]) -> bool {
    let Ok(request) = SyncRequest::decode(bytes) else { return false };
    assert_eq!(codec::encode(&request), bytes);
    let relay = MemoryStore::new([1; 16]);
    let sender = SigningKey::from_seed(&[5; 32]).verification_key();
    handle(request, &sender, Timestamp::from_seconds(0), &RelayLimits::default(), &relay).unwrap();
    true
}

fn texts(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    if let Ok(card) = VerifiedCard::from_text(text) {
        assert!(
            VerifiedCard::from_text(&card.to_text()).is_ok_and(|again| again.id() == card.id())
        );
        return true;
    }
    VerifiedEndorsement::from_text(text).is_ok()
}

/// Two frames and two requests of one connection, divided where the first two bytes say.
fn live(bytes: &[u8]) -> bool {
    let Some((at, bytes)) = bytes.split_first_chunk() else { return false };
    let (first, second) = bytes.split_at(bytes.len().min(u16::from_be_bytes(*at).into()));
    let (mut frames, mut requests) = (Said::default(), Said::default());
    let frames = [first, second].map(|bytes| frames.read_frame(bytes).is_ok());
    let requests = [first, second].map(|bytes| requests.read_request(bytes).is_ok());
    frames == [true; 2] || requests == [true; 2]
}

/// Whether a pack is one, whoever signed it.
fn pack(bytes: &[u8]) -> bool {
    matches!(
        unpack(bytes, CHANNEL, |_| Some(PhaseKey::from_bytes(&[7; 32]))),
        Ok(_) | Err(PackError::Signature(_))
    )
}

/// A pack of this content: mutations seldom get past its compression.
fn packed(content: &[u8]) -> bool {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflated.write_all(content).unwrap();
    let (deflated, inflated) = (ByteVec::from(deflated.finish().unwrap()), content.len() as u64);
    let author = SigningKey::from_seed(&[5; 32]).verification_key();
    let signature = ByteVec::from(vec![6; 64]);
    let run = (EpochId::from_bytes([4; 32]), author, 0u32, Kind::Edits, 1u64, None::<EnvelopeId>);
    let (epoch, author, phase, kind, first, prev) = run;
    pack(&codec::encode(&(epoch, author, phase, kind, first, prev, inflated, deflated, signature)))
}
