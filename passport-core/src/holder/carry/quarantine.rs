//! What was put aside, and the holder's word on it.

use rand_core::CryptoRng;
use serde::Serialize;

use super::super::Holder;
use super::steps::{Fate, stands};
use crate::edit::Edit;
use crate::id::{EnvelopeId, EpochId};
use crate::ledger::StatementBody;
use crate::party::PartyError;
use crate::replica::{Node, Refusal, Replica};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// An envelope that was put aside, for the holder to see.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The envelope.
    pub envelope: EnvelopeId,
    /// The section.
    pub section: SectionName,
    /// Who signed it: the organisation's name, or what else is known.
    pub author: String,
    /// When it claims to have been written.
    pub at: Timestamp,
    /// Why it was put aside; none for a late envelope of a former writer.
    pub refusal: Option<Refusal>,
    /// What it holds.
    pub edits: Vec<HeldEdit>,
}

/// An edit that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldEdit {
    /// What kind of edit.
    pub what: &'static str,
    /// The field, where it is about one.
    pub field: Option<String>,
    /// The value or text, in words.
    pub value: Option<String>,
}

impl HeldEdit {
    fn all(node: &Node) -> Vec<Self> {
        let one = |edit: &Edit| {
            let (field, value) = crate::view::said(edit, &node.header.author);
            Self { what: edit.name(), field, value }
        };
        node.edits.iter().map(one).collect()
    }
}

impl<V: Vault> Holder<V> {
    /// What was put aside in all sections: refused envelopes, and late ones of former writers.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn quarantined(&mut self) -> Result<Vec<Quarantined>, PartyError> {
        let mut aside: Vec<(EpochId, EnvelopeId, Option<Refusal>)> = Vec::new();
        let judged = self.fold.judged.clone();
        let epochs: Vec<EpochId> = self.open_epochs().map(|e| e.charter.id()).collect();
        for epoch in epochs {
            let refused = self.replica(epoch)?.quarantined();
            let open = refused.filter(|(id, ..)| !judged.contains_key(*id));
            aside.extend(open.map(|(id, _, refusal)| (epoch, *id, Some(refusal))));
        }
        for section in self.sections() {
            let Some(current) = self.current(&section) else { continue };
            for (epoch, late) in self.late(&section, current)? {
                for id in late.into_iter().filter(|id| !judged.contains_key(id)) {
                    if self.may_carry(&section, epoch, &id, current)? {
                        continue;
                    }
                    // What stands already, as it went along with what came before, waits for nobody.
                    let steps = self.steps(&section, epoch, &id, &Fate::default())?;
                    if !stands(self.replica(current)?, &steps) {
                        aside.push((epoch, id, None));
                    }
                }
            }
        }
        let mut all = Vec::new();
        for (epoch, envelope, refusal) in aside {
            let replica = self.replica(epoch)?;
            let Some(node) = replica.node(&envelope) else { continue };
            all.push(Quarantined {
                envelope,
                section: replica.charter().section.clone(),
                author: author_name(replica, node),
                at: node.at,
                refusal,
                edits: HeldEdit::all(node),
            });
        }
        all.sort_by_key(|q| (q.at, q.envelope));
        Ok(all)
    }

    /// Decides about an envelope in quarantine: takes a late one over after all, or drops it.
    /// A refused one can only be dropped.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when it is not in quarantine, [`PartyError::Refused`] when
    /// it cannot be released.
    pub fn judge(
        &mut self,
        envelope: EnvelopeId,
        release: bool,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let aside = self.quarantined()?;
        let one = aside.iter().find(|q| q.envelope == envelope).ok_or(PartyError::NoEntry)?;
        if let (true, Some(refusal)) = (release, one.refusal) {
            return Err(PartyError::Refused(refusal));
        }
        let mut batch = Batch::new();
        let body = StatementBody::Judged { envelope, released: release };
        self.say(&mut batch, body, now, rng)?;
        if release {
            self.release(&mut batch, &one.section, &envelope, now, rng)?;
        }
        Ok(self.journal.commit(batch)?)
    }

    /// Takes over a late envelope of somebody who may no longer write. What they signed needs
    /// their card in the charter: where it is not, an epoch is founded that has it.
    fn release(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        envelope: &EnvelopeId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let current = self.current(section).ok_or(PartyError::NoEpoch)?;
        for (epoch, _) in self.older(section, current) {
            let replica = self.replica(epoch)?;
            let Some(node) = replica.node(envelope) else { continue };
            let charter = replica.charter();
            let organisation = charter.organisation_of(&node.header.author);
            let card = organisation.and_then(|o| Some((o, charter.card(&o)?.signed().clone())));
            if let Some((organisation, card)) = card
                && self.replica(current)?.charter().card(&organisation).is_none()
            {
                self.found_with(batch, section, &[card], now, rng)?;
            }
            self.carry(batch, section, (epoch, envelope), &Fate::default(), now, rng)?;
        }
        Ok(())
    }
}

fn author_name(replica: &Replica, node: &Node) -> String {
    let charter = replica.charter();
    let card = charter.organisation_of(&node.header.author).and_then(|o| charter.card(&o));
    let name = card.map(|card| card.name.clone());
    name.unwrap_or_else(|| "a device of the holder, or an unknown key".to_owned())
}
