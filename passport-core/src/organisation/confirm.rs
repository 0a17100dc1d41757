//! What an organisation confirms: that a stay ended in a discharge, and whose an NHS number is.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use serde::Serialize;

use super::Organisation;
use crate::author::Author;
use crate::codec;
use crate::discharge::{DISCHARGES, NOTICES, discharge_of, is_possible, notice_of};
use crate::id::{EntryId, PassportId, RemarkId};
use crate::nhs_number::NhsNumber;
use crate::party::{PartyError, section};
use crate::section::{SectionName, Value};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Where it is noted which NHS number was confirmed for a student.
const CONFIRMED: &[u8] = b"nhs number ";

/// An NHS number that this organisation confirmed, by its own note.
///
/// CBOR: `[number, at]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(array)]
pub struct ConfirmedNumber {
    /// The ten digits.
    #[n(0)]
    pub number: String,
    /// When.
    #[n(1)]
    pub at: Timestamp,
}

/// What became of a confirmation in the student's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberTold {
    /// The organisation's own entry that says it now.
    pub changed: Option<EntryId>,
    /// What was suggested for somebody else's entry.
    pub suggested: Vec<RemarkId>,
}

impl<V: Vault> Organisation<V> {
    /// Confirms that a stay ended in a discharge: records the discharge with its notice, or the
    /// notice alone where the student allows no more. The stay is no longer a possible discharge
    /// where it is its own entry; somebody else's is suggested to be none.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when the entry is no possible discharge whose last day is
    /// known, and [`PartyError::NoGrant`] without a consent to write either.
    pub fn confirm_discharge(
        &mut self,
        student: PassportId,
        stay: EntryId,
        setting: Option<&str>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<(SectionName, EntryId)>, PartyError> {
        let (care, entry) = self.find(student, stay)?;
        let fields = discharge_of(&entry, setting).ok_or(PartyError::NoEntry)?;
        let full = section(DISCHARGES)?;
        let added = if self.may_write(student, &full, now) {
            self.contribute(student, &full, "discharge", &fields, now, rng)?
        } else {
            let (notices, notice) = (section(NOTICES)?, notice_of(&fields));
            self.contribute(student, &notices, "notice", &notice, now, rng)?
        };
        let no = Some(Value::Boolean(false));
        if is_possible(&entry) && self.may_write(student, &care, now) {
            if entry.author == Author::Organisation(self.id()) {
                let settled = [("possible_discharge".to_owned(), no)];
                self.edit(student, stay, &settled, now, rng)?;
            } else {
                self.suggest(student, stay, "possible_discharge", no, now, rng)?;
            }
        }
        Ok(added)
    }

    /// Confirms a student's NHS number, which somebody has checked against the national register.
    /// It is noted here, and told in the student's record where the student allows that: in the
    /// organisation's own entry, or as suggestions for somebody else's.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] when the student never shared anything.
    pub fn confirm_nhs_number(
        &mut self,
        student: PassportId,
        number: &NhsNumber,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NumberTold, PartyError> {
        if !self.grants.values().any(|g| g.grant.passport == student) {
            return Err(PartyError::NoGrant);
        }
        let told = self.tell_number(student, number, now, rng)?;
        let confirmed = ConfirmedNumber { number: number.digits().to_owned(), at: now };
        let mut batch = Batch::new();
        batch.put(Table::Meta, key(student), codec::encode(&confirmed));
        self.journal.commit(batch)?;
        Ok(told)
    }

    /// The NHS number that this organisation confirmed for a student.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn confirmed_nhs_number(
        &self,
        student: PassportId,
    ) -> Result<Option<ConfirmedNumber>, PartyError> {
        let note = self.journal.vault().get(Table::Meta, &key(student))?;
        note.map(|n| codec::decode(&n, 64).map_err(|_| PartyError::Damaged)).transpose()
    }

    pub(super) fn forget_confirmed(batch: &mut Batch, student: PassportId) {
        batch.delete(Table::Meta, key(student));
    }

    fn tell_number(
        &mut self,
        student: PassportId,
        number: &NhsNumber,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NumberTold, PartyError> {
        let (identity, mut told) = (section("identity")?, NumberTold::default());
        if !self.may_write(student, &identity, now) {
            return Ok(told);
        }
        let view = self.view(student, &identity)?;
        let Some(person) = view.entries.into_iter().find(|e| e.kind == "person") else {
            return Ok(told);
        };
        let wanted = [
            ("nhs_number", Value::Text(number.to_string())),
            ("nhs_number_status", Value::Choice("verified".to_owned())),
            ("nhs_number_verified_by", Value::Text(self.card.name.clone())),
        ];
        let stands = |name: &str, value: &Value| {
            let present = person.fields.get(name).and_then(|f| f.settled()).map(|v| &v.value);
            let same_number = |v: &Value| {
                let text = if let Value::Text(text) = v { text.as_str() } else { "" };
                text.parse::<NhsNumber>().is_ok_and(|n| n == *number)
            };
            present == Some(value) || (name == "nhs_number" && present.is_some_and(same_number))
        };
        let missing = wanted.into_iter().filter(|(name, value)| !stands(name, value));
        let changes: Vec<(String, Option<Value>)> =
            missing.map(|(name, value)| (name.to_owned(), Some(value))).collect();
        if changes.is_empty() {
            return Ok(told);
        }
        if person.author == Author::Organisation(self.id()) {
            self.edit(student, person.id, &changes, now, rng)?;
            told.changed = Some(person.id);
            return Ok(told);
        }
        for (field, value) in changes {
            told.suggested.push(self.suggest(student, person.id, &field, value, now, rng)?);
        }
        Ok(told)
    }
}

fn key(student: PassportId) -> Vec<u8> {
    [CONFIRMED, student.as_bytes()].concat()
}
