//! A relay that keeps all it is given and hands it to everybody, and the parties around it.

use passport_core::codec;
use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, PendingDevice, Profile, Share};
use passport_core::id::{EntryId, PassportId, VerificationKey};
use passport_core::journal::{Incoming, IncomingItem, Verdict, Verdicts};
use passport_core::keys::{OrganisationKind, ReceivingKey, RecoveryPhrase, SigningKey};
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::party::{Pace, Party, PartyError, Received};
use passport_core::section::{Code, SectionName, Value};
use passport_core::time::Timestamp;
use passport_core::vault::{MemoryVault, Table, Vault as _};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

pub(crate) type Student = Holder<MemoryVault>;
pub(crate) type Practice = Organisation<MemoryVault>;

pub(crate) const URL: &str = "http://relay.example";

pub(crate) fn day(n: i64) -> Timestamp {
    "2026-10-01T09:00:00Z".parse::<Timestamp>().unwrap().plus_days(n)
}

pub(crate) fn seeded(seed: u64) -> ChaCha20Rng {
    println!("seed {seed}");
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn section(name: &str) -> SectionName {
    name.parse().unwrap()
}

pub(crate) fn code(name: &str, words: &str) -> (String, Value) {
    (name.to_owned(), Value::Code(Code::text(words)))
}

pub(crate) fn field(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

/// Everything that was ever sent.
#[derive(Clone, Default)]
pub(crate) struct Office {
    pub(crate) envelopes: Vec<Vec<u8>>,
    pub(crate) letters: Vec<(VerificationKey, Vec<u8>)>,
    pub(crate) relay: [u8; 16],
}

impl Office {
    /// Takes what a party has to send.
    pub(crate) fn take(&mut self, party: &mut impl Party, now: Timestamp) {
        self.offer(party, now).unwrap();
    }

    /// As [`Self::take`], of a party that may fail in between.
    pub(crate) fn offer(
        &mut self,
        party: &mut impl Party,
        now: Timestamp,
    ) -> Result<(), PartyError> {
        party.met(URL, self.relay, false)?;
        loop {
            let out = party.outgoing(URL, now)?;
            for envelope in &out.envelopes {
                if !self.envelopes.contains(&envelope.bytes) {
                    self.envelopes.push(envelope.bytes.clone());
                }
            }
            self.letters.extend(out.letters.iter().map(|l| (l.to, l.bytes.clone())));
            let verdicts = Verdicts {
                lists: vec![Verdict::Kept; out.lists.len()],
                envelopes: vec![Verdict::Kept; out.envelopes.len()],
                letters: vec![Verdict::Kept; out.letters.len()],
                drops: vec![Verdict::Kept; out.drops.len()],
            };
            party.settle_with(URL, &out, &verdicts, now)?;
            if !out.more {
                return Ok(());
            }
        }
    }

    /// Exchanges until the party has nothing more to say.
    pub(crate) fn sync(&mut self, party: &mut impl Party, now: Timestamp, rng: &mut ChaCha20Rng) {
        for _ in 0..8 {
            self.take(party, now);
            let incoming = self.incoming(party.request_key().verification_key());
            party.receive(URL, incoming, now).unwrap();
            if party.tidy(Pace::Quiet, now, rng).unwrap().made == 0 {
                self.take(party, now);
                return;
            }
        }
        panic!("a party never comes to rest");
    }

    pub(crate) fn incoming(&self, to: VerificationKey) -> Incoming {
        let letters = self.letters.iter().filter(|(owner, _)| *owner == to);
        let letters = letters.map(|(_, bytes)| IncomingItem::Letter(bytes.clone()));
        let envelopes = self.envelopes.iter().map(|e| IncomingItem::Envelope(e.clone()));
        self.only(letters.chain(envelopes).collect())
    }

    pub(crate) fn only(&self, items: Vec<IncomingItem>) -> Incoming {
        Incoming { relay: self.relay, position: passport_core::journal::Position::default(), items }
    }

    pub(crate) fn hand(&self, party: &mut impl Party, items: Vec<IncomingItem>) -> Received {
        party.receive(URL, self.only(items), day(0)).unwrap()
    }
}

/// A student with one device, and the phrase.
pub(crate) fn student(rng: &mut ChaCha20Rng) -> (Student, RecoveryPhrase) {
    let profile = Profile {
        name: "Amina Yusuf".to_owned(),
        device_name: "phone".to_owned(),
        relays: vec![URL.to_owned()],
        ..Profile::default()
    };
    Holder::create(MemoryVault::new(), &profile, day(0), rng).unwrap()
}

/// Another device, let in by `by`.
pub(crate) fn another(
    by: &mut Student,
    office: &mut Office,
    expires: Option<Timestamp>,
    rng: &mut ChaCha20Rng,
) -> Student {
    let vault = MemoryVault::new();
    let pending = PendingDevice::create(vault, &[URL.to_owned()], expires, rng).unwrap();
    let request = pending.request().0.to_vec();
    by.approve_device(&request, "another", day(0), rng).unwrap();
    office.sync(by, day(0), rng);
    let key = pending.request_key().verification_key();
    let mut device =
        pending.receive(office.incoming(key)).unwrap().expect("a letter").accept().unwrap();
    office.sync(&mut device, day(0), rng);
    device
}

pub(crate) fn practice(name: &str, rng: &mut ChaCha20Rng) -> Practice {
    let profile = OrganisationProfile {
        name: name.to_owned(),
        kind: OrganisationKind::Gp,
        ods: None,
        relays: vec![URL.to_owned()],
    };
    Organisation::create(MemoryVault::new(), &profile, day(0), rng).unwrap()
}

pub(crate) fn share(
    student: &mut Student,
    with: &Practice,
    sections: &[&str],
    can: Right,
    until: Option<Timestamp>,
    rng: &mut ChaCha20Rng,
) {
    student.add_contact(with.card(), true, day(1), rng).unwrap();
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
    student.share(&share, day(1), rng).unwrap();
}

pub(crate) fn medication(
    student: &mut Student,
    item: &str,
    now: Timestamp,
    rng: &mut ChaCha20Rng,
) -> EntryId {
    let entry = NewEntry {
        section: section("medications"),
        kind: "medication".to_owned(),
        fields: vec![code("item", item), field("dose", "20 mg")],
    };
    student.add(&[entry], now, rng).unwrap()[0]
}

/// What the holder's device shows of a section.
pub(crate) fn mine(student: &mut Student, name: &str) -> String {
    serde_json::to_string(&student.view(&section(name)).unwrap().to_json()).unwrap()
}

/// What an organisation shows of a section.
pub(crate) fn theirs(practice: &mut Practice, of: PassportId, name: &str) -> String {
    let view = practice.view(of, &section(name)).unwrap();
    serde_json::to_string(&view.to_json()).unwrap()
}

/// Everything in a vault but what is known of relays, as one digest: the state before and after.
pub(crate) fn stored(vault: &MemoryVault) -> [u8; 32] {
    let mut all = Vec::new();
    for table in Table::ALL.into_iter().filter(|t| *t != Table::Remote) {
        for (key, value) in vault.scan(table).unwrap() {
            all.extend(codec::encode(&(table.code(), key, value.to_vec())));
        }
    }
    *passport_core::id::ObjectId::of(&all).as_bytes()
}

/// The keys of a device, as a thief of its vault has them.
pub(crate) fn stolen(vault: &MemoryVault) -> (SigningKey, ReceivingKey) {
    let seed = |name: &[u8]| -> [u8; 32] {
        vault.get(Table::Key, name).unwrap().unwrap().as_slice().try_into().unwrap()
    };
    (SigningKey::from_seed(&seed(b"device")), ReceivingKey::from_seed(&seed(b"receiving")))
}

pub(crate) fn header_of(bytes: &[u8]) -> passport_core::envelope::Header {
    SealedEnvelope::decode(bytes).unwrap().header().clone()
}
