//! The organisation's own note of what became of a discharge: nobody else sees it.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use serde::Serialize;

use super::super::Organisation;
use crate::codec;
use crate::id::{EntryId, PassportId};
use crate::party::{PartyError, section};
use crate::section::{PartialDate, Value};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Where the notes are: by student and day, as an entry and its notice are one discharge.
const HANDLED: &[u8] = b"handled ";
/// Longest note, in bytes as kept.
const NOTE: usize = 16 * 1024;

/// How far the organisation has got with a discharge.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Handling {
    /// Nobody here has said anything.
    #[default]
    #[n(0)]
    New,
    /// Somebody here knows.
    #[n(1)]
    Seen,
    /// Somebody here has been in touch with the student.
    #[n(2)]
    FollowedUp,
}

/// The note.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(array)]
pub struct Handled {
    /// How far.
    #[n(0)]
    pub state: Handling,
    /// When it was noted.
    #[n(1)]
    pub at: Timestamp,
    /// By whom of the staff.
    #[n(2)]
    pub by: String,
    /// What they wrote.
    #[n(3)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl<V: Vault> Organisation<V> {
    /// Notes how far the organisation has got with the discharge of a day. With `in_plan`, and
    /// where the student allows it to write in the plan, a follow-up that took place is told
    /// there too, without the note and without a word of a discharge, as not everybody who reads
    /// the plan may know of it. Returns that entry.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn follow_up(
        &mut self,
        student: PassportId,
        day: &str,
        handled: &Handled,
        in_plan: bool,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<EntryId>, PartyError> {
        let mut batch = Batch::new();
        batch.put(Table::Meta, key(student, day), codec::encode(handled));
        let (plan, now) = (section("plan")?, handled.at);
        let tells = in_plan && handled.state == Handling::FollowedUp;
        let mut told = None;
        if tells && self.may_write(student, &plan, now) {
            let fields = [
                ("action".to_owned(), Value::Prose("Get in touch with the student".to_owned())),
                ("who".to_owned(), Value::Text(self.card.name.clone())),
                ("state".to_owned(), Value::Choice("done".to_owned())),
                ("reviewed".to_owned(), Value::Date(PartialDate::day_of(now))),
            ];
            let entry = self.add_signed(&mut batch, student, &plan, "action", &fields, now, rng)?;
            told = Some(entry);
        }
        self.journal.commit(batch)?;
        Ok(told)
    }

    pub(super) fn handled(
        &self,
        student: PassportId,
        day: &str,
    ) -> Result<Option<Handled>, PartyError> {
        let note = self.journal.vault().get(Table::Meta, &key(student, day))?;
        note.map(|n| codec::decode(&n, NOTE).map_err(|_| PartyError::Damaged)).transpose()
    }

    /// Adds to a batch that the notes on a student's discharges are deleted.
    pub(in crate::organisation) fn forget_handled(
        &self,
        batch: &mut Batch,
        student: PassportId,
    ) -> Result<(), PartyError> {
        let of_student = key(student, "");
        for (name, _) in self.journal.vault().scan(Table::Meta)? {
            if name.starts_with(&of_student) {
                batch.delete(Table::Meta, name);
            }
        }
        Ok(())
    }
}

/// The day alone, as a notice says no hour.
fn key(student: PassportId, day: &str) -> Vec<u8> {
    let day = day.get(..10).unwrap_or(day);
    [HANDLED, student.as_bytes(), day.as_bytes()].concat()
}
