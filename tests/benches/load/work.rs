//! Keys, access lists and envelopes as clients have them.

use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::envelope::{Header, Kind, seal};
use passport_core::id::{EnvelopeId, EpochId, VerificationKey};
use passport_core::keys::{PhaseKey, Signed, SigningKey};
use passport_sync::session::PAGE_BYTES;
use passport_sync::wire::{Cursor, SyncRequest};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Bytes of an edit's body: a field of a medicine with what belongs to it.
const BODY: usize = 200;

/// Somebody who writes in a channel of their own.
#[derive(Clone)]
pub(crate) struct Writer {
    /// Signs requests and envelopes.
    pub(crate) key: SigningKey,
    control: SigningKey,
    phase: PhaseKey,
    seq: u64,
    rng: ChaCha20Rng,
}

/// A key of a number.
pub(crate) fn key(n: u64) -> SigningKey {
    let mut seed = [0x5a; 32];
    seed[..8].copy_from_slice(&n.to_be_bytes());
    SigningKey::from_seed(&seed)
}

/// The reader of every channel: a practice.
pub(crate) fn reader() -> SigningKey {
    key(u64::MAX)
}

impl Writer {
    /// The writer of a number.
    pub(crate) fn new(n: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(n);
        let phase = PhaseKey::generate(&mut rng);
        Self { key: key(2 * n), control: key(2 * n + 1), phase, seq: 0, rng }
    }

    fn epoch() -> EpochId {
        EpochId::from_bytes([1; 32])
    }

    /// The list of the channel: the writer, and a practice that reads.
    pub(crate) fn list(&self, reader: &VerificationKey) -> Signed<AccessList> {
        let member = |key, can| Member { key, can, until: None, history: false };
        let members =
            [member(self.key.verification_key(), Rights::ReadWrite), member(*reader, Rights::Read)];
        let control = self.control.verification_key();
        let list = AccessList::new(control, [0; 16], 1, None, [Self::epoch()], members);
        Signed::new(&list, &self.control)
    }

    /// The next envelope.
    pub(crate) fn envelope(&mut self) -> Vec<u8> {
        self.seq += 1;
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: channel_id(&self.control.verification_key(), &[0; 16]),
            epoch: Self::epoch(),
            phase: 0,
            author: self.key.verification_key(),
            seq: self.seq,
            prev: (self.seq > 1).then(|| EnvelopeId::from_bytes([9; 32])),
            deps: Vec::new(),
            kind: Kind::Edits,
        };
        let mut body = vec![0; BODY];
        self.rng.fill_bytes(&mut body);
        seal(&header, body, &self.phase, &self.key, &mut self.rng).unwrap().encode()
    }

    /// So many requests of so many envelopes each, all but the cursor made beforehand.
    pub(crate) fn requests(&mut self, requests: usize, envelopes: usize) -> Vec<SyncRequest> {
        let mut one = || (0..envelopes).map(|_| self.envelope().into()).collect();
        (0..requests).map(|_| SyncRequest { envelopes: one(), ..asking(None) }).collect()
    }
}

/// Asks for what came since.
pub(crate) fn asking(cursor: Option<Cursor>) -> SyncRequest {
    SyncRequest { cursor, max_bytes: PAGE_BYTES, ..SyncRequest::default() }
}

/// Does the same for many things on every processor.
pub(crate) fn in_parallel<T: Send, R: Send>(of: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut parts: Vec<Vec<T>> = (0..threads).map(|_| Vec::new()).collect();
    for (n, item) in of.into_iter().enumerate() {
        parts[n % threads].push(item);
    }
    std::thread::scope(|scope| {
        let done: Vec<_> = parts
            .into_iter()
            .map(|part| scope.spawn(|| part.into_iter().map(&work).collect::<Vec<R>>()))
            .collect();
        done.into_iter().flat_map(|d| d.join().unwrap()).collect()
    })
}
