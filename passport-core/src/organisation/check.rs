//! The discharge check: which students that share it were discharged lately, and what is due.

mod handled;
mod index;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{HeldState, Organisation};
use crate::discharge::{DISCHARGES, NOTICES};
use crate::id::{EntryId, GrantId, PassportId};
use crate::party::PartyError;
use crate::section::{PartialDate, SectionName};
use crate::time::Timestamp;
use crate::vault::Vault;

pub use handled::{Handled, Handling};
use index::{Line, Row};

/// Within how many days somebody should have seen a student who left a mental-health ward: 72
/// hours (NHS Standard Contract, Schedule 4A, since April 2020).
const FIRST_DAYS: i64 = 3;
/// The older window, of 7 days, which NHS trusts still keep for rehabilitation wards.
const SECOND_DAYS: i64 = 7;

/// The answer of the check. It never says who does not share, and an empty one means only that
/// no entry was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DischargeCheck {
    /// When it was asked.
    pub as_of: Timestamp,
    /// When a relay last confirmed what is here: nothing later can be known.
    pub last_exchange: Option<Timestamp>,
    /// How many students share notices or discharges with this organisation.
    pub students_sharing: usize,
    /// Who writes in what was looked at, and when each was last heard.
    pub sources: Vec<DischargeSource>,
    /// Discharges, the newest first.
    pub discharges: Vec<FoundDischarge>,
    /// Stays that may have ended in a discharge, the newest first, until somebody confirms it.
    pub possible: Vec<PossibleDischarge>,
}

/// Who writes a student's notices, and when they last did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DischargeSource {
    /// The student.
    pub student: StudentName,
    /// The name on the writer's card, or `Holder`.
    pub organisation: String,
    /// When it last wrote, by its own clock.
    pub last_heard: Timestamp,
    /// Whole days since then.
    pub days_ago: i64,
}

/// One discharge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundDischarge {
    /// The student.
    pub student: StudentName,
    /// The entry.
    pub entry: EntryId,
    /// The section it is in.
    pub section: SectionName,
    /// The day.
    pub discharged_on: String,
    /// From where, if it was said.
    pub from: Option<String>,
    /// What kind of setting.
    pub setting: Option<String>,
    /// Why the student was there, where the student shares discharges in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long ago it was.
    pub window: Window,
    /// By when and with whom somebody should follow up.
    pub follow_up: Option<FollowUp>,
    /// How far this organisation has got with it.
    pub state: Handling,
    /// Its own note of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handled: Option<Handled>,
    /// The organisation that signed the entry as it stands.
    pub attested_by: Option<String>,
    /// Fields that have several values, of which the last is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contested: Vec<String>,
}

/// How long ago a discharge was, in the windows in which somebody should see the student.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// Up to 72 hours.
    #[serde(rename = "72-hours")]
    Hours72,
    /// Up to 7 days.
    #[serde(rename = "7-days")]
    Days7,
    /// Longer, or the day is not known.
    Earlier,
}

/// A follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// By when.
    pub due: Option<String>,
    /// Where that comes from.
    pub basis: Basis,
    /// With whom.
    pub with: Option<String>,
    /// What the notice says became of it.
    pub said: Option<String>,
    /// Whether the day has passed, and nobody has said that it took place.
    pub overdue: bool,
}

/// Where the day of a follow-up comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Whoever wrote the entry says so.
    Stated,
    /// Nobody said; it is 72 hours after leaving a mental-health ward.
    #[serde(rename = "72-hours")]
    Hours72,
    /// There is no day.
    None,
}

/// A stay that may have ended in a discharge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PossibleDischarge {
    /// The student.
    pub student: StudentName,
    /// The entry in the contacts with services.
    pub entry: EntryId,
    /// The day the stay ended.
    pub ended_on: String,
    /// Where, if it was said.
    pub from: Option<String>,
}

/// A student, as the grant names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StudentName {
    /// The passport.
    pub id: PassportId,
    /// The name on the grant.
    pub name: String,
}

/// A student and the sections they share now.
#[derive(Default)]
struct Sharing {
    name: String,
    named_by: Option<(Timestamp, GrantId)>,
    sections: BTreeSet<SectionName>,
}

impl<V: Vault> Organisation<V> {
    /// The name under which a student shared.
    #[must_use]
    pub fn student_name(&self, student: PassportId) -> String {
        let of_student = self.grants.values().filter(|g| g.grant.passport == student);
        let latest = of_student.max_by_key(|g| (g.grant.from, g.grant.id));
        latest.map(|g| g.grant.holder_name.clone()).unwrap_or_default()
    }

    /// Looks for discharges on or after `since` among the students who share them now. It reads
    /// an index in the vault, and makes anew what that lacks.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn discharges(
        &mut self,
        since: Timestamp,
        setting: Option<&str>,
        now: Timestamp,
    ) -> Result<DischargeCheck, PartyError> {
        let sharing = self.sharing(now);
        let rows = self.rows(sharing.keys().copied())?;
        let mut check = DischargeCheck {
            as_of: now,
            last_exchange: self.last_exchange()?,
            students_sharing: sharing.len(),
            sources: Vec::new(),
            discharges: Vec::new(),
            possible: Vec::new(),
        };
        for (id, row) in &rows {
            let Some(shared) = sharing.get(id) else { continue };
            let student = StudentName { id: *id, name: shared.name.clone() };
            check.add(&student, shared, row);
        }
        check.discharges.retain(|d| {
            let wanted = setting.is_none_or(|s| d.setting.as_deref() == Some(s));
            wanted && is_since(&d.discharged_on, since)
        });
        check.possible.retain(|p| setting.is_none() && is_since(&p.ended_on, since));
        for found in &mut check.discharges {
            found.handled = self.handled(found.student.id, &found.discharged_on)?;
            found.state = found.handled.as_ref().map(|h| h.state).unwrap_or_default();
            found.settle(now);
        }
        check.discharges.sort_by(|a, b| {
            b.discharged_on.cmp(&a.discharged_on).then_with(|| a.student.cmp(&b.student))
        });
        check
            .possible
            .sort_by(|a, b| b.ended_on.cmp(&a.ended_on).then_with(|| a.student.cmp(&b.student)));
        check
            .sources
            .sort_by(|a, b| (&a.student, &a.organisation).cmp(&(&b.student, &b.organisation)));
        Ok(check)
    }

    /// Students who share notices or discharges now, and which sections they share.
    fn sharing(&self, now: Timestamp) -> BTreeMap<PassportId, Sharing> {
        let mut sharing: BTreeMap<PassportId, Sharing> = BTreeMap::new();
        for held in self.grants.values() {
            let grant = &held.grant;
            let shared = sharing.entry(grant.passport).or_default();
            let named_by = Some((grant.from, grant.id));
            if named_by > shared.named_by {
                shared.named_by = named_by;
                shared.name.clone_from(&grant.holder_name);
            }
            if held.state(now) == HeldState::Active {
                shared.sections.insert(grant.section.clone());
            }
        }
        let counts = |s: &SectionName| [DISCHARGES, NOTICES].contains(&s.as_str());
        sharing.retain(|_, shared| shared.sections.iter().any(counts));
        sharing
    }

    /// When a relay of its card last confirmed what is here.
    fn last_exchange(&self) -> Result<Option<Timestamp>, PartyError> {
        let mut last = None;
        for url in &self.card.relays {
            last = last.max(self.journal.remote(url)?.last_confirmed);
        }
        Ok(last)
    }
}

impl DischargeCheck {
    /// Adds what a student shares.
    fn add(&mut self, student: &StudentName, shared: &Sharing, row: &Row) {
        let mut heard: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for one in row.heard.iter().filter(|h| shared.sections.contains(&h.section)) {
            let last = heard.entry(&one.organisation).or_insert(one.at);
            *last = one.at.max(*last);
        }
        let as_of = self.as_of.as_seconds();
        let days_ago = |at: Timestamp| (as_of - at.as_seconds()).max(0) / crate::time::DAY_SECONDS;
        self.sources.extend(heard.into_iter().map(|(organisation, last_heard)| DischargeSource {
            student: student.clone(),
            organisation: organisation.to_owned(),
            last_heard,
            days_ago: days_ago(last_heard),
        }));
        let first = self.discharges.len();
        for line in row.lines.iter().filter(|l| shared.sections.contains(&l.section)) {
            let known = self.discharges.iter_mut().skip(first);
            let known = known.into_iter().find(|d| same_day(&d.discharged_on, &line.day));
            match known {
                // The notice of a discharge that is there in full.
                Some(known) if !line.is_possible() => known.complete(line),
                Some(_) => {}
                None if line.is_possible() => self.possible.push(PossibleDischarge {
                    student: student.clone(),
                    entry: line.entry,
                    ended_on: line.day.clone(),
                    from: line.from.clone(),
                }),
                None => self.discharges.push(FoundDischarge::of(student, line)),
            }
        }
    }
}

impl FoundDischarge {
    fn of(student: &StudentName, line: &Line) -> Self {
        let follow_up = FollowUp {
            due: line.due.as_ref().map(ToString::to_string),
            basis: if line.due.is_some() { Basis::Stated } else { Basis::None },
            with: line.with.clone(),
            said: line.said.clone(),
            overdue: false,
        };
        Self {
            student: student.clone(),
            entry: line.entry,
            section: line.section.clone(),
            discharged_on: line.day.clone(),
            from: line.from.clone(),
            setting: line.setting.clone(),
            reason: line.reason.clone(),
            window: Window::Earlier,
            follow_up: Some(follow_up),
            state: Handling::New,
            handled: None,
            attested_by: line.attested_by.clone(),
            contested: line.contested.clone(),
        }
    }

    /// Takes from its notice what the discharge itself does not say.
    fn complete(&mut self, notice: &Line) {
        let Some(follow_up) = &mut self.follow_up else { return };
        if follow_up.due.is_none() && notice.due.is_some() {
            follow_up.due = notice.due.as_ref().map(ToString::to_string);
            follow_up.basis = Basis::Stated;
        }
        follow_up.with = follow_up.with.take().or_else(|| notice.with.clone());
        follow_up.said = follow_up.said.take().or_else(|| notice.said.clone());
        self.from = self.from.take().or_else(|| notice.from.clone());
        self.setting = self.setting.take().or_else(|| notice.setting.clone());
    }

    /// Works out what depends on the present: the window, and what is due and overdue.
    fn settle(&mut self, now: Timestamp) {
        self.window = Window::of(&self.discharged_on, now);
        let Some(follow_up) = &mut self.follow_up else { return };
        let unneeded = follow_up.said.as_deref() == Some("no-follow-up-needed");
        if follow_up.due.is_none()
            && !unneeded
            && self.setting.as_deref() == Some("mental-health")
            && let Some(last) = last_day(&self.discharged_on, FIRST_DAYS)
        {
            follow_up.due = Some(last.date());
            follow_up.basis = Basis::Hours72;
        }
        let done = unneeded
            || follow_up.said.as_deref() == Some("followed-up")
            || self.state == Handling::FollowedUp;
        let due = follow_up.due.as_ref().and_then(|d| d.parse::<PartialDate>().ok()?.earliest());
        // A day is over when the next one begins.
        follow_up.overdue = !done && due.is_some_and(|d| d.plus_days(1) <= now);
        let says = |f: &FollowUp| {
            f.due.is_some() || f.with.is_some() || f.said.as_deref().is_some_and(|s| s != "unknown")
        };
        if !says(follow_up) {
            self.follow_up = None;
        }
    }
}

impl Window {
    fn of(day: &str, now: Timestamp) -> Self {
        match last_day(day, FIRST_DAYS).zip(last_day(day, SECOND_DAYS)) {
            Some((first, _)) if now < first.plus_days(1) => Self::Hours72,
            Some((_, second)) if now < second.plus_days(1) => Self::Days7,
            _ => Self::Earlier,
        }
    }

    /// The day on which it closes for a discharge; none where that day is not known.
    #[must_use]
    pub fn closes(self, discharged_on: &str) -> Option<String> {
        let days = match self {
            Self::Hours72 => FIRST_DAYS,
            Self::Days7 => SECOND_DAYS,
            Self::Earlier => return None,
        };
        last_day(discharged_on, days).map(Timestamp::date)
    }
}

/// The day so many days after a day that is known in full.
fn last_day(day: &str, days: i64) -> Option<Timestamp> {
    let day: PartialDate = day.get(..10)?.parse().ok()?;
    Some(day.earliest()?.plus_days(days))
}

/// Whether two partial dates name one day; the hour, where there is one, does not count.
fn same_day(a: &str, b: &str) -> bool {
    a.get(..10).unwrap_or(a) == b.get(..10).unwrap_or(b)
}

/// Whether a partial date may lie on or after a moment: of a month or year, its last day counts.
fn is_since(date: &str, since: Timestamp) -> bool {
    let since = since.date();
    let len = date.len().min(10);
    date.get(..len) >= since.get(..len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_discharge_stands_in_its_window() {
        let on = |day: &str| Window::of(day, "2026-11-22T10:00:00Z".parse().unwrap());
        assert!(on("2026-11-22") == Window::Hours72 && on("2026-11-19") == Window::Hours72);
        assert!(on("2026-11-18") == Window::Days7 && on("2026-11-15") == Window::Days7);
        assert!(on("2026-11-14") == Window::Earlier && on("2026-11") == Window::Earlier);
        assert_eq!(Window::Hours72.closes("2026-11-20").as_deref(), Some("2026-11-23"));
    }
}
