//! A student in memory and an organisation behind the real program, with what is sent between
//! them carried by hand.

use std::time::Duration;

use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, Profile, Share};
use passport_core::id::{EntryId, VerificationKey};
use passport_core::journal::{Incoming, IncomingItem, Position, Verdict, Verdicts};
use passport_core::keys::VerifiedCard;
use passport_core::organisation::Organisation;
use passport_core::party::{Pace, Party};
use passport_core::section::{Code, SectionName, Value};
use passport_core::time::Timestamp;
use passport_core::vault::{MemoryVault, SqliteVault};
use passport_tests::{Cli, Output};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const URL: &str = "https://relay.example";
const PASSPHRASE: &str = "correct horse battery staple";

/// The moment at which the stories play, unless they say otherwise.
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

pub(crate) fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

/// An organisation that only the program touches, and a student.
pub(crate) struct Story {
    _home: tempfile::TempDir,
    cli: Cli,
    pub(crate) student: Holder<MemoryVault>,
    pub(crate) rng: ChaCha20Rng,
    envelopes: Vec<Vec<u8>>,
    letters: Vec<(VerificationKey, Vec<u8>)>,
}

impl Story {
    /// Campus Medical Centre is set up, and Amina Yusuf has a passport.
    pub(crate) fn begin(seed: u64) -> Self {
        println!("seed {seed}");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (home, cli) = Cli::in_new_home();
        let cli = cli.env("PASSPORT_PASSPHRASE", PASSPHRASE);
        let init =
            ["org", "init", "--name", "Campus Medical Centre", "--kind", "gp", "--remote", URL];
        let _ = cli.run(&[&init[..], &["--now", NOW]].concat()).success();
        let profile = Profile {
            name: "Amina Yusuf".to_owned(),
            date_of_birth: Some("2006-03-14".parse().unwrap()),
            device_name: "phone".to_owned(),
            relays: vec![URL.to_owned()],
            ..Profile::default()
        };
        let (student, _) =
            Holder::create(MemoryVault::new(), &profile, at("2026-11-01T09:00:00Z"), &mut rng)
                .unwrap();
        Self { _home: home, cli, student, rng, envelopes: Vec::new(), letters: Vec::new() }
    }

    /// Runs `passport org …` as j.smith.
    pub(crate) fn org(&self, arguments: &[&str]) -> Output {
        self.org_at(NOW, arguments)
    }

    /// Runs `passport org …` as j.smith at a moment.
    pub(crate) fn org_at(&self, now: &str, arguments: &[&str]) -> Output {
        self.bare(&[&["org", "--actor", "j.smith", "--now", now], arguments].concat())
    }

    /// Runs the program in the organisation's home.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Output {
        self.cli.run(arguments)
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.cli.home()
    }

    /// The student shares sections until the end of the academic year.
    pub(crate) fn share(&mut self, sections: &[&str], can: Right) {
        let card = self.org(&["card", "-o", self.card_file().to_str().unwrap()]).success();
        drop(card);
        let text = std::fs::read_to_string(self.card_file()).unwrap();
        let card = VerifiedCard::from_text(&text).unwrap();
        let now = at("2026-11-02T09:00:00Z");
        self.student.add_contact(&card, true, now, &mut self.rng).unwrap();
        let share = Share {
            sections: sections.iter().map(|s| s.parse().unwrap()).collect(),
            organisation: card.id(),
            can,
            until: Some(at("2027-07-31T00:00:00Z")),
            purpose: "care while at university".to_owned(),
            history: false,
            nhs_number: None,
            unverified: false,
        };
        self.student.share(&share, now, &mut self.rng).unwrap();
        self.exchange();
    }

    fn card_file(&self) -> std::path::PathBuf {
        self.cli.home().join("campus.card")
    }

    /// The student notes a medicine.
    pub(crate) fn medicine(&mut self, item: &str, dose: &str) -> EntryId {
        let entry = NewEntry {
            section: "medications".parse().unwrap(),
            kind: "medication".to_owned(),
            fields: vec![
                ("item".to_owned(), Value::Code(Code::text(item))),
                ("dose".to_owned(), Value::Text(dose.to_owned())),
            ],
        };
        self.student.add(&[entry], at("2026-11-01T10:00:00Z"), &mut self.rng).unwrap()[0]
    }

    /// Carries everything to everybody.
    pub(crate) fn exchange(&mut self) {
        let vault = SqliteVault::open(self.cli.home(), PASSPHRASE, Duration::ZERO).unwrap();
        let mut practice = Organisation::open(vault).unwrap();
        for _ in 0..3 {
            exchange(&mut self.student, &mut self.envelopes, &mut self.letters, &mut self.rng);
            exchange(&mut practice, &mut self.envelopes, &mut self.letters, &mut self.rng);
        }
    }

    /// The student's own canonical JSON of a section.
    pub(crate) fn students_view(&mut self, section: &str) -> serde_json::Value {
        let section: SectionName = section.parse().unwrap();
        serde_json::to_value(self.student.view(&section).unwrap().to_json()).unwrap()
    }
}

fn exchange(
    party: &mut impl Party,
    envelopes: &mut Vec<Vec<u8>>,
    letters: &mut Vec<(VerificationKey, Vec<u8>)>,
    rng: &mut ChaCha20Rng,
) {
    let now = at(NOW);
    let relay = [1; 16];
    party.met(URL, relay, false).unwrap();
    let out = party.outgoing(URL, now).unwrap();
    envelopes.extend(out.envelopes.iter().map(|e| e.bytes.clone()));
    letters.extend(out.letters.iter().map(|l| (l.to, l.bytes.clone())));
    let verdicts = Verdicts {
        lists: vec![Verdict::Kept; out.lists.len()],
        envelopes: vec![Verdict::Kept; out.envelopes.len()],
        letters: vec![Verdict::Kept; out.letters.len()],
        drops: vec![Verdict::Kept; out.drops.len()],
    };
    party.settle_with(URL, &out, &verdicts, now).unwrap();
    let key = party.request_key().verification_key();
    let mine = letters.iter().filter(|(to, _)| *to == key);
    let items = mine
        .map(|(_, bytes)| IncomingItem::Letter(bytes.clone()))
        .chain(envelopes.iter().map(|e| IncomingItem::Envelope(e.clone())))
        .collect();
    party.receive(URL, Incoming { relay, position: Position::default(), items }, now).unwrap();
    party.tidy(Pace::Quiet, now, rng).unwrap();
}
