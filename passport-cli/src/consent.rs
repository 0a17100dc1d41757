//! Consents as people and programs read them, and when they end by themselves.

use jiff::civil::date;
use jiff::tz::TimeZone;
use passport_core::epoch::Right;
use passport_core::holder::{GrantState, GrantView};
use passport_core::id::{GrantId, OrganisationId};
use passport_core::keys::OrganisationKind;
use passport_core::section::SectionName;
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::duration::{TooFarError, When};
use crate::error::CliError;
use crate::names::short;
use crate::passport::Passport;
use crate::table::table;

/// A consent, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct GrantLine {
    id: GrantId,
    contact: Party,
    section: SectionName,
    can: &'static str,
    from: Timestamp,
    until: Option<Timestamp>,
    purpose: String,
    state: GrantState,
    /// Of a consent in force: how many envelopes the recipient has not said it received.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_received: Option<usize>,
}

#[derive(Serialize)]
struct Party {
    id: OrganisationId,
    name: String,
}

impl GrantLine {
    /// The lines of consents, with what each recipient in force has not yet received.
    ///
    /// # Errors
    /// Returns an error when the vault is damaged.
    pub(crate) fn all(passport: &mut Passport, views: &[GrantView]) -> Result<Vec<Self>, CliError> {
        let mut lines: Vec<Self> = views.iter().map(Self::of).collect();
        for line in lines.iter_mut().filter(|l| l.state == GrantState::Active) {
            line.not_received = Some(passport.not_received(line.contact.id, &line.section)?);
        }
        Ok(lines)
    }

    /// The line of a consent.
    pub(crate) fn of(view: &GrantView) -> Self {
        let grant = &view.grant;
        Self {
            id: grant.id,
            contact: Party { id: grant.organisation, name: view.contact.clone() },
            section: grant.section.clone(),
            can: can(grant.can),
            from: grant.from,
            until: grant.until,
            purpose: grant.purpose.clone(),
            state: view.state,
            not_received: None,
        }
    }
}

/// The word for a right.
pub(crate) const fn can(right: Right) -> &'static str {
    match right {
        Right::Read => "read",
        Right::Contribute => "contribute",
        Right::Deposit => "deposit",
    }
}

/// Consents as a table.
pub(crate) fn words(grants: &[GrantLine]) -> String {
    if grants.is_empty() {
        return "Nothing is shared.\n".to_owned();
    }
    let row = |g: &GrantLine| {
        let state = match g.state {
            GrantState::Active if g.not_received.is_some_and(|n| n > 0) => {
                "active, not all received"
            }
            GrantState::Active => "active",
            GrantState::Expired => "ended",
            GrantState::Revoked => "revoked",
        };
        [
            short(&g.id.to_string()).to_owned(),
            g.contact.name.clone(),
            g.section.to_string(),
            g.can.to_owned(),
            g.until.map_or_else(|| "no end".to_owned(), Timestamp::date),
            g.purpose.clone(),
            state.to_owned(),
        ]
    };
    let rows: Vec<[String; 7]> = grants.iter().map(row).collect();
    table(["id", "contact", "section", "may", "until", "purpose", "state"], &rows)
}

/// When a consent ends if nobody says: at a university with the academic year, else after 12
/// months.
///
/// # Errors
/// Returns [`TooFarError`] at the end of the calendar.
pub(crate) fn default_end(
    kind: OrganisationKind,
    now: Timestamp,
) -> Result<Timestamp, TooFarError> {
    if kind == OrganisationKind::University {
        return academic_year_end(now).ok_or(TooFarError);
    }
    let year: When = "12 months".parse().map_err(|_| TooFarError)?;
    year.until(now)
}

/// The end of the next 31 July, in UTC; in the summer before it, of the year to come.
fn academic_year_end(now: Timestamp) -> Option<Timestamp> {
    let today = jiff::Timestamp::from_second(now.as_seconds()).ok()?.to_zoned(TimeZone::UTC).date();
    let summer = date(today.year(), 7, 1);
    let year = if today < summer { today.year() } else { today.year().checked_add(1)? };
    let end = date(year, 7, 31).at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok()?;
    Some(Timestamp::from_seconds(end.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consents_end_with_the_academic_year_or_after_twelve_months() {
        for (kind, now, end) in [
            (OrganisationKind::University, "2026-10-03T10:00:00Z", "2027-07-31T23:59:59Z"),
            (OrganisationKind::University, "2027-06-30T10:00:00Z", "2027-07-31T23:59:59Z"),
            (OrganisationKind::University, "2027-07-02T10:00:00Z", "2028-07-31T23:59:59Z"),
            (OrganisationKind::Gp, "2026-10-03T10:00:00Z", "2027-10-03T10:00:00Z"),
        ] {
            let until = default_end(kind, now.parse().unwrap()).unwrap();
            assert_eq!(until.to_string(), end);
        }
    }
}
