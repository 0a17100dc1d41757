//! Parties with real keys, cards and certificates, who found epochs, seal and open for real.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::similar_names,
    clippy::indexing_slicing,
    reason = "the kit serves tests, and may panic as tests do"
)]

use passport_core::attestation::{Attestation, Subject, sign_remark};
use passport_core::author::Author;
use passport_core::codec;
use passport_core::edit::{
    Edit, EditBody, EntryRecord, NamedValue, Remark, RemarkContent, RemarkProof, entry_id,
    remark_id,
};
use passport_core::envelope::{Header, Kind, MAX_BODY, OpenedEnvelope, SealedEnvelope, seal};
use passport_core::epoch::{
    Charter, Phase, PhaseKeys, Right, SnapshotDigest, VerifiedCharter, Writer, plan_phases, split,
};
use passport_core::id::{
    ChannelId, EntryId, EnvelopeId, EpochId, OrganisationId, PassportId, RemarkId,
};
use passport_core::keys::{
    Card, CertificateChain, DeviceCertificate, InstanceCertificate, OrganisationKind, PhaseKey,
    ReceivingKey, Signed, SigningKey,
};
use passport_core::replica::{Admission, Position, Replica};
use passport_core::section::{SCHEMA_VERSION, Value};
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// When everything begins.
pub const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Somebody who writes: a device of the holder, or an instance of an organisation.
#[derive(Clone, Debug)]
pub struct Party {
    /// Signs.
    pub key: SigningKey,
    /// A device's certificates.
    pub chain: Option<CertificateChain>,
    /// An instance's organisation.
    pub organisation: Option<OrganisationId>,
}

/// A passport, its devices and the organisations around it.
#[derive(Debug)]
pub struct World {
    /// The only source of randomness.
    pub rng: ChaCha20Rng,
    /// The passport.
    pub passport: PassportId,
    /// The holder's devices; the first is certified by the root, the others by the first.
    pub devices: Vec<Party>,
    /// One instance of each organisation.
    pub organisations: Vec<Party>,
    /// Their cards.
    pub cards: Vec<Signed<Card>>,
}

/// An epoch with all its keys.
#[derive(Debug)]
pub struct Epoch {
    /// Its charter.
    pub charter: VerifiedCharter,
    /// The keys of its phases.
    pub keys: PhaseKeys,
    /// The envelopes of the snapshot.
    pub parts: Vec<OpenedEnvelope>,
    /// The bodies of those.
    pub bodies: Vec<Vec<u8>>,
}

/// What an epoch is founded with.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The section.
    pub section: &'static str,
    /// Which device founds.
    pub founder: usize,
    /// Which organisations write, and until when.
    pub writers: Vec<(usize, Option<Timestamp>)>,
    /// Further ends of grants.
    pub ends: Vec<Timestamp>,
    /// The entries.
    pub records: Vec<EntryRecord>,
    /// The epochs before.
    pub parents: Vec<EpochId>,
    /// When.
    pub at: Timestamp,
    /// Devices removed, by number.
    pub removed: Vec<usize>,
}

impl Founding {
    /// A first epoch in which all of `writers` write without end.
    #[must_use]
    pub fn new(section: &'static str, writers: &[usize]) -> Self {
        Self {
            section,
            founder: 0,
            writers: writers.iter().map(|w| (*w, None)).collect(),
            ends: Vec::new(),
            records: Vec::new(),
            parents: Vec::new(),
            at: START,
            removed: Vec::new(),
        }
    }
}

fn organisation(card_key: &SigningKey, name: &str, instance: &SigningKey) -> Signed<Card> {
    let mut card =
        Card::new(card_key.verification_key(), name.to_owned(), OrganisationKind::Gp, START);
    let receiving = ReceivingKey::from_seed(&instance.to_seed()).public_key();
    let certificate =
        InstanceCertificate::new(card.id(), instance.verification_key(), receiving, START);
    card.instances = vec![Signed::new(&certificate, card_key)];
    card.sign(card_key).unwrap();
    Signed::new(&card, card_key)
}

impl World {
    /// A passport with two devices, and so many organisations.
    #[must_use]
    pub fn new(seed: u64, organisations: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let root = SigningKey::generate(&mut rng);
        let passport = PassportId::of_root(&root.verification_key());
        let keys: Vec<SigningKey> = (0..2).map(|_| SigningKey::generate(&mut rng)).collect();
        let certificate = |key: &SigningKey| {
            let receiving = ReceivingKey::from_seed(&key.to_seed()).public_key();
            DeviceCertificate::new(passport, key.verification_key(), receiving, START, None)
        };
        let first = CertificateChain::first(&certificate(&keys[0]), &root);
        let second = first.extend(&certificate(&keys[1]), &keys[0]);
        let devices = keys
            .into_iter()
            .zip([first, second])
            .map(|(key, chain)| Party { key, chain: Some(chain), organisation: None })
            .collect();
        let mut world =
            Self { rng, passport, devices, organisations: Vec::new(), cards: Vec::new() };
        for n in 0..organisations {
            let card_key = SigningKey::generate(&mut world.rng);
            let instance = SigningKey::generate(&mut world.rng);
            let id = OrganisationId::of_card_key(&card_key.verification_key());
            world.cards.push(organisation(&card_key, &format!("Service {n}"), &instance));
            world.organisations.push(Party { key: instance, chain: None, organisation: Some(id) });
        }
        world
    }

    /// Another device, certified by the first until a day.
    pub fn lend(&mut self, expires: Timestamp) -> Party {
        let key = SigningKey::generate(&mut self.rng);
        let receiving = ReceivingKey::from_seed(&key.to_seed()).public_key();
        let device = key.verification_key();
        let certificate =
            DeviceCertificate::new(self.passport, device, receiving, START, Some(expires));
        let first = &self.devices[0];
        let chain = first.chain.as_ref().map(|chain| chain.extend(&certificate, &first.key));
        Party { key, chain, organisation: None }
    }

    /// Founds an epoch.
    #[must_use]
    pub fn found(&mut self, founding: Founding) -> Epoch {
        self.found_in_parts(founding, MAX_BODY)
    }

    /// Founds an epoch with a snapshot in parts of at most so many bytes.
    #[must_use]
    pub fn found_in_parts(&mut self, founding: Founding, part_max: usize) -> Epoch {
        let ends = founding.writers.iter().filter_map(|(_, until)| *until);
        let starts = plan_phases(founding.at, ends.chain(founding.ends.clone()));
        let keys: PhaseKeys =
            (0..).zip(&starts).map(|(n, _)| (n, PhaseKey::generate(&mut self.rng))).collect();
        let bodies = split(founding.records, founding.at, part_max);
        let mut writers: Vec<Writer> = founding
            .writers
            .iter()
            .map(|(w, until)| Writer {
                organisation: self.organisations[*w].organisation.unwrap(),
                can: Right::Contribute,
                until: *until,
            })
            .collect();
        writers.sort_unstable();
        let mut removed: Vec<_> =
            founding.removed.iter().map(|d| self.devices[*d].key.verification_key()).collect();
        removed.sort_unstable();
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let founder = self.devices[founding.founder].clone();
        let charter = Charter {
            version: Charter::VERSION,
            schema: SCHEMA_VERSION,
            passport: self.passport,
            founder: founder.chain.unwrap(),
            removed_devices: removed,
            channel: ChannelId::from_bytes([7; 32]),
            section: founding.section.parse().unwrap(),
            height: u32::from(!founding.parents.is_empty()),
            erases: false,
            parents: founding.parents,
            founded_at: founding.at,
            writers,
            cards: self.cards.clone(),
            phases: starts
                .into_iter()
                .zip(keys.values())
                .map(|(from, key)| Phase { from, commitment: key.commitment() })
                .collect(),
            snapshot: SnapshotDigest::of(&bodies),
            nonce,
            revocations: 0,
        };
        let charter = charter.sign(&founder.key).unwrap();
        let mut epoch = Epoch { charter, keys, parts: Vec::new(), bodies: Vec::new() };
        let mut prev = None;
        for (seq, body) in (1..).zip(&bodies) {
            let at = Position { seq, prev, deps: Vec::new(), phase: 0 };
            let part = epoch.seal(self, &founder.key, at, Kind::Snapshot, body.clone());
            prev = Some(part.id());
            epoch.parts.push(part);
        }
        epoch.bodies = bodies;
        epoch
    }

    /// A random number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap();
        usize::try_from(self.rng.next_u64() % n).unwrap()
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Sixteen random bytes.
    pub fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        nonce
    }

    /// What `party` signs of an entry; `fields` in any order.
    #[must_use]
    pub fn attestation(
        &mut self,
        party: &Party,
        (entry, kind): (EntryId, &str),
        at: Timestamp,
        whole: bool,
        fields: &[(&str, Value)],
    ) -> Attestation {
        let mut fields: Vec<(&str, &Value)> = fields.iter().map(|(n, v)| (*n, v)).collect();
        fields.sort_unstable();
        let subject = Subject { passport: self.passport, entry, kind };
        let organisation = party.organisation.unwrap();
        Attestation::new(subject, organisation, at, whole, fields, &party.key, &mut self.rng)
    }

    /// The edits with which `party` adds an entry; an organisation signs it.
    #[must_use]
    pub fn add(
        &mut self,
        party: &Party,
        kind: &str,
        at: Timestamp,
        fields: &[(&str, Value)],
    ) -> (EntryId, Vec<Edit>) {
        let nonce = self.nonce();
        let entry = entry_id(&party.key.verification_key(), &nonce);
        let mut named: Vec<NamedValue> = fields
            .iter()
            .map(|(name, value)| NamedValue { name: (*name).to_owned(), value: value.clone() })
            .collect();
        named.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut edits = vec![Edit::Add { nonce, kind: kind.to_owned(), fields: named }];
        if party.organisation.is_some() {
            let attestation = self.attestation(party, (entry, kind), at, true, fields);
            edits.push(Edit::Attest { entry, attestation });
        }
        (entry, edits)
    }

    /// A note or suggestion by `party`, signed where an organisation makes it.
    #[must_use]
    pub fn remark(
        &mut self,
        party: &Party,
        entry: EntryId,
        at: Timestamp,
        content: RemarkContent,
    ) -> Remark {
        let nonce = self.nonce();
        let signer = party.key.verification_key();
        let id: RemarkId = remark_id(&signer, &nonce);
        let author = party.author();
        let proof = party.organisation.map(|_| {
            let signed = Remark::signed_content(author, at, &content);
            let signature = sign_remark(self.passport, entry, id, &signed, &party.key);
            RemarkProof { signer, nonce, signature }
        });
        Remark { id, entry, author, at, content, proof }
    }
}

impl Party {
    /// Who that is to a reader.
    #[must_use]
    pub fn author(&self) -> Author {
        self.organisation.map_or(Author::Holder, Author::Organisation)
    }
}

impl Epoch {
    /// A replica that has the founding snapshot.
    #[must_use]
    pub fn replica(&self) -> Replica {
        let mut replica = Replica::new(self.charter.clone());
        for (_, admission) in replica.admit(self.parts.clone()) {
            assert_eq!(admission, Admission::Applied);
        }
        assert!(replica.is_ready());
        replica
    }

    /// Seals a body as `key`, sends it through its bytes, verifies and opens it.
    #[must_use]
    pub fn seal(
        &self,
        world: &mut World,
        key: &SigningKey,
        position: Position,
        kind: Kind,
        body: Vec<u8>,
    ) -> OpenedEnvelope {
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: self.charter.channel,
            epoch: self.charter.id(),
            phase: position.phase,
            author: key.verification_key(),
            seq: position.seq,
            prev: position.prev,
            deps: position.deps,
            kind,
        };
        let any = || self.keys.get(&0);
        let phase_key = self.keys.get(&position.phase).or_else(any).expect("a phase");
        let sealed = seal(&header, body, phase_key, key, &mut world.rng).unwrap();
        let received = SealedEnvelope::decode(&sealed.encode()).unwrap();
        received.verify().unwrap().open(phase_key).unwrap()
    }

    /// Seals edits at a position; a device shows its chain in its first envelope.
    #[must_use]
    pub fn edits_at(
        &self,
        world: &mut World,
        party: &Party,
        position: Position,
        at: Timestamp,
        edits: Vec<Edit>,
    ) -> OpenedEnvelope {
        let founder = party.key.verification_key() == self.charter.founder();
        let chain = party.chain.clone().filter(|_| position.prev.is_none() && !founder);
        let body = EditBody { at, chain, edits, carries: None };
        self.seal(world, &party.key, position, Kind::Edits, codec::encode(&body))
    }

    /// Seals edits where `party` stands in its replica.
    #[must_use]
    pub fn edits(
        &self,
        world: &mut World,
        party: &Party,
        replica: &Replica,
        at: Timestamp,
        edits: Vec<Edit>,
    ) -> OpenedEnvelope {
        let mut position = replica.position(&party.key.verification_key());
        position.phase = position.phase.max(self.charter.phase_at(at));
        self.edits_at(world, party, position, at, edits)
    }
}

/// Admits one envelope and says what became of it.
pub fn admit(replica: &mut Replica, envelope: &OpenedEnvelope) -> Admission {
    let outcome = replica.admit([envelope.clone()]);
    let found: Vec<_> = outcome.iter().filter(|(id, _)| *id == envelope.id()).collect();
    found.first().map_or(Admission::Full, |(_, admission)| *admission)
}

/// Ids of envelopes.
#[must_use]
pub fn ids(envelopes: &[OpenedEnvelope]) -> Vec<EnvelopeId> {
    envelopes.iter().map(OpenedEnvelope::id).collect()
}

/// A short text.
#[must_use]
pub fn text(t: &str) -> Value {
    Value::Text(t.to_owned())
}

/// A long text.
#[must_use]
pub fn prose(t: &str) -> Value {
    Value::Prose(t.to_owned())
}
