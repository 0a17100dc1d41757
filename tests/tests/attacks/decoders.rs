//! Every type that is read from others: mutated, and either refused or the same bytes again.

use std::path::Path;

use passport_core::access::{AccessList, DropEpoch};
use passport_core::codec;
use passport_core::edit::{EditBody, RemarkContent};
use passport_core::epoch::{Right, SnapshotBody};
use passport_core::journal::RemoteState;
use passport_core::keys::{EnrolmentRequest, Signed, SigningKey, VerifiedCard};
use passport_core::ledger::Statement;
use passport_core::letter::{Letter, Offer};
use passport_core::party::Party as _;
use passport_fuzz::READERS;
use passport_sync::wire::{DeliveredLetter, LiveFrame, Said, SyncRequest};
use passport_tests::kit::{Founding, START, World, prose, text};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

use crate::office::*;

/// Mutations of each type; some take longer to read.
const ROUNDS: usize = 20_000;

fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64() % (n.max(1) as u64)).unwrap()
}

/// One to three changes: bits, bytes, cuts, copies, lengths that promise the world.
fn mutated(good: &[u8], other: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=below(rng, 3) {
        let at = below(rng, bytes.len());
        match below(rng, 8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << below(rng, 8),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(below(rng, 256)).unwrap(),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, u8::try_from(below(rng, 256)).unwrap()),
            4 => {
                let from = below(rng, other.len());
                let to = from + below(rng, other.len() - from);
                let end = (at + below(rng, 40)).min(bytes.len());
                bytes.splice(at..end, other[from..to].iter().copied().take(64));
            }
            5 => {
                let head = [0x5b, 0x7b, 0x9b, 0xbb, 0xdb][below(rng, 5)];
                let len = [u64::MAX, 1 << 40, 1 << 31, 255][below(rng, 4)].to_be_bytes();
                let end = (at + 2).min(bytes.len());
                bytes.splice(at..end, core::iter::once(head).chain(len));
            }
            6 => {
                bytes
                    .splice(at..at, core::iter::repeat_n(0x81, 1 + below(rng, 500)))
                    .for_each(drop);
            }
            _ if !bytes.is_empty() => {
                let end = (at + below(rng, 16)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {}
        }
    }
    bytes
}

/// Gives mutations of `good` to the reader of this name.
///
/// The fuzzer begins with the same: `PASSPORT_WRITE_SEEDS=1` writes what is good for it.
pub(crate) fn fuzz(name: &str, good: &[u8], other: &[u8], rng: &mut ChaCha20Rng) -> usize {
    let number = READERS.iter().position(|(known, _)| *known == name).unwrap();
    let (_, reads) = READERS[number];
    assert!(reads(good), "{name}: the sample is not good");
    if std::env::var_os("PASSPORT_WRITE_SEEDS").is_some() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/protocol");
        let seed = [&[u8::try_from(number).unwrap()], good].concat();
        std::fs::write(seeds.join(name.replace(' ', "-")), seed).unwrap();
    }
    let rounds = if good.len() > 4_096 { ROUNDS / 4 } else { ROUNDS };
    let read = (0..rounds).filter(|_| reads(&mutated(good, other, rng))).count();
    println!("{name}: {read} of {rounds} were read");
    rounds
}

struct Samples {
    offer: Offer,
    letter: Letter,
    sealed_letter: Vec<u8>,
    envelope: Vec<u8>,
    statement: Vec<u8>,
    list: Vec<u8>,
    remote: RemoteState,
    card: VerifiedCard,
}

fn samples(rng: &mut ChaCha20Rng) -> Samples {
    use passport_core::vault::{Table, Vault as _};
    let mut office = Office::default();
    let (mut phone, _) = student(rng);
    let gp = practice("Elm Street Surgery", rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, Some(day(90)), rng);
    let out = phone.outgoing(URL, day(1)).unwrap();
    let list = codec::encode(&out.lists[0]);
    office.take(&mut phone, day(1));
    let seed = gp.journal().vault().get(Table::Key, b"receiving").unwrap().unwrap();
    let receiving =
        passport_core::keys::ReceivingKey::from_seed(&seed.as_slice().try_into().unwrap());
    let (_, sealed) = office.letters.iter().find(|(to, _)| *to == gp.instance()).unwrap();
    let letter = Letter::open(sealed, &gp.instance(), &receiving).unwrap();
    let Letter::Offer(offer) = letter.clone() else { panic!("an offer") };
    let key = SigningKey::generate(rng);
    let body = passport_core::ledger::StatementBody::Granted { grant: offer.grant.clone() };
    let statement = Statement {
        version: Statement::VERSION,
        passport: phone.passport(),
        parents: Vec::new(),
        at: day(0),
        body,
    };
    Samples {
        offer: *offer,
        letter,
        sealed_letter: sealed.clone(),
        envelope: office.envelopes[0].clone(),
        statement: codec::encode(&Signed::new(&statement, &key)),
        list,
        remote: phone.remote(URL).unwrap(),
        card: gp.card().clone(),
    }
}

/// The bytes of what a signed thing signs.
fn payload<T: passport_core::keys::Signable>(signed: &Signed<T>) -> Vec<u8> {
    codec::encode(&signed.verify().unwrap().into_inner())
}

#[test]
fn a24_a25_a37_mutated_objects_of_the_protocol_are_refused_or_read_as_they_are() {
    let mut rng = seeded(2425);
    let s = samples(&mut rng);
    let offer = codec::encode(&s.offer);
    let rng = &mut rng;
    let mut tried = 0;
    tried += fuzz("offer", &offer, &s.envelope, rng);
    tried += fuzz("letter", &codec::encode(&s.letter), &offer, rng);
    tried += fuzz("sealed", &s.sealed_letter, &offer, rng);
    tried += fuzz("statement", &s.statement, &offer, rng);
    tried += fuzz("access list", &s.list, &offer, rng);
    let list: Signed<AccessList> = codec::decode(&s.list, s.list.len()).unwrap();
    tried += fuzz("list inside", &payload(&list), &offer, rng);
    tried += fuzz("charter", &payload(&s.offer.epoch.charter), &s.envelope, rng);
    tried += fuzz("grant", &payload(&s.offer.grant), &offer, rng);
    tried += fuzz("chain", &codec::encode(&s.offer.chain), &offer, rng);
    tried += fuzz("card", &payload(s.card.signed()), &offer, rng);
    tried += fuzz("remote", &codec::encode(&s.remote), &offer, rng);
    let key = SigningKey::generate(rng);
    let drop = DropEpoch::new(
        key.verification_key(),
        [1; 16],
        passport_core::id::EpochId::from_bytes([2; 32]),
    );
    tried += fuzz("drop", &codec::encode(&Signed::new(&drop, &key)), &offer, rng);
    assert!(tried >= 150_000, "{tried}");
}

#[test]
fn a24_a25_a37_mutated_requests_and_answers() {
    let mut rng = seeded(2426);
    let s = samples(&mut rng);
    let rng = &mut rng;
    let letter = passport_sync::wire::Letter {
        to: s.offer.grant.claimed_signer(),
        body: vec![1; 40].into(),
    };
    let request = SyncRequest {
        access_lists: vec![codec::decode(&s.list, s.list.len()).unwrap()],
        envelopes: vec![s.envelope.clone().into()],
        letters: vec![letter.clone()],
        max_bytes: 9,
        ..SyncRequest::default()
    };
    let relay = passport_sync::store::MemoryStore::new([1; 16]);
    let limits = passport_sync::session::RelayLimits::default();
    let sender = s.offer.grant.claimed_signer();
    let answer =
        passport_sync::session::handle(request.clone(), &sender, day(0), &limits, &relay).unwrap();
    let mut tried = fuzz("request", &codec::encode(&request), &s.list, rng);
    tried += fuzz("response", &codec::encode(&answer.response), &s.list, rng);
    let mut said = Said::default();
    let answer_frame = said.frame(LiveFrame::Answer { response: answer.response.clone() });
    let arrived = said.frame(LiveFrame::Arrived { response: answer.response.clone() });
    let at = u16::try_from(answer_frame.len()).unwrap().to_be_bytes();
    tried += fuzz("live", &[at.as_slice(), &answer_frame, &arrived].concat(), &s.list, rng);
    // What is left out on a live connection has tests of its own, beside the code.
    for _ in 0..5_000 {
        let begun = Said::default().frame(LiveFrame::Answer { response: answer.response.clone() });
        let frame = LiveFrame::Arrived { response: answer.response.clone() };
        let (mut said, mut heard) = (Said::default(), Said::default());
        drop(said.frame(LiveFrame::Answer { response: answer.response.clone() }));
        heard.read_frame(&begun).unwrap();
        tried += 1;
        drop(heard.read_frame(&mutated(&said.frame(frame), &s.list, rng)));
        drop(Said::default().read_request(&mutated(&said.request(request.clone()), &s.list, rng)));
    }
    let delivered = DeliveredLetter { from: sender, body: vec![3; 50].into() };
    tried += fuzz("delivered", &codec::encode(&delivered), &s.list, rng);
    assert!(tried >= 40_000, "{tried}");
}

#[test]
fn a24_a25_a37_mutated_bodies_and_snapshots() {
    let mut rng = seeded(2427);
    let mut world = World::new(2427, 2);
    let epoch = world.found(Founding::new("medications", &[0]));
    let mut replica = epoch.replica();
    let gp = world.organisations[0].clone();
    let item =
        ("item", passport_core::section::Value::Code(passport_core::section::Code::text("a")));
    let fields = [item, ("dose", text("20 mg")), ("note", prose("words"))];
    let (entry, edits) = world.add(&gp, "medication", START, &fields);
    let envelope = epoch.edits(&mut world, &gp, &replica, START, edits.clone());
    replica.admit([envelope]);
    let note = RemarkContent::Note("noted".into());
    let remark = world.remark(&gp, entry, START, note);
    let chain = world.devices[1].chain.clone();
    let mut all = edits;
    all.push(passport_core::edit::Edit::Remark(remark));
    let body = codec::encode(&EditBody { at: START, chain, edits: all, carries: None });
    let record = replica.entry(entry).unwrap().to_record();
    let record_bytes = codec::encode(&record);
    let part = SnapshotBody { part: 0, at: START, records: record_bytes.clone() };
    let part = codec::encode(&part);
    let rng = &mut rng;
    let mut tried = fuzz("edits", &body, &record_bytes, rng);
    tried += fuzz("record", &record_bytes, &body, rng);
    tried += fuzz("snapshot", &part, &body, rng);
    tried += fuzz("stream", &record_bytes, &body, rng);
    assert!(tried >= 80_000, "{tried}");
    // Mutated edits under a valid key: put aside or applied, and every replica can be shown.
    for _ in 0..400 {
        let body = mutated(&body, &record_bytes, rng);
        let position = replica.position(&gp.key.verification_key());
        let kind = passport_core::envelope::Kind::Edits;
        let envelope = epoch.seal(&mut world, &gp.key, position, kind, body);
        replica.admit([envelope]);
    }
    let view = passport_core::view::View::of(&replica);
    assert!(!serde_json::to_string(&view.to_json()).unwrap().is_empty());
}

#[test]
fn a24_a25_mutated_envelopes_cards_and_requests_as_their_readers_take_them() {
    let mut rng = seeded(2428);
    let s = samples(&mut rng);
    let text = s.card.to_text();
    let key = SigningKey::generate(&mut rng);
    let receiving = passport_core::keys::ReceivingKey::generate(&mut rng);
    let request = EnrolmentRequest {
        device: key.verification_key(),
        receiving: receiving.public_key(),
        nonce: [1; 16],
        expires: None,
    };
    let (request, _) = request.sign(&key);
    let mut tried = fuzz("envelope", &s.envelope, &s.list, &mut rng);
    tried += fuzz("enrolment", &request, &s.list, &mut rng);
    tried += fuzz("texts", text.as_bytes(), &s.list, &mut rng);
    assert!(tried >= 60_000, "{tried}");
    for _ in 0..ROUNDS {
        let bad = mutated(&request, &s.list, &mut rng);
        assert!(EnrolmentRequest::open(&bad).is_err() || bad == request);
    }
}
