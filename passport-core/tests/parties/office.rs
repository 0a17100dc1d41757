//! A stand-in for a relay that keeps everything it is given and hands all of it to everybody,
//! and the parties around it.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, PendingDevice, Profile, Recovery, Share};
use passport_core::id::{EntryId, EpochId, VerificationKey};
use passport_core::journal::{Incoming, IncomingItem, Position, Verdict, Verdicts};
use passport_core::keys::{OrganisationKind, RecoveryPhrase};
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::party::{Pace, Party};
use passport_core::section::{SectionName, Value};
use passport_core::time::Timestamp;
use passport_core::vault::MemoryVault;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

pub(crate) type Student = Holder<MemoryVault>;
pub(crate) type Practice = Organisation<MemoryVault>;

pub(crate) const URL: &str = "http://relay.example";

/// The moment at which every story begins.
pub(crate) fn day(n: i64) -> Timestamp {
    "2026-10-01T09:00:00Z".parse::<Timestamp>().unwrap().plus_days(n)
}

pub(crate) fn section(name: &str) -> SectionName {
    name.parse().unwrap()
}

pub(crate) fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

pub(crate) fn code(name: &str, words: &str) -> (String, Value) {
    (name.to_owned(), Value::Code(passport_core::section::Code::text(words)))
}

/// Everything that was ever sent: envelopes for all, letters for their owners.
#[derive(Default)]
pub(crate) struct Office {
    pub(crate) envelopes: Vec<Vec<u8>>,
    pub(crate) letters: Vec<(VerificationKey, Vec<u8>)>,
    pub(crate) relay: [u8; 16],
    /// Whether it takes no envelope for now.
    pub(crate) full: bool,
}

impl Office {
    /// One exchange, repeated until the party has nothing more to say.
    pub(crate) fn sync(&mut self, party: &mut impl Party, now: Timestamp, rng: &mut ChaCha20Rng) {
        for _ in 0..8 {
            party.met(URL, self.relay, false).unwrap();
            let key = party.request_key().verification_key();
            party.receive(URL, self.incoming(key), now).unwrap();
            let made = party.tidy(Pace::Quiet, now, rng).unwrap().made;
            let out = party.outgoing(URL, now).unwrap();
            let more = out.more;
            let taken = if self.full { Verdict::Later } else { Verdict::Kept };
            for envelope in out.envelopes.iter().filter(|_| !self.full) {
                if !self.envelopes.contains(&envelope.bytes) {
                    self.envelopes.push(envelope.bytes.clone());
                }
            }
            for drop in &out.drops {
                let epoch = |bytes: &Vec<u8>| SealedEnvelope::decode(bytes).unwrap().header().epoch;
                self.envelopes.retain(|bytes| epoch(bytes) != drop.epoch);
            }
            for letter in &out.letters {
                self.letters.push((letter.to, letter.bytes.clone()));
            }
            let verdicts = Verdicts {
                lists: vec![Verdict::Kept; out.lists.len()],
                envelopes: vec![taken; out.envelopes.len()],
                letters: vec![Verdict::Kept; out.letters.len()],
                drops: vec![Verdict::Kept; out.drops.len()],
            };
            party.settle_with(URL, &out, &verdicts, now).unwrap();
            if made == 0 && !more {
                return;
            }
        }
        panic!("a party never comes to rest");
    }

    /// How many envelopes of an epoch it has.
    pub(crate) fn of(&self, epoch: &EpochId) -> usize {
        let epochs =
            self.envelopes.iter().map(|e| SealedEnvelope::decode(e).unwrap().header().epoch);
        epochs.filter(|e| e == epoch).count()
    }

    pub(crate) fn incoming(&self, to: VerificationKey) -> Incoming {
        let letters = self.letters.iter().filter(|(owner, _)| *owner == to);
        let items = letters
            .map(|(_, bytes)| IncomingItem::Letter(bytes.clone()))
            .chain(self.envelopes.iter().map(|e| IncomingItem::Envelope(e.clone())))
            .collect();
        Incoming { relay: self.relay, position: Position::default(), items }
    }
}

/// A student with one device, and the phrase.
pub(crate) fn student(rng: &mut ChaCha20Rng) -> (Student, RecoveryPhrase) {
    let profile = Profile {
        name: "Amina Yusuf".to_owned(),
        date_of_birth: Some("2006-03-14".parse().unwrap()),
        device_name: "phone".to_owned(),
        relays: vec![URL.to_owned()],
        ..Profile::default()
    };
    Holder::create(MemoryVault::new(), &profile, day(0), rng).unwrap()
}

/// A second device of the same student, let in.
pub(crate) fn second_device(
    phone: &mut Student,
    office: &mut Office,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> Student {
    let pending = PendingDevice::create(MemoryVault::new(), &[URL.to_owned()], None, rng).unwrap();
    let request = pending.request().0.to_vec();
    phone.approve_device(&request, "laptop", now, rng).unwrap();
    office.sync(phone, now, rng);
    let key = pending.request_key().verification_key();
    let joined = pending.receive(office.incoming(key)).unwrap().expect("a letter came");
    assert_eq!(
        joined.words().unwrap().to_string(),
        phone.words_for(&request).unwrap().unwrap().to_string()
    );
    let mut laptop = joined.accept().unwrap();
    office.sync(&mut laptop, now, rng);
    laptop
}

pub(crate) fn practice(name: &str, kind: OrganisationKind, rng: &mut ChaCha20Rng) -> Practice {
    let profile = OrganisationProfile {
        name: name.to_owned(),
        kind,
        ods: None,
        relays: vec![URL.to_owned()],
    };
    Organisation::create(MemoryVault::new(), &profile, day(0), rng).unwrap()
}

/// Shares sections with an organisation, whose card is confirmed first.
pub(crate) fn share(
    student: &mut Student,
    with: &Practice,
    sections: &[&str],
    can: Right,
    until: Option<Timestamp>,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) {
    student.add_contact(with.card(), true, now, rng).unwrap();
    let share = Share {
        sections: sections.iter().map(|s| section(s)).collect(),
        organisation: with.id(),
        can,
        until,
        purpose: "continuity of care".to_owned(),
        history: false,
        nhs_number: None,
        unverified: false,
    };
    student.share(&share, now, rng).unwrap();
}

pub(crate) fn medication(
    student: &mut Student,
    item: &str,
    dose: &str,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> EntryId {
    let entry = NewEntry {
        section: section("medications"),
        kind: "medication".to_owned(),
        fields: vec![code("item", item), text("dose", dose)],
    };
    student.add(&[entry], now, rng).unwrap()[0]
}

/// The canonical JSON of a section.
pub(crate) fn shown(view: &passport_core::view::View) -> String {
    serde_json::to_string(&view.to_json()).unwrap()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    println!("seed {seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn recover(phrase: &RecoveryPhrase, office: &Office, rng: &mut ChaCha20Rng) -> Student {
    let mut recovery = Recovery::new(phrase);
    let key = recovery.request_key().verification_key();
    recovery.receive(office.incoming(key));
    recovery.complete(MemoryVault::new(), "new phone", &[URL.to_owned()], day(1), rng).unwrap()
}
