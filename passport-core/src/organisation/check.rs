//! The discharge check: which students that share it were discharged lately, and what is due.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Organisation;
use crate::author::Author;
use crate::id::{EntryId, PassportId};
use crate::party::{PartyError, section};
use crate::replica::EntryNow;
use crate::section::{PartialDate, Value, display};
use crate::time::Timestamp;
use crate::vault::Vault;
use crate::view::View;

/// The answer of the check. It never says who does not share, and an empty one means only that
/// no entry was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DischargeCheck {
    /// When it was asked.
    pub as_of: Timestamp,
    /// How many students share notices or discharges with this organisation.
    pub students_sharing: usize,
    /// Who writes in what was looked at, and when each was last heard.
    pub sources: Vec<DischargeSource>,
    /// Discharges, the newest first.
    pub discharges: Vec<FoundDischarge>,
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
}

/// One discharge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundDischarge {
    /// The student.
    pub student: StudentName,
    /// The entry.
    pub entry: EntryId,
    /// The day.
    pub discharged_on: String,
    /// From where, if it was said.
    pub from: Option<String>,
    /// What kind of setting.
    pub setting: Option<String>,
    /// Why the student was there, where the student shares discharges in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// By when and with whom somebody should follow up.
    pub follow_up: Option<FollowUp>,
    /// What is known of the follow-up.
    pub state: String,
    /// The organisation that signed the entry as it stands.
    pub attested_by: Option<String>,
}

/// A follow-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowUp {
    /// By when.
    pub due: Option<String>,
    /// With whom.
    pub with: Option<String>,
    /// Whether the day has passed.
    pub overdue: bool,
}

/// A student, as the grant names them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct StudentName {
    /// The passport.
    pub id: PassportId,
    /// The name on the grant.
    pub name: String,
}

impl<V: Vault> Organisation<V> {
    /// The name under which a student shared.
    #[must_use]
    pub fn student_name(&self, student: PassportId) -> String {
        let of_student = self.grants.values().filter(|g| g.grant.passport == student);
        let latest = of_student.max_by_key(|g| (g.grant.from, g.grant.id));
        latest.map(|g| g.grant.holder_name.clone()).unwrap_or_default()
    }

    /// Looks for discharges on or after `since` among the students who share them now.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn discharges(
        &mut self,
        since: Timestamp,
        setting: Option<&str>,
        now: Timestamp,
    ) -> Result<DischargeCheck, PartyError> {
        let sections = [section("discharges")?, section("discharge-notice")?];
        let sharing: BTreeSet<PassportId> = self
            .grants
            .values()
            .filter(|g| sections.contains(&g.grant.section))
            .filter(|g| g.state(now) == super::HeldState::Active)
            .map(|g| g.grant.passport)
            .collect();
        let mut heard: BTreeMap<(StudentName, String), Timestamp> = BTreeMap::new();
        let mut found: Vec<FoundDischarge> = Vec::new();
        for id in &sharing {
            let student = StudentName { id: *id, name: self.student_name(*id) };
            // In full first: a notice of a discharge that is there in full says nothing more.
            for name in &sections {
                let view = match self.view(*id, name) {
                    Ok(view) => view,
                    Err(PartyError::NoGrant) => continue,
                    Err(error) => return Err(error),
                };
                for entry in &view.entries {
                    let source = (student.clone(), view.name(entry.author).to_owned());
                    let last = heard.entry(source).or_insert(entry.recorded_at);
                    *last = entry.recorded_at.max(*last);
                    let Some(discharge) = discharge(&student, &view, entry, now) else { continue };
                    let known = found
                        .iter()
                        .any(|f| f.student.id == *id && f.discharged_on == discharge.discharged_on);
                    let wanted = setting.is_none_or(|s| discharge.setting.as_deref() == Some(s));
                    if !known && wanted && is_since(&discharge.discharged_on, since) {
                        found.push(discharge);
                    }
                }
            }
        }
        found.sort_by(|a, b| {
            b.discharged_on.cmp(&a.discharged_on).then_with(|| a.student.cmp(&b.student))
        });
        let sources = heard.into_iter().map(|((student, organisation), last_heard)| {
            DischargeSource { student, organisation, last_heard }
        });
        Ok(DischargeCheck {
            as_of: now,
            students_sharing: sharing.len(),
            sources: sources.collect(),
            discharges: found,
        })
    }
}

fn discharge(
    student: &StudentName,
    view: &View,
    entry: &EntryNow,
    now: Timestamp,
) -> Option<FoundDischarge> {
    let value =
        |name: &str| entry.fields.get(name).and_then(|f| f.versions.last()).map(|v| &v.value);
    let words = |name: &str| value(name).map(display::display_value);
    let discharged_on = words("discharged_on")?;
    let due = match value("follow_up_due") {
        Some(Value::Date(date)) => Some(date.clone()),
        Some(_) | None => None,
    };
    // A day is over when the next one begins.
    let overdue =
        due.as_ref().and_then(PartialDate::earliest).is_some_and(|d| d.plus_days(1) <= now);
    let with = words("follow_up_with");
    let follow_up = (due.is_some() || with.is_some()).then(|| FollowUp {
        due: due.map(|d| d.to_string()),
        with,
        overdue,
    });
    let attested = entry.own_attestation().is_some() && entry.changed_since_signed().is_empty();
    let attested_by = match entry.author {
        Author::Organisation(_) if attested => Some(view.name(entry.author).to_owned()),
        Author::Organisation(_) | Author::Holder => None,
    };
    Some(FoundDischarge {
        student: student.clone(),
        entry: entry.id,
        discharged_on,
        from: words("from").or_else(|| words("hospital")),
        setting: words("setting"),
        reason: words("reason"),
        follow_up,
        state: words("state").unwrap_or_else(|| "unknown".to_owned()),
        attested_by,
    })
}

/// Whether a partial date may lie on or after a moment: of a month or year, its last day counts.
fn is_since(date: &str, since: Timestamp) -> bool {
    let since = since.date();
    let len = date.len().min(10);
    date.get(..len) >= since.get(..len)
}
