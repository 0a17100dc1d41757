use super::super::{Ledger, Reader, Statement, StatementBody};
use crate::id::{PassportId, VerificationKey};
use crate::keys::{
    CertificateChain, DeviceCertificate, ReceivingKey, Signed, SigningKey, Succession,
};
use crate::time::Timestamp;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn public(n: u8) -> VerificationKey {
    key(n).verification_key()
}

fn passport() -> PassportId {
    PassportId::of_root(&public(1))
}

fn certificate(device: u8) -> DeviceCertificate {
    let receiving = ReceivingKey::from_seed(&[device; 32]).public_key();
    DeviceCertificate::new(passport(), public(device), receiving, AT, None)
}

/// What somebody knows of the ledger. Keys are numbers: 1 is the first root.
#[derive(Clone)]
struct Known(Ledger);

impl Known {
    fn nothing() -> Self {
        Self(Ledger::new(passport()))
    }

    fn says(&mut self, by: u8, body: StatementBody) -> Signed<Statement> {
        let said = self.0.draft(AT, body, &key(by));
        self.0.insert(said.clone()).unwrap();
        said
    }

    fn joins(&mut self, chain: &CertificateChain, by: u8) {
        let name = String::from("device");
        let _ = self.says(by, StatementBody::DeviceAdded { chain: chain.clone(), name });
    }

    /// The root lets a device in.
    fn recovers(&mut self, root: u8, device: u8) -> CertificateChain {
        let chain = CertificateChain::first(&certificate(device), &key(root));
        self.joins(&chain, root);
        chain
    }

    fn removes(&mut self, by: u8, device: u8) {
        let _ = self.says(by, StatementBody::DeviceRemoved { device: public(device) });
    }

    /// A device puts root `new` in the place of `old`, and keeps some devices.
    fn replaces(&mut self, by: u8, old: u8, new: u8, devices: &[u8]) {
        let succession = Succession::new(passport(), public(new), AT);
        let body = StatementBody::Replaced {
            succession: Signed::new(&succession, &key(old)),
            locator: public(new),
            recovery: ReceivingKey::from_seed(&[new; 32]).public_key(),
            devices: devices.iter().map(|d| Signed::new(&certificate(*d), &key(new))).collect(),
        };
        let _ = self.says(by, body);
    }

    fn hears(&mut self, other: &Self) {
        for (_, statement) in other.0.statements() {
            self.0.insert(statement.clone()).unwrap();
        }
    }

    /// The roots as a device sees them that has heard of the replacement by `root`.
    fn seen_by(&self, device: u8, root: u8) -> Vec<VerificationKey> {
        let mut ledger = self.0.clone();
        ledger.read_as(Reader { device: Some(public(device)), root: public(root) });
        ledger.fold().roots
    }

    fn live(&self, device: u8, root: u8) -> Vec<VerificationKey> {
        let mut ledger = self.0.clone();
        ledger.read_as(Reader { device: Some(public(device)), root: public(root) });
        let mut live: Vec<_> = ledger.fold().live_devices().map(|d| d.verified.key()).collect();
        live.sort_unstable();
        live
    }
}

fn roots(of: &[u8]) -> Vec<VerificationKey> {
    of.iter().map(|n| public(*n)).collect()
}

fn sorted(of: &[u8]) -> Vec<VerificationKey> {
    let mut keys = roots(of);
    keys.sort_unstable();
    keys
}

const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);
const PHONE: u8 = 10;
const LAPTOP: u8 = 11;
const THIEF: u8 = 90;

/// A phone, and a laptop that it let in.
fn two_devices() -> (Known, CertificateChain) {
    let mut known = Known::nothing();
    let phone = known.recovers(1, PHONE);
    let laptop = phone.extend(&certificate(LAPTOP), &key(PHONE));
    known.joins(&laptop, PHONE);
    (known, laptop)
}

#[test]
fn no_history_made_up_with_the_old_words_undoes_a_replacement() {
    let (before, _) = two_devices();
    let mut truth = before.clone();
    truth.replaces(PHONE, 1, 2, &[PHONE, LAPTOP]);
    // Of many, some have lower ids than the true one: with nothing cited, with the phone alone
    // cited, with all, and with the devices removed there.
    let mut phone_alone = Known::nothing();
    let _ = phone_alone.recovers(1, PHONE);
    for n in 30..60 {
        for start in [&Known::nothing(), &phone_alone, &before] {
            for removes in [false, true] {
                let mut made_up = start.clone();
                let _ = made_up.recovers(1, THIEF);
                if removes {
                    made_up.removes(THIEF, PHONE);
                    made_up.removes(THIEF, LAPTOP);
                }
                made_up.replaces(THIEF, 1, n, &[THIEF, PHONE, LAPTOP]);
                let mut all = truth.clone();
                all.hears(&made_up);
                // Whoever has heard of the true one, and whoever hears of both at once.
                for (device, root) in [(PHONE, 2), (LAPTOP, 2), (PHONE, 1), (LAPTOP, 1)] {
                    assert_eq!(all.seen_by(device, root), roots(&[1, 2]), "{n} {removes}");
                    assert_eq!(all.live(device, root), sorted(&[PHONE, LAPTOP]));
                }
            }
        }
    }
}

#[test]
fn a_device_that_was_removed_first_takes_nothing_back_with_the_old_words() {
    let (mut known, _) = two_devices();
    let _ = known.recovers(1, THIEF);
    // It cites only what it likes of what it knew.
    let (before, mut alone) = (known.clone(), Known::nothing());
    let _ = alone.recovers(1, THIEF);
    known.removes(LAPTOP, THIEF);
    known.replaces(LAPTOP, 1, 2, &[PHONE, LAPTOP]);
    for n in 30..60 {
        for start in [&before, &alone] {
            let mut made_up = start.clone();
            made_up.removes(THIEF, LAPTOP);
            made_up.removes(THIEF, PHONE);
            made_up.replaces(THIEF, 1, n, &[THIEF]);
            let mut all = known.clone();
            all.hears(&made_up);
            for device in [PHONE, LAPTOP] {
                assert_eq!(all.seen_by(device, 2), roots(&[1, 2]));
                assert_eq!(all.live(device, 2), sorted(&[PHONE, LAPTOP]));
            }
        }
    }
}

#[test]
fn of_two_made_apart_by_devices_that_know_each_other_all_take_one() {
    let (known, _) = two_devices();
    let (mut one, mut two) = (known.clone(), known);
    one.replaces(PHONE, 1, 2, &[PHONE, LAPTOP]);
    two.replaces(LAPTOP, 1, 3, &[PHONE, LAPTOP]);
    one.hears(&two);
    let seen = one.seen_by(PHONE, 2);
    assert_eq!(seen.len(), 2);
    for (device, root) in [(PHONE, 3), (LAPTOP, 2), (LAPTOP, 3), (PHONE, 1), (77, 1)] {
        assert_eq!(one.seen_by(device, root), seen, "{device} {root}");
    }
}

#[test]
fn after_one_replacement_the_device_that_made_it_may_go_and_another_makes_the_next() {
    let (mut known, _) = two_devices();
    known.replaces(PHONE, 1, 2, &[PHONE, LAPTOP]);
    known.removes(LAPTOP, PHONE);
    known.replaces(LAPTOP, 2, 3, &[LAPTOP]);
    assert_eq!(known.seen_by(LAPTOP, 3), roots(&[1, 2, 3]));
    assert_eq!(known.live(LAPTOP, 3), sorted(&[LAPTOP]));
}

#[test]
fn a_new_root_has_to_certify_who_brings_it_and_no_device_removes_a_root() {
    let (mut known, _) = two_devices();
    let mut other = known.clone();
    other.replaces(PHONE, 1, 2, &[LAPTOP]);
    assert_eq!(other.seen_by(PHONE, 1), roots(&[1]));
    known.replaces(PHONE, 1, 2, &[PHONE, LAPTOP]);
    known.removes(LAPTOP, 2);
    assert_eq!(known.live(PHONE, 2), sorted(&[PHONE, LAPTOP]));
    // What the old root says afterwards, or who descends from it alone, says nothing.
    let _ = known.recovers(1, THIEF);
    known.removes(THIEF, PHONE);
    known.removes(1, LAPTOP);
    assert_eq!(known.live(PHONE, 2), sorted(&[PHONE, LAPTOP]));
}
