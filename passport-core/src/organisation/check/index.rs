//! What the check needs of each student, kept so that asking it opens no section.
//!
//! A row is there as long as it holds: every batch that changes what a student's sections show
//! takes the row out, and the next check makes it anew.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::super::Organisation;
use crate::author::Author;
use crate::codec;
use crate::discharge::{DISCHARGES, NOTICES};
use crate::id::{EntryId, PassportId};
use crate::party::{PartyError, section};
use crate::replica::EntryNow;
use crate::section::{PartialDate, SectionName, Value, display};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};
use crate::view::View;

/// Where stays are that may have ended in a discharge.
const CARE: &str = "care-history";
/// Longest row, in bytes: thousands of entries.
const ROW: usize = 4 * 1024 * 1024;

/// What the check needs of one student.
///
/// CBOR: `[heard, lines]`.
#[derive(Clone, Default, Encode, Decode)]
#[cbor(array)]
pub(super) struct Row {
    /// Who wrote notices and discharges, and when last.
    #[n(0)]
    pub(super) heard: Vec<Heard>,
    /// Discharges, notices and possible discharges.
    #[n(1)]
    pub(super) lines: Vec<Line>,
}

/// Who wrote in a section, and when last.
#[derive(Clone, Encode, Decode)]
#[cbor(array)]
pub(super) struct Heard {
    #[n(0)]
    pub(super) section: SectionName,
    #[n(1)]
    pub(super) organisation: String,
    #[n(2)]
    pub(super) at: Timestamp,
}

/// One entry. The days are as they were written; a possible discharge's is the end of the stay.
#[derive(Clone, Encode, Decode)]
#[cbor(array)]
pub(super) struct Line {
    #[n(0)]
    pub(super) section: SectionName,
    #[n(1)]
    pub(super) entry: EntryId,
    #[n(2)]
    pub(super) day: String,
    #[n(3)]
    pub(super) from: Option<String>,
    #[n(4)]
    pub(super) setting: Option<String>,
    #[n(5)]
    pub(super) reason: Option<String>,
    #[n(6)]
    pub(super) due: Option<PartialDate>,
    #[n(7)]
    pub(super) with: Option<String>,
    #[n(8)]
    pub(super) said: Option<String>,
    #[n(9)]
    pub(super) attested_by: Option<String>,
    #[n(10)]
    pub(super) contested: Vec<String>,
}

impl Line {
    /// Whether it is of a stay of which nobody said that it ended in a discharge.
    pub(super) fn is_possible(&self) -> bool {
        self.section.as_str() == CARE
    }
}

impl<V: Vault> Organisation<V> {
    /// The rows of these students, made where there is none.
    pub(super) fn rows(
        &mut self,
        students: impl Iterator<Item = PassportId>,
    ) -> Result<BTreeMap<PassportId, Row>, PartyError> {
        let mut kept: BTreeMap<PassportId, Row> = BTreeMap::new();
        for (key, value) in self.journal.vault().scan(Table::Index)? {
            let student = PassportId::from_slice(&key).map_err(|_| PartyError::Damaged)?;
            // What another version wrote is made anew.
            if let Ok(row) = codec::decode::<Row>(&value, ROW) {
                kept.insert(student, row);
            }
        }
        let mut rows = BTreeMap::new();
        let mut batch = Batch::new();
        // Thousands of sections are not held in memory for it.
        let replicas = core::mem::take(&mut self.replicas);
        for student in students {
            let row = if let Some(row) = kept.remove(&student) {
                row
            } else {
                let row = self.row(student)?;
                self.replicas.clear();
                batch.put(Table::Index, *student.as_bytes(), codec::encode(&row));
                row
            };
            rows.insert(student, row);
        }
        self.replicas = replicas;
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(rows)
    }

    /// Adds to a batch that what the index says of a student no longer holds.
    pub(in crate::organisation) fn outdate(batch: &mut Batch, student: PassportId) {
        batch.delete(Table::Index, *student.as_bytes());
    }

    fn row(&mut self, student: PassportId) -> Result<Row, PartyError> {
        let mut row = Row::default();
        // In full first: a notice of a discharge that is there in full only adds to it.
        for name in [DISCHARGES, NOTICES, CARE] {
            let view = match self.view(student, &section(name)?) {
                Ok(view) => view,
                Err(PartyError::NoGrant) => continue,
                Err(error) => return Err(error),
            };
            row.add(&view);
        }
        Ok(row)
    }
}

impl Row {
    fn add(&mut self, view: &View) {
        let possible = view.section.as_str() == CARE;
        let mut heard: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for entry in &view.entries {
            let last = heard.entry(view.name(entry.author)).or_insert(entry.recorded_at);
            *last = entry.recorded_at.max(*last);
            self.lines.extend(if possible { stay(view, entry) } else { line(view, entry) });
        }
        if possible {
            return;
        }
        let of = |(organisation, at): (&str, Timestamp)| Heard {
            section: view.section.clone(),
            organisation: organisation.to_owned(),
            at,
        };
        self.heard.extend(heard.into_iter().map(of));
    }
}

/// Of several values that were set apart, the last; that there are several is said.
fn value<'a>(entry: &'a EntryNow, name: &str) -> Option<&'a Value> {
    entry.fields.get(name).and_then(|f| f.versions.last()).map(|v| &v.value)
}

fn words(entry: &EntryNow, name: &str) -> Option<String> {
    value(entry, name).map(display::display_value)
}

fn choice(entry: &EntryNow, name: &str) -> Option<String> {
    if let Value::Choice(choice) = value(entry, name)? { Some(choice.clone()) } else { None }
}

fn blank(view: &View, entry: &EntryNow, day: String) -> Line {
    let attested = entry.own_attestation().is_some() && entry.changed_since_signed().is_empty();
    let attested_by = match entry.author {
        Author::Organisation(_) if attested => Some(view.name(entry.author).to_owned()),
        Author::Organisation(_) | Author::Holder => None,
    };
    let contested = entry.fields.iter().filter(|(_, f)| f.settled().is_none());
    Line {
        section: view.section.clone(),
        entry: entry.id,
        day,
        from: None,
        setting: None,
        reason: None,
        due: None,
        with: None,
        said: None,
        attested_by,
        contested: contested.map(|(name, _)| name.clone()).collect(),
    }
}

/// A discharge or a notice.
fn line(view: &View, entry: &EntryNow) -> Option<Line> {
    let due = match value(entry, "follow_up_due") {
        Some(Value::Date(date)) => Some(date.clone()),
        Some(_) | None => None,
    };
    let day = words(entry, "discharged_on")?;
    Some(Line {
        from: words(entry, "from").or_else(|| words(entry, "hospital")),
        setting: choice(entry, "setting"),
        reason: words(entry, "reason"),
        due,
        with: words(entry, "follow_up_with"),
        said: choice(entry, "state"),
        ..blank(view, entry, day)
    })
}

/// A stay that may have ended in a discharge.
fn stay(view: &View, entry: &EntryNow) -> Option<Line> {
    let possible = value(entry, "possible_discharge") == Some(&Value::Boolean(true));
    let ended = match value(entry, "period") {
        Some(Value::Period(period)) => period.end.as_ref(),
        Some(_) | None => None,
    };
    let day = ended.filter(|_| possible)?.as_str().to_owned();
    Some(Line { from: words(entry, "provider"), ..blank(view, entry, day) })
}
