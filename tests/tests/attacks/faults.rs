//! A program ends, or the disk refuses, at every write of a whole story.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use passport_core::epoch::Right;
use passport_core::holder::{GrantState, Holder, NewEntry, PendingDevice, Profile, Share};
use passport_core::keys::OrganisationKind;
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::party::{Pace, Party, PartyError};
use passport_core::vault::{
    Batch, KdfFloor, KdfParams, MemoryVault, Secret, SqliteVault, Table, VAULT_FILE, Vault,
    VaultError,
};
use rand_chacha::ChaCha20Rng;

use crate::office::*;

const WEAK: KdfParams = KdfParams::weak_for_tests();
const SKIP: KdfFloor = KdfFloor::SkippedForTests;
const DISK_FULL: VaultError = VaultError::Full;
const KILLED: VaultError = VaultError::Io { code: 9 };

/// What goes wrong at a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The disk is full: nothing of it was written.
    Refused,
    /// The program ends once it is written, and nobody hears that it was.
    Killed,
}

/// Counts the writes of all vaults of a story down to the one that goes wrong.
#[derive(Clone)]
struct Fuse {
    left: Rc<Cell<u64>>,
    fault: Fault,
}

impl Fuse {
    fn at(write: u64, fault: Fault) -> Self {
        Self { left: Rc::new(Cell::new(write)), fault }
    }
}

/// A vault on disk whose writes count.
struct Counted {
    vault: SqliteVault,
    fuse: Fuse,
}

impl Counted {
    fn create(home: &Path, fuse: &Fuse, rng: &mut ChaCha20Rng) -> Self {
        let vault = SqliteVault::create_with(home, "x", WEAK, rng, SKIP).unwrap();
        Self { vault, fuse: fuse.clone() }
    }

    fn open(home: &Path, fuse: &Fuse) -> Self {
        let vault = SqliteVault::open_with(home, "x", Duration::ZERO, SKIP).unwrap();
        Self { vault, fuse: fuse.clone() }
    }
}

impl Vault for Counted {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError> {
        self.vault.get(table, key)
    }

    fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
        self.vault.scan(table)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
        let left = self.fuse.left.get();
        self.fuse.left.set(left.wrapping_sub(1));
        match (left, self.fuse.fault) {
            (1, Fault::Refused) => Err(DISK_FULL),
            (1, Fault::Killed) => self.vault.commit(batch).and(Err(KILLED)),
            _ => self.vault.commit(batch),
        }
    }
}

type Phone = Holder<Counted>;

/// What is outside of the two homes: the relay, and a laptop.
struct World {
    folder: tempfile::TempDir,
    office: Office,
    laptop: Option<PendingDevice<MemoryVault>>,
    request: Vec<u8>,
    fuse: Fuse,
    rng: ChaCha20Rng,
}

impl World {
    fn new(seed: u64, fuse: Fuse) -> Self {
        let mut rng = seeded(seed);
        let relays = [URL.to_owned()];
        let laptop = PendingDevice::create(MemoryVault::new(), &relays, None, &mut rng).unwrap();
        let request = laptop.request().0.to_vec();
        // What is shown is the order of writes, which needs no disk that is slow to confirm them.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.unwrap();
        Self { folder, office: Office::default(), laptop: Some(laptop), request, fuse, rng }
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The vault in a home, if something was ever written in it.
    fn vault(&mut self, name: &str) -> Counted {
        let home = self.home(name);
        if home.join(VAULT_FILE).exists() {
            return Counted::open(&home, &self.fuse);
        }
        Counted::create(&home, &self.fuse, &mut self.rng)
    }

    fn phone(&mut self) -> Result<Phone, PartyError> {
        let vault = self.vault("phone");
        if Holder::is_in(&vault)? {
            return Holder::open(vault);
        }
        let profile = Profile {
            name: "Amina Yusuf".to_owned(),
            device_name: "phone".to_owned(),
            relays: vec![URL.to_owned()],
            ..Profile::default()
        };
        Ok(Holder::create(vault, &profile, day(0), &mut self.rng)?.0)
    }

    fn practice(&mut self) -> Result<Organisation<Counted>, PartyError> {
        let vault = self.vault("practice");
        if Organisation::is_in(&vault)? {
            return Organisation::open(vault);
        }
        let profile = OrganisationProfile {
            name: "Elm Street Surgery".to_owned(),
            kind: OrganisationKind::Gp,
            ods: None,
            relays: vec![URL.to_owned()],
        };
        Organisation::create(vault, &profile, day(0), &mut self.rng)
    }

    fn sync(&mut self, party: &mut impl Party) -> Result<(), PartyError> {
        for _ in 0..8 {
            self.office.offer(party, day(1))?;
            let incoming = self.office.incoming(party.request_key().verification_key());
            party.receive(URL, incoming, day(1))?;
            if party.tidy(Pace::Quiet, day(1), &mut self.rng)?.made == 0 {
                return self.office.offer(party, day(1));
            }
        }
        panic!("a party never comes to rest");
    }

    /// Adds a medicine, unless it is there.
    fn once(&mut self, phone: &mut Phone, item: &str) -> Result<(), PartyError> {
        let there = phone.view(&section("medications"))?.to_json();
        if serde_json::to_string(&there).unwrap().contains(item) {
            return Ok(());
        }
        let fields = vec![code("item", item)];
        let section = section("medications");
        let entry = NewEntry { section, kind: "medication".to_owned(), fields };
        phone.add(&[entry], day(1), &mut self.rng).map(|_| ())
    }

    /// The whole story from wherever it stopped: what was done is seen to be done.
    fn go_on(&mut self) -> Result<(), PartyError> {
        let mut phone = self.phone()?;
        let mut practice = self.practice()?;
        self.once(&mut phone, "sertraline")?;
        let (id, card) = (practice.id(), practice.card().clone());
        if !phone.fold().contacts.contains_key(&id) {
            phone.add_contact(&card, true, day(1), &mut self.rng)?;
        }
        if phone.grants(day(1)).is_empty() {
            let sections = vec![section("medications"), section("allergies")];
            let (organisation, purpose) = (id, "care".to_owned());
            let (can, until, history) = (Right::Contribute, None, false);
            let (nhs_number, unverified) = (None, false);
            let share = Share {
                sections,
                organisation,
                can,
                until,
                purpose,
                history,
                nhs_number,
                unverified,
            };
            phone.share(&share, day(1), &mut self.rng)?;
        }
        self.sync(&mut phone)?;
        self.sync(&mut practice)?;
        if practice.view(phone.passport(), &section("allergies")).unwrap().entries.is_empty() {
            let (of, fields) = (phone.passport(), [code("agent", "latex")]);
            let to = section("allergies");
            practice.contribute(of, &to, "allergy", &fields, day(1), &mut self.rng)?;
        }
        self.sync(&mut practice)?;
        self.sync(&mut phone)?;
        self.laptop_comes_and_goes(&mut phone)?;
        if phone.grants(day(1)).iter().any(|g| g.state == GrantState::Active) {
            phone.revoke(id, &[], day(1), &mut self.rng)?;
        }
        self.once(&mut phone, "AFTERWARDS")?;
        self.sync(&mut phone)?;
        self.sync(&mut practice)
    }

    fn laptop_comes_and_goes(&mut self, phone: &mut Phone) -> Result<(), PartyError> {
        if phone.fold().devices.len() == 1 {
            phone.approve_device(&self.request, "laptop", day(1), &mut self.rng)?;
        }
        self.sync(phone)?;
        if let Some(laptop) = self.laptop.take() {
            let letters = self.office.incoming(laptop.request_key().verification_key());
            laptop.receive(letters).unwrap().expect("its letter came").accept().unwrap();
        }
        let other = |phone: &Phone| {
            let mut live = phone.fold().live_devices().map(|d| d.verified.key());
            live.find(|key| *key != phone.device())
        };
        if let Some(laptop) = other(phone) {
            phone.remove_device(laptop, day(1), &mut self.rng)?;
        }
        Ok(())
    }

    /// Everything was done once, nothing twice, and both sides agree.
    fn is_whole(&mut self) {
        let mut phone = self.phone().unwrap();
        let mut practice = self.practice().unwrap();
        for (name, count) in [("medications", 2), ("allergies", 1), ("identity", 1)] {
            let view = phone.view(&section(name)).unwrap();
            assert_eq!(view.entries.len(), count, "{name}");
            assert_eq!(phone.gaps(&section(name)).unwrap(), (0, 0), "{name}");
        }
        let grants = phone.grants(day(1));
        assert_eq!(grants.len(), 2);
        assert!(grants.iter().all(|g| g.state == GrantState::Revoked));
        assert_eq!(phone.fold().live_devices().count(), 1);
        assert_eq!(phone.fold().devices.len(), 2);
        assert_eq!(phone.fold().contacts.len(), 1);
        assert!(phone.quarantined().unwrap().is_empty());
        let seen = practice.view(phone.passport(), &section("medications")).map(|v| v.to_json());
        let seen = seen.map(|v| serde_json::to_string(&v).unwrap()).unwrap_or_default();
        assert!(!seen.contains("AFTERWARDS"));
        let sent = self.office.envelopes.len();
        self.sync(&mut phone).unwrap();
        self.sync(&mut practice).unwrap();
        assert_eq!(self.office.envelopes.len(), sent, "nothing was left to say");
    }
}

/// Runs the story with a fault at every write in turn, going on from what is on disk.
fn at_every_write(fault: Fault, said: VaultError) {
    let mut world = World::new(4800, Fuse::at(0, fault));
    world.go_on().unwrap();
    let writes = 0_u64.wrapping_sub(world.fuse.left.get());
    world.is_whole();
    println!("{writes} writes");
    assert!(writes > 20);
    for write in 1..=writes {
        println!("{fault:?} at write {write}");
        let mut world = World::new(4800, Fuse::at(write, fault));
        assert_eq!(world.go_on(), Err(PartyError::Vault(said)));
        world.go_on().unwrap();
        world.is_whole();
    }
}

#[test]
fn a48_killed_after_any_write_the_story_goes_on_from_what_is_on_disk() {
    at_every_write(Fault::Killed, KILLED);
}

#[test]
fn a50_a_disk_that_refuses_any_write_leaves_nothing_half_done() {
    at_every_write(Fault::Refused, DISK_FULL);
}
