//! The discharge check and what is asked about discharges: who sees what, from an index that is
//! never older than what it was made from.

use passport_core::epoch::Right;
use passport_core::holder::{Doubt, NewEntry};
use passport_core::id::EntryId;
use passport_core::keys::OrganisationKind;
use passport_core::organisation::{Basis, DischargeCheck, Handled, Handling, Window};
use passport_core::section::{PartialDate, Period, Value};
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;

use crate::office::{
    Office, Practice, Student, code, day, practice, rng, section, share, student, text,
};

struct Campus {
    phone: Student,
    hospital: Practice,
    uni: Practice,
    office: Office,
    rng: ChaCha20Rng,
}

fn date(days: i64) -> PartialDate {
    PartialDate::day_of(day(days))
}

impl Campus {
    fn begin(seed: u64) -> Self {
        let mut rng = rng(seed);
        let (phone, _) = student(&mut rng);
        let hospital = practice("St Ann's", OrganisationKind::Hospital, &mut rng);
        let uni = practice("Northfield Wellbeing", OrganisationKind::University, &mut rng);
        Self { phone, hospital, uni, office: Office::default(), rng }
    }

    fn share(&mut self, uni: &[&str], hospital: &[&str]) {
        share(&mut self.phone, &self.uni, uni, Right::Contribute, None, day(0), &mut self.rng);
        let (to, can) = (&self.hospital, Right::Contribute);
        share(&mut self.phone, to, hospital, can, None, day(0), &mut self.rng);
        self.exchange(day(0));
    }

    fn exchange(&mut self, now: Timestamp) {
        for _ in 0..2 {
            self.office.sync(&mut self.phone, now, &mut self.rng);
            self.office.sync(&mut self.hospital, now, &mut self.rng);
            self.office.sync(&mut self.uni, now, &mut self.rng);
        }
    }

    fn discharged(&mut self, days: i64, setting: &str) -> usize {
        let fields = [
            ("discharged_on".to_owned(), Value::Date(date(days))),
            ("setting".to_owned(), Value::Choice(setting.to_owned())),
            code("reason", "overdose"),
        ];
        let (id, to) = (self.phone.passport(), section("discharges"));
        let now = day(days);
        let added =
            self.hospital.contribute(id, &to, "discharge", &fields, now, &mut self.rng).unwrap();
        self.exchange(now);
        added.len()
    }

    fn stay(&mut self, until: i64) -> EntryId {
        let period = Period { start: Some(date(until - 3)), end: Some(date(until)) };
        let stay = NewEntry {
            section: section("care-history"),
            kind: "encounter".to_owned(),
            fields: vec![
                ("class".to_owned(), Value::Choice("inpatient".to_owned())),
                ("period".to_owned(), Value::Period(period)),
                text("provider", "St Ann's"),
                ("possible_discharge".to_owned(), Value::Boolean(true)),
            ],
        };
        self.phone.add(&[stay], day(until), &mut self.rng).unwrap()[0]
    }

    fn check(&mut self, now: i64) -> DischargeCheck {
        self.uni.discharges(day(now - 30), None, day(now)).unwrap()
    }
}

#[test]
fn the_check_says_what_is_due_and_overdue_and_forgets_nothing_that_arrives() {
    let mut campus = Campus::begin(91);
    campus.share(&["discharge-notice"], &["discharges", "discharge-notice"]);
    assert!(campus.check(1).discharges.is_empty());
    assert_eq!(campus.discharged(2, "mental-health"), 2, "the notice goes along");
    let check = campus.check(3);
    assert_eq!(check.last_exchange, Some(day(2)));
    let found = &check.discharges[0];
    assert_eq!((found.window, found.state), (Window::Hours72, Handling::New));
    let follow_up = found.follow_up.as_ref().unwrap();
    assert_eq!(follow_up.due, Some(date(5).to_string()));
    assert_eq!((follow_up.basis, follow_up.overdue), (Basis::Hours72, false));
    assert_eq!(
        (check.sources[0].organisation.as_str(), check.sources[0].days_ago),
        ("St Ann's", 1)
    );
    let later = campus.check(7);
    assert_eq!(later.discharges[0].window, Window::Days7);
    assert!(later.discharges[0].follow_up.as_ref().unwrap().overdue);
    assert_eq!(later.sources[0].days_ago, 5);
    // A ward that is no mental-health ward has no such window unless somebody says so.
    campus.discharged(8, "acute");
    let both = campus.check(9);
    assert_eq!(both.discharges.len(), 2);
    assert_eq!(both.discharges[0].follow_up, None);
    // What was indexed is told again by an installation that is opened anew.
    assert_eq!(campus.check(9), both);
}

#[test]
fn a_withdrawn_section_is_told_no_more_though_it_stays_readable() {
    let mut campus = Campus::begin(92);
    campus.share(&["discharges", "discharge-notice"], &["discharges", "discharge-notice"]);
    campus.discharged(2, "acute");
    assert_eq!(campus.check(3).discharges[0].reason.as_deref(), Some("overdose"));
    let uni = campus.uni.id();
    campus.phone.revoke(uni, &[section("discharges")], day(3), &mut campus.rng).unwrap();
    campus.exchange(day(3));
    let check = campus.check(3);
    assert_eq!(check.discharges.len(), 1);
    assert_eq!((check.discharges[0].reason.as_deref(), check.students_sharing), (None, 1));
    assert_eq!(check.discharges[0].section.as_str(), "discharge-notice");
}

#[test]
fn a_follow_up_is_noted_here_and_told_in_the_plan_without_a_word_of_why() {
    let mut campus = Campus::begin(93);
    campus.share(&["discharge-notice", "plan"], &["discharges", "discharge-notice"]);
    campus.discharged(2, "mental-health");
    let on = campus.check(3).discharges[0].discharged_on.clone();
    let id = campus.phone.passport();
    let note = |state, at| Handled {
        state,
        at,
        by: "j.moore".to_owned(),
        note: Some("rang, well supported".to_owned()),
    };
    let seen = note(Handling::Seen, day(3));
    let told = campus.uni.follow_up(id, &on, &seen, true, &mut campus.rng).unwrap();
    assert_eq!((told, campus.check(7).discharges[0].state), (None, Handling::Seen));
    assert!(campus.check(7).discharges[0].follow_up.as_ref().unwrap().overdue);
    let done = note(Handling::FollowedUp, day(4));
    let told = campus.uni.follow_up(id, &on, &done, true, &mut campus.rng).unwrap();
    assert!(told.is_some());
    let found = &campus.check(7).discharges[0];
    assert!(!found.follow_up.as_ref().unwrap().overdue);
    assert_eq!(found.handled.as_ref(), Some(&done));
    campus.exchange(day(4));
    let plan = crate::office::shown(&campus.phone.view(&section("plan")).unwrap());
    assert!(plan.contains("Northfield Wellbeing"), "{plan}");
    assert!(!plan.contains("discharge") && !plan.contains("rang"), "{plan}");
    // A student who is forgotten leaves no note behind.
    campus.uni.forget(id, ("j.moore", "staff"), day(5), &mut campus.rng).unwrap();
    campus.share(&["discharge-notice"], &[]);
    campus.exchange(day(5));
    assert_eq!(campus.check(5).discharges[0].state, Handling::New);
}

#[test]
fn a_discharge_without_a_notice_and_a_possible_one_are_put_to_the_holder() {
    let mut campus = Campus::begin(94);
    campus.share(&["discharge-notice", "care-history"], &["discharges"]);
    assert_eq!(campus.discharged(2, "mental-health"), 1, "no right to write notices");
    let stay = campus.stay(5);
    campus.exchange(day(5));
    let check = campus.check(6);
    assert!(check.discharges.is_empty());
    assert_eq!(check.possible[0].ended_on, date(5).to_string());
    let open = campus.phone.unconfirmed().unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!((open[0].doubt, open[1].doubt), (Doubt::NoNotice, Doubt::PossibleDischarge));
    for (asked, entries) in [(open[0].entry.id, 1), (stay, 2)] {
        let new = campus.phone.confirmation(asked, Some("acute")).unwrap();
        let ids = campus.phone.confirm(asked, Some(&new), day(6), &mut campus.rng).unwrap();
        assert_eq!(ids.len(), entries);
    }
    assert!(campus.phone.unconfirmed().unwrap().is_empty());
    campus.exchange(day(6));
    let check = campus.check(6);
    assert_eq!((check.discharges.len(), check.possible.len()), (2, 0));
    assert!(check.discharges.iter().all(|d| d.reason.is_none()));
    // A stay that ended in none is asked about no more.
    let other = campus.stay(8);
    campus.phone.confirm(other, None, day(8), &mut campus.rng).unwrap();
    assert!(campus.phone.unconfirmed().unwrap().is_empty());
}

#[test]
fn an_organisation_confirms_a_stay_and_a_number() {
    let mut campus = Campus::begin(95);
    campus.share(
        &["discharge-notice", "care-history"],
        &["discharge-notice", "care-history", "identity"],
    );
    let stay = campus.stay(5);
    campus.exchange(day(5));
    let id = campus.phone.passport();
    let (now, setting) = (day(6), Some("acute"));
    let added = campus.hospital.confirm_discharge(id, stay, setting, now, &mut campus.rng).unwrap();
    assert_eq!(added.len(), 1, "the notice alone");
    let number = "943 476 5919".parse().unwrap();
    let told = campus.hospital.confirm_nhs_number(id, &number, now, &mut campus.rng).unwrap();
    assert_eq!((told.changed, told.suggested.len()), (None, 3));
    let confirmed = campus.hospital.confirmed_nhs_number(id).unwrap().unwrap();
    assert_eq!((confirmed.number.as_str(), confirmed.at), ("9434765919", now));
    assert!(campus.uni.confirmed_nhs_number(id).unwrap().is_none());
    campus.exchange(now);
    let check = campus.check(6);
    assert_eq!((check.discharges.len(), check.possible.len()), (1, 0));
    assert_eq!(check.discharges[0].attested_by.as_deref(), Some("St Ann's"));
    let care = campus.phone.view(&section("care-history")).unwrap();
    assert_eq!(care.open_suggestions().count(), 1);
}
