//! The story: a student on phone and laptop, the practices at home and on campus, the university.

use std::collections::BTreeSet;

use passport_tests::spy::{Loot, Spy};
use passport_tests::stage::{corpus, entry, text};
use passport_tests::{Person, Stage};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::Value;

/// When everything happens.
const NOW: &str = "2026-09-20T09:00:00Z";

struct Cast {
    stage: Stage,
    phone: Person,
    laptop: Person,
    home: Person,
    campus: Person,
    university: Person,
}

/// What everybody knows before they part.
struct Known {
    sertraline: String,
    lithium: String,
    action: String,
}

impl Cast {
    fn new() -> Self {
        let stage = Stage::new(NOW);
        let home = stage.organisation("home", "Elm Street Surgery", "gp");
        let campus = stage.organisation("campus", "Campus Medical", "gp");
        let university = stage.organisation("university", "Dale University", "university");
        let phone = stage.student("phone", "Ada Example");
        let laptop = stage.join("laptop", &phone);
        for organisation in [&home, &campus, &university] {
            phone.meet(organisation);
        }
        Self { stage, phone, laptop, home, campus, university }
    }

    fn share(&self) {
        let contribute = ["--can", "contribute"];
        let both = ["medications", "allergies", "discharges", "plan"];
        self.phone.share(&both, &self.campus, &contribute);
        let also = ["medications", "allergies", "discharges", "discharge-notice", "plan"];
        self.phone.share(&also, &self.home, &contribute);
        self.phone.share(&["discharge-notice"], &self.university, &[]);
    }

    fn everybody(&self) -> [&Person; 5] {
        [&self.phone, &self.laptop, &self.home, &self.campus, &self.university]
    }

    /// Who shares which section.
    fn shared(&self) -> Vec<(&'static str, Vec<&Person>)> {
        let four = vec![&self.phone, &self.laptop, &self.home, &self.campus];
        let mut all: Vec<_> = ["medications", "allergies", "discharges", "plan"]
            .into_iter()
            .map(|section| (section, four.clone()))
            .collect();
        let noticed = vec![&self.phone, &self.laptop, &self.home, &self.university];
        all.push(("discharge-notice", noticed));
        all
    }

    /// Everybody who shares a section sees the same of it, and something.
    fn agree(&self, when: &str) {
        for (section, parties) in self.shared() {
            let digests: Vec<String> =
                parties.iter().map(|p| p.digest(&self.phone, section, 1)).collect();
            let equal = digests.iter().all(|d| Some(d) == digests.first());
            if !equal {
                for party in &parties {
                    println!("{}: {:#}", party.name, party.section(&self.phone, section));
                }
            }
            assert!(equal, "{when}, {section} differs: {digests:?}");
        }
    }
}

/// The three real files: one is taken, two name other people and are not.
fn import(cast: &Cast) {
    let phone = &cast.phone;
    let own = corpus("ktc-patient-shared/encounter-imp-hospitalization.json", "encounter.json");
    let taken = phone.json(&["import", &own.display().to_string()]);
    let sections: BTreeSet<_> = taken["entries"].as_array().unwrap().iter().map(section).collect();
    assert!(sections.contains("discharges"), "{taken:#}");
    let before = phone.json(&["show"]);
    for (number, (file, stead)) in [
        ("ips-connectathon/UK_NHSx_IPS_Example_01-modified.json", "ips-of-another.json"),
        ("nhsengland-scr-ips/SCRSummary.json", "scr-of-another.json"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = corpus(file, stead).display().to_string();
        let refused = phone.run(&["import", &file]);
        assert_eq!(refused.code, Some(1), "{file} names somebody else: {refused:#?}");
        assert_eq!(phone.json(&["show"]), before, "{file} changed something");
        // Whose it is can have it.
        let other = cast.stage.student(&format!("other-{number}"), "Somebody Else");
        let taken = other.json(&["import", "--same-person", &file]);
        assert!(!taken["entries"].as_array().unwrap().is_empty(), "{taken:#}");
    }
}

fn section(entry: &Value) -> &str {
    entry["section"].as_str().unwrap()
}

/// What is there before everybody goes offline.
fn prepare(cast: &Cast) -> Known {
    let Cast { phone, home, .. } = cast;
    let medicine = ["item=Sertraline", "dose=50 mg"];
    let sertraline = phone.record(phone, "medications", &medicine);
    let _ = phone.record(phone, "allergies", &["agent=Penicillin", "reaction=Rash"]);
    let action = phone.record(phone, "plan", &["action=Ring before exams", "who=Ada"]);
    phone.sync();
    home.sync();
    let lithium = home.record(phone, "medications", &["item=Lithium", "dose=400 mg"]);
    home.sync();
    for party in cast.everybody() {
        party.sync();
    }
    Known { sertraline, lithium, action }
}

/// What each does without hearing of the others.
fn apart(cast: &Cast, known: &Known) {
    let Cast { phone, laptop, home, campus, .. } = cast;
    phone.json(&["edit", &known.sertraline, "--set", "dose=75 mg", "--set", "timing=morning"]);
    laptop.json(&["edit", &known.sertraline, "--set", "route=by mouth", "--set", "timing=night"]);
    home.json(&["edit", &known.lithium, "--set", "dose=600 mg"]);
    campus.json(&["suggest", &phone.id, &known.lithium, "--set", "dose=200 mg"]);
    campus.json(&["annotate", &known.lithium, "Level taken on Monday"]);
    home.json(&["edit", &known.action, "--set", "who=Elm Street", "--set", "state=in-progress"]);
    campus.json(&["edit", &known.action, "--set", "who=Campus", "--set", "by_when=2026-10-01"]);
    let left = ["admitted=2026-09-10", "discharged_on=2026-09-18", "setting=mental-health"];
    let _ = home.record(phone, "discharges", &left);
}

/// Everybody exchanges in an order that nobody chose, some twice, Campus Medical by folder.
fn meet_again(cast: &Cast, rng: &mut ChaCha20Rng) {
    let folder = cast.stage.path("stick");
    std::fs::create_dir_all(&folder).unwrap();
    let folder = folder.display().to_string();
    for round in 0..3 {
        // The phone carries the folder's content to the relay and back.
        let carries = (&cast.phone, true);
        let mut turns: Vec<(&Person, bool)> =
            cast.everybody().into_iter().map(|p| (p, p.name == cast.campus.name)).collect();
        turns.push(carries);
        turns.push(turns[rng.next_u32() as usize % turns.len()]);
        turns.push(turns[rng.next_u32() as usize % turns.len()]);
        for i in (1..turns.len()).rev() {
            turns.swap(i, rng.next_u32() as usize % (i + 1));
        }
        for (party, by_folder) in turns {
            println!("round {round}: {} {}", party.cli.home().display(), by_folder);
            if by_folder {
                party.json(&["sync", "--via", &folder]);
            } else {
                party.sync();
            }
        }
    }
    // Whatever the order was, each has once heard of everything.
    cast.campus.json(&["sync", "--via", &folder]);
    cast.phone.json(&["sync", "--via", &folder]);
    for party in cast.everybody() {
        party.sync();
    }
}

/// Both values of a field that two set at once, each with who and when.
fn values(entry: &Value, field: &str) -> BTreeSet<String> {
    let conflicts = entry["conflicts"][field].as_array();
    let versions = conflicts.unwrap_or_else(|| panic!("no conflict of {field} in {entry:#}"));
    versions
        .iter()
        .map(|version| {
            assert!(!text(version, "/author/name").is_empty(), "{version:#}");
            assert!(text(version, "/at").starts_with("2026-09-20"), "{version:#}");
            text(version, "/value")
        })
        .collect()
}

fn texts(all: [&str; 2]) -> BTreeSet<String> {
    all.map(str::to_owned).into()
}

fn nothing_is_lost(cast: &Cast, known: &Known) {
    let Cast { phone, laptop, home, campus, .. } = cast;
    for party in [phone, laptop, home, campus] {
        let medicines = party.section(phone, "medications");
        let sertraline = entry(&medicines, &known.sertraline);
        assert_eq!(values(sertraline, "timing"), texts(["morning", "night"]));
        assert_eq!(text(sertraline, "/fields/dose/value"), "75 mg");
        assert_eq!(text(sertraline, "/fields/route/value"), "by mouth");
        let lithium = entry(&medicines, &known.lithium);
        assert_eq!(text(lithium, "/fields/dose/value"), "600 mg");
        assert_eq!(lithium["attested"], true, "{lithium:#}");
        assert_eq!(text(lithium, "/author/name"), home.name);
        let suggestion = &lithium["suggestions"][0];
        assert!(suggestion.to_string().contains("200 mg"), "{lithium:#}");
        assert!(suggestion.to_string().contains(&campus.name), "{lithium:#}");
        assert!(lithium["notes"].to_string().contains("Level taken"), "{lithium:#}");
        let plan = party.section(phone, "plan");
        let action = entry(&plan, &known.action);
        assert_eq!(values(action, "who"), texts(["Elm Street", "Campus"]));
        assert_eq!(text(action, "/fields/state/value"), "in-progress");
        assert_eq!(text(action, "/fields/by_when/value"), "2026-10-01");
    }
}

fn settle(cast: &Cast, known: &Known) {
    let Cast { phone, laptop, home, campus, .. } = cast;
    laptop.json(&["resolve", &known.sertraline, "timing", "--choose", "1"]);
    phone.json(&["resolve", &known.action, "who", "--value", "Both"]);
    phone.json(&["edit", &known.lithium, "--set", "dose=500 mg"]);
    for party in [laptop, phone, home, campus, laptop] {
        party.sync();
    }
    for party in [phone, laptop, home, campus] {
        let medicines = party.section(phone, "medications");
        let plan = party.section(phone, "plan");
        for entry in [entry(&medicines, &known.sertraline), entry(&plan, &known.action)] {
            assert_eq!(entry["conflicts"], serde_json::json!({}), "{entry:#}");
        }
        assert_eq!(text(entry(&plan, &known.action), "/fields/who/value"), "Both");
        let lithium = entry(&medicines, &known.lithium);
        assert_eq!(lithium["attested"], false, "the holder changed it: {lithium:#}");
        assert!(lithium["changed"].to_string().contains("dose"), "{lithium:#}");
    }
    assert_eq!(phone.json(&["conflicts"]), serde_json::json!([]));
}

fn the_university_learns_of_the_discharge_alone(cast: &Cast) {
    let Cast { stage, phone, home, university, .. } = cast;
    let check = university.json(&["discharges", "--since", "30d"]);
    let found = check["discharges"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{check:#}");
    assert_eq!(text(&found[0], "/student/name"), phone.name);
    assert!(text(&found[0], "/discharged_on").starts_with("2026-09-18"), "{check:#}");
    assert!(found[0].to_string().contains(&home.name), "the notice is signed: {check:#}");

    let loot = Loot::of(&stage.relay.database());
    let mut spy = Spy::default();
    spy.take(university.cli.home());
    spy.read_letters(&loot, university.cli.home());
    let opened = spy.open(&loot);
    println!("{} keys, {} envelopes, {} open", spy.keys(), loot.envelopes.len(), opened.len());
    assert!(!opened.is_empty(), "the university reads its notice");
    let channels: BTreeSet<_> = opened.iter().map(|e| e.header().channel).collect();
    assert_eq!(channels.len(), 1, "of one section only");
    for envelope in &opened {
        assert_eq!(spy.section(&envelope.header().epoch), Some("discharge-notice"));
    }
    let shown = phone.section(phone, "discharge-notice");
    let current = text(&shown, "/epoch");
    assert!(opened.iter().any(|e| e.header().epoch.to_string() == current), "the current one");
}

#[test]
fn what_was_written_apart_comes_together_and_the_university_sees_the_notice_alone() {
    let seed = std::env::var("PASSPORT_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(7);
    println!("PASSPORT_TEST_SEED={seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let cast = Cast::new();
    import(&cast);
    cast.share();
    let known = prepare(&cast);
    cast.agree("before they part");
    apart(&cast, &known);
    meet_again(&cast, &mut rng);
    cast.agree("when they have met again");
    nothing_is_lost(&cast, &known);
    the_university_learns_of_the_discharge_alone(&cast);
    settle(&cast, &known);
    cast.agree("when all is settled");
}
