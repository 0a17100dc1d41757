//! What the holder is asked about discharges: a notice that one lacks, and stays that may have
//! ended in one.

use rand_core::CryptoRng;

use super::{Holder, NewEntry};
use crate::discharge::{DISCHARGES, NOTICES, discharge_of, is_possible, notice_of, settled};
use crate::edit::Edit;
use crate::id::EntryId;
use crate::party::{PartyError, section};
use crate::replica::EntryNow;
use crate::section::{SectionName, Value};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// What is asked of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A discharge has no notice: those who may not know why are told nothing of it.
    NoNotice,
    /// A stay that may have ended in a discharge.
    PossibleDischarge,
}

/// An entry of which something is asked.
#[derive(Clone, Debug)]
pub struct Unconfirmed {
    /// Its section.
    pub section: SectionName,
    /// The entry.
    pub entry: EntryNow,
    /// What is asked.
    pub doubt: Doubt,
}

impl<V: Vault> Holder<V> {
    /// Discharges that have no notice, and stays that may have ended in a discharge of which
    /// nothing is recorded.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn unconfirmed(&mut self) -> Result<Vec<Unconfirmed>, PartyError> {
        let discharges = self.entries_of(DISCHARGES)?;
        let notices = self.entries_of(NOTICES)?;
        let told: Vec<String> = notices.iter().filter_map(day).collect();
        let recorded: Vec<String> = discharges.iter().chain(&notices).filter_map(day).collect();
        let mut open = Vec::new();
        let without = |e: &EntryNow| day(e).is_some_and(|d| !told.contains(&d));
        for entry in discharges.into_iter().filter(without) {
            let doubt = Doubt::NoNotice;
            open.push(Unconfirmed { section: section(DISCHARGES)?, entry, doubt });
        }
        for entry in self.entries_of("care-history")?.into_iter().filter(is_possible) {
            let known = last_day(&entry).is_some_and(|d| recorded.contains(&d));
            if !known {
                let (section, doubt) = (section("care-history")?, Doubt::PossibleDischarge);
                open.push(Unconfirmed { section, entry, doubt });
            }
        }
        Ok(open)
    }

    /// What [`Holder::confirm`] would add for an entry: a notice for a discharge without one, or
    /// a discharge and its notice for a stay.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when nothing is asked of it, or its last day is not known.
    pub fn confirmation(
        &mut self,
        entry: EntryId,
        setting: Option<&str>,
    ) -> Result<Vec<NewEntry>, PartyError> {
        let asked = self.unconfirmed()?.into_iter().find(|u| u.entry.id == entry);
        let asked = asked.ok_or(PartyError::NoEntry)?;
        let new = |name: &str, kind: &str, fields| {
            Ok::<_, PartyError>(NewEntry { section: section(name)?, kind: kind.to_owned(), fields })
        };
        match asked.doubt {
            Doubt::NoNotice => {
                let fields: Vec<_> = settled(&asked.entry).into_iter().collect();
                Ok(vec![new(NOTICES, "notice", notice_of(&fields))?])
            }
            Doubt::PossibleDischarge => {
                let fields = discharge_of(&asked.entry, setting).ok_or(PartyError::NoEntry)?;
                let notice = new(NOTICES, "notice", notice_of(&fields))?;
                Ok(vec![new(DISCHARGES, "discharge", fields)?, notice])
            }
        }
    }

    /// Confirms an entry of which something is asked, or says that a stay ended in no discharge;
    /// returns what was added.
    ///
    /// # Errors
    /// As [`Holder::confirmation`].
    pub fn confirm(
        &mut self,
        entry: EntryId,
        was_discharge: Option<&[NewEntry]>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<EntryId>, PartyError> {
        let (at, present) = self.find(entry)?;
        let mut batch = Batch::new();
        let ids = self.write_entries(&mut batch, was_discharge.unwrap_or_default(), now, rng)?;
        if is_possible(&present) {
            let (field, value) = ("possible_discharge".to_owned(), Value::Boolean(false));
            let settled = Edit::Set { entry, field, value: Some(value) };
            self.write(&mut batch, &at, vec![settled], now, rng)?;
        }
        self.journal.commit(batch)?;
        Ok(ids)
    }

    fn entries_of(&mut self, name: &str) -> Result<Vec<EntryNow>, PartyError> {
        match self.view(&section(name)?) {
            Ok(view) => Ok(view.entries),
            Err(PartyError::NoEpoch) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The day of a discharge or notice, without the hour.
fn day(entry: &EntryNow) -> Option<String> {
    let day = &entry.fields.get("discharged_on")?.versions.last()?.value;
    if let Value::Date(date) = day { Some(without_hour(date.as_str())) } else { None }
}

/// The last day of a stay.
fn last_day(entry: &EntryNow) -> Option<String> {
    let Value::Period(period) = &entry.fields.get("period")?.settled()?.value else { return None };
    Some(without_hour(period.end.as_ref()?.as_str()))
}

fn without_hour(date: &str) -> String {
    date.get(..10).unwrap_or(date).to_owned()
}
