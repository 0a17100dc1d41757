//! The ledger under any interleaving: devices that say things apart, statements that come in any
//! order or not yet, devices removed, epochs founded at once.
//!
//! A history is a list of numbers, each a deed or a delivery with its chances. Beside the real
//! ledgers runs a model that knows who said what and what they had heard.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::epoch::{Charter, Phase, Right, SnapshotDigest, split};
use passport_core::grant::Grant;
use passport_core::id::{GrantId, OrganisationId, PassportId, StatementId, VerificationKey};
use passport_core::keys::{
    CertificateChain, DeviceCertificate, PhaseKey, ReceivingKey, Signed, SigningKey,
};
use passport_core::ledger::{KeyOfPhase, Ledger, Statement, StatementBody};
use passport_core::section::{SCHEMA_VERSION, SectionName};
use passport_tests::histories::below;
use passport_tests::kit::START;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const SECTIONS: [&str; 2] = ["medications", "allergies"];
const ORGANISATIONS: usize = 2;
const DEVICES_MAX: usize = 4;
/// Turns of everybody after which nobody may found any more.
const TURNS_MAX: usize = 12;

/// A device, as far as the ledger goes.
struct Desk {
    key: SigningKey,
    chain: CertificateChain,
    ledger: Ledger,
    /// Grants that it has seen ended.
    ended: BTreeSet<GrantId>,
}

/// What the model knows of a statement.
struct Said {
    past: BTreeSet<StatementId>,
    what: What,
}

enum What {
    Granted(GrantId, usize, &'static str),
    Revoked(usize, &'static str),
    Other,
}

struct Model {
    rng: ChaCha20Rng,
    root: SigningKey,
    passport: PassportId,
    desks: Vec<Desk>,
    said: BTreeMap<StatementId, Said>,
    foundings: usize,
}

fn section(name: &str) -> SectionName {
    name.parse().unwrap()
}

fn organisation(n: usize) -> OrganisationId {
    OrganisationId::from_bytes([u8::try_from(n).unwrap(); 32])
}

/// Everything that a fold comes to.
fn summary(ledger: &Ledger) -> String {
    let fold = ledger.fold();
    let devices: Vec<_> =
        fold.devices.iter().map(|(key, d)| (key, &d.name, d.removed, d.added_at)).collect();
    let grants: Vec<_> = fold.grants.iter().map(|g| (g.grant.id, g.revoked_at)).collect();
    let epochs: Vec<_> = fold.epochs.keys().collect();
    let current: Vec<_> = SECTIONS
        .iter()
        .map(|name| fold.current(&section(name)))
        .map(|of| of.iter().map(|e| (*e, fold.is_settled(ledger, e))).collect::<Vec<_>>())
        .collect();
    let counted: Vec<_> = SECTIONS.iter().map(|name| fold.revocations(&section(name))).collect();
    format!("{devices:?} {grants:?} {epochs:?} {current:?} {counted:?} {}", fold.exposed)
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let root = SigningKey::generate(&mut rng);
        let passport = PassportId::of_root(&root.verification_key());
        let mut model =
            Self { rng, root, passport, desks: Vec::new(), said: BTreeMap::new(), foundings: 0 };
        let (key, certificate) = model.certificate();
        let chain = CertificateChain::first(&certificate, &model.root);
        let mut ledger = Ledger::new(passport);
        let body = StatementBody::DeviceAdded { chain: chain.clone(), name: "0".to_owned() };
        ledger.insert(ledger.draft(START, body, &model.root)).unwrap();
        for (id, _) in ledger.statements() {
            model.said.insert(*id, Said { past: BTreeSet::new(), what: What::Other });
        }
        model.desks.push(Desk { key, chain, ledger, ended: BTreeSet::new() });
        for name in SECTIONS {
            model.found(0, name);
        }
        model
    }

    fn certificate(&mut self) -> (SigningKey, DeviceCertificate) {
        let key = SigningKey::generate(&mut self.rng);
        let receiving = ReceivingKey::from_seed(&key.to_seed()).public_key();
        let device = key.verification_key();
        (key, DeviceCertificate::new(self.passport, device, receiving, START, None))
    }

    fn say(&mut self, n: usize, body: StatementBody, what: What) {
        let desk = &mut self.desks[n];
        let past: BTreeSet<StatementId> = desk.ledger.statements().map(|(id, _)| *id).collect();
        let statement = desk.ledger.draft(START, body, &desk.key);
        assert!(desk.ledger.insert(statement).unwrap());
        let mut new = desk.ledger.statements().filter(|(id, _)| !past.contains(id));
        let id = *new.next().unwrap().0;
        self.said.insert(id, Said { past, what });
    }

    fn found(&mut self, n: usize, name: &'static str) {
        let key = PhaseKey::generate(&mut self.rng);
        let mut nonce = [0; 16];
        self.rng.fill_bytes(&mut nonce);
        let desk = &self.desks[n];
        let fold = desk.ledger.fold();
        let mut parents = fold.current(&section(name));
        parents.truncate(Charter::PARENTS);
        let below = parents.iter().map(|id| fold.epochs[id].charter.height).max();
        parents.sort_unstable();
        let charter = Charter {
            version: Charter::VERSION,
            schema: SCHEMA_VERSION,
            passport: self.passport,
            founder: desk.chain.clone(),
            removed_devices: fold.removed_devices(),
            channel: passport_core::id::ChannelId::from_bytes([7; 32]),
            section: section(name),
            parents,
            founded_at: START,
            writers: Vec::new(),
            cards: Vec::new(),
            phases: vec![Phase { from: START, commitment: key.commitment() }],
            snapshot: SnapshotDigest::of(&split(Vec::new(), START, 1_000)),
            nonce,
            revocations: fold.revocations(&section(name)),
            height: below.map_or(0, |height| height + 1),
            erases: false,
        };
        let charter = Box::new(charter.sign(&desk.key).unwrap().signed().clone());
        let keys = KeyOfPhase::list(&[(0, key)].into());
        let body = StatementBody::Founded { charter, keys, cut: Vec::new(), carried: None };
        self.say(n, body, What::Other);
        self.foundings += 1;
    }

    fn step(&mut self, rng: &mut ChaCha20Rng) {
        let n = below(rng, self.desks.len());
        let o = below(rng, ORGANISATIONS);
        let name = SECTIONS[below(rng, SECTIONS.len())];
        match below(rng, 20) {
            // Who knows to be removed says nothing more.
            0..11 if self.is_removed(n) => {}
            0..3 => self.grant(n, o, name),
            3..5 => {
                let (organisation, section) = (organisation(o), section(name));
                let body = StatementBody::Revoked { organisation, section };
                self.say(n, body, What::Revoked(o, name));
                self.found(n, name);
            }
            5..7 if self.desks.len() < DEVICES_MAX => self.join(n),
            7..8 => self.remove(n, below(rng, self.desks.len())),
            8..11 => self.tidy(n),
            _ => self.deliver(n, below(rng, self.desks.len()), 2, rng),
        }
        self.check(n);
    }

    fn grant(&mut self, n: usize, o: usize, name: &'static str) {
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let grant = Grant {
            version: Grant::VERSION,
            id: GrantId::from_bytes(id),
            passport: self.passport,
            section: section(name),
            organisation: organisation(o),
            can: Right::Read,
            from: START,
            until: None,
            purpose: "care".to_owned(),
            history: false,
            holder_name: "Amina Yusuf".to_owned(),
            nhs_number: None,
        };
        let signed = Signed::new(&grant, &self.desks[n].key);
        let body = StatementBody::Granted { grant: signed };
        self.say(n, body, What::Granted(grant.id, o, name));
        self.found(n, name);
    }

    fn join(&mut self, n: usize) {
        let (key, certificate) = self.certificate();
        let chain = self.desks[n].chain.extend(&certificate, &self.desks[n].key);
        let name = self.desks.len().to_string();
        self.say(n, StatementBody::DeviceAdded { chain: chain.clone(), name }, What::Other);
        let ledger = self.desks[n].ledger.clone();
        self.desks.push(Desk { key, chain, ledger, ended: BTreeSet::new() });
    }

    fn remove(&mut self, n: usize, other: usize) {
        let device = self.desks[other].key.verification_key();
        // Nobody removes who let it in, and would go with it.
        let line = self.desks[n].chain.verify(&self.passport).unwrap();
        if !line.lineage().contains(&device) {
            self.say(n, StatementBody::DeviceRemoved { device }, What::Other);
            for name in SECTIONS {
                self.found(n, name);
            }
        }
    }

    /// What a device does after an exchange, as far as it is about founding.
    fn tidy(&mut self, n: usize) {
        if self.is_removed(n) {
            return;
        }
        let fold = self.desks[n].ledger.fold();
        for name in SECTIONS {
            let first = fold.current(&section(name)).first().copied();
            if first.is_some_and(|id| !fold.is_settled(&self.desks[n].ledger, &id)) {
                self.found(n, name);
            }
        }
    }

    /// Whether a device has heard that it was removed.
    fn is_removed(&self, n: usize) -> bool {
        let own = self.desks[n].key.verification_key();
        self.desks[n].ledger.fold().devices.get(&own).is_none_or(|device| device.removed)
    }

    /// One in so many statements that another lacks reaches it, in any order.
    fn deliver(&mut self, from: usize, to: usize, one_in: usize, rng: &mut ChaCha20Rng) {
        let mut some: Vec<Signed<Statement>> = self.desks[from]
            .ledger
            .statements()
            .filter(|_| below(rng, one_in) == 0)
            .map(|(_, statement)| statement.clone())
            .collect();
        shuffle(&mut some, rng);
        for statement in some {
            self.desks[to].ledger.insert(statement).unwrap();
        }
    }

    /// No history gives back what was taken away, and the fold says what the model says.
    fn check(&mut self, n: usize) {
        let desk = &mut self.desks[n];
        let here: BTreeSet<StatementId> = desk.ledger.statements().map(|(id, _)| *id).collect();
        let fold = desk.ledger.fold();
        for grant in &fold.grants {
            let (id, said) = self
                .said
                .iter()
                .find(|(_, said)| matches!(said.what, What::Granted(g, ..) if g == grant.grant.id))
                .unwrap();
            assert!(here.contains(id));
            let What::Granted(_, o, name) = said.what else { continue };
            let ends = |other: &StatementId| {
                let of =
                    matches!(self.said[other].what, What::Revoked(r, s) if (r, s) == (o, name));
                of && !said.past.contains(other)
            };
            assert_eq!(grant.revoked_at.is_some(), here.iter().any(ends));
            assert!(
                grant.revoked_at.is_some() || !desk.ended.contains(&grant.grant.id),
                "a reader is back"
            );
        }
        let ended = fold.grants.iter().filter(|g| g.revoked_at.is_some());
        desk.ended.extend(ended.map(|g| g.grant.id));
    }

    /// Everybody hears everything and founds what is due, by turns, each before it hears what
    /// the others found in that turn: until nobody has anything to found.
    fn rest(&mut self, rng: &mut ChaCha20Rng) {
        let settled = (0..TURNS_MAX).any(|_| {
            let before = self.foundings;
            for from in 0..self.desks.len() {
                for to in 0..self.desks.len() {
                    self.deliver(from, to, 1 + below(rng, 2), rng);
                }
            }
            for n in 0..self.desks.len() {
                self.tidy(n);
                self.check(n);
            }
            let all = |desk: &Desk| desk.ledger.statements().count();
            self.foundings == before && self.desks.iter().all(|d| all(d) == self.said.len())
        });
        assert!(settled, "they found past each other");
    }
}

fn shuffle<T>(items: &mut [T], rng: &mut ChaCha20Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(rng, i + 1));
    }
}

fn run(seed: u64, steps: &[u64]) {
    let mut model = Model::new(seed);
    for number in steps {
        model.step(&mut ChaCha20Rng::seed_from_u64(*number));
    }
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    model.rest(&mut rng);
    let expected = summary(&model.desks[0].ledger);
    for desk in &model.desks {
        assert_eq!(
            summary(&desk.ledger),
            expected,
            "who knows the same folds it to something else"
        );
        // Nor does it depend on the order in which it came.
        let mut statements: Vec<_> = desk.ledger.statements().map(|(_, s)| s.clone()).collect();
        shuffle(&mut statements, &mut rng);
        let mut other = Ledger::new(model.passport);
        for statement in statements {
            other.insert(statement).unwrap();
        }
        assert_eq!(summary(&other), expected, "the fold depends on the order");
    }
    let fold = model.desks[0].ledger.fold();
    let live: Vec<VerificationKey> = fold.live_devices().map(|d| d.verified.key()).collect();
    for first in SECTIONS.iter().filter_map(|name| fold.current(&section(name)).first().copied()) {
        let settled = fold.is_settled(&model.desks[0].ledger, &first);
        assert!(settled || live.is_empty(), "nobody brought together what was founded apart");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn ledgers_agree_and_come_to_rest_whatever_was_said_apart(
        seed in any::<u64>(),
        steps in vec(any::<u64>(), 0..40),
    ) {
        run(seed, &steps);
    }
}
