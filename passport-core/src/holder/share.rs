//! Contacts and consent.

use std::collections::BTreeSet;

use rand_core::CryptoRng;
use serde::Serialize;

use super::Holder;
use crate::epoch::Right;
use crate::grant::{Grant, Withdrawal};
use crate::id::{GrantId, OrganisationId};
use crate::keys::{CardError, Signed, VerifiedCard};
use crate::ledger::{FoldedGrant, StatementBody};
use crate::letter::Letter;
use crate::party::PartyError;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// A consent to give.
#[derive(Clone, Debug)]
pub struct Share {
    /// Which sections.
    pub sections: Vec<SectionName>,
    /// To whom.
    pub organisation: OrganisationId,
    /// What they may do.
    pub can: Right,
    /// Until when.
    pub until: Option<Timestamp>,
    /// What for.
    pub purpose: String,
    /// Whether what was written before is shared too.
    pub history: bool,
    /// Whether to give the NHS number along.
    pub nhs_number: Option<String>,
    /// Whether the contact may be one whose phrase was never confirmed.
    pub unverified: bool,
}

/// Whether a consent is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// It is.
    Active,
    /// It has ended by itself.
    Expired,
    /// It was withdrawn.
    Revoked,
}

/// A consent as the holder sees it.
#[derive(Clone, Debug)]
pub struct GrantView {
    /// The consent.
    pub grant: Grant,
    /// The name on the organisation's card.
    pub contact: String,
    /// Whether it is in force.
    pub state: GrantState,
}

/// What a recipient would see: per section, how many entries.
pub type Consent = Vec<(SectionName, usize)>;

impl<V: Vault> Holder<V> {
    /// Adds an organisation to the contacts, or renews its card.
    ///
    /// # Errors
    /// Returns [`PartyError::Card`] when it names an installation of another contact as its own.
    pub fn add_contact(
        &mut self,
        card: &VerifiedCard,
        verified: bool,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if let Some(position) = self.fold.claimed_instance(card) {
            return Err(PartyError::Card(CardError::ForeignInstance { position }));
        }
        let body = StatementBody::ContactAdded { card: card.signed().clone(), verified };
        self.say_alone(body, now, rng)
    }

    /// Removes an organisation from the contacts. Its grants are not touched: revoke them first.
    ///
    /// # Errors
    /// Returns [`PartyError::NoContact`].
    pub fn remove_contact(
        &mut self,
        organisation: OrganisationId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if !self.fold.contacts.contains_key(&organisation) {
            return Err(PartyError::NoContact);
        }
        self.say_alone(StatementBody::ContactRemoved { organisation }, now, rng)
    }

    pub(super) fn say_alone(
        &mut self,
        body: StatementBody,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        self.say(&mut batch, body, now, rng)?;
        Ok(self.journal.commit(batch)?)
    }

    /// What a recipient of these sections would see today.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn preview(&mut self, sections: &[SectionName]) -> Result<Consent, PartyError> {
        sections
            .iter()
            .map(|section| {
                let entries = match self.view(section) {
                    Ok(view) => view.entries.len(),
                    Err(PartyError::NoEpoch) => 0,
                    Err(error) => return Err(error),
                };
                Ok((section.clone(), entries))
            })
            .collect()
    }

    /// Gives consent: for each section a grant, and a new epoch that begins with today's state.
    ///
    /// # Errors
    /// Returns [`PartyError`]; nothing is shared then.
    pub fn share(
        &mut self,
        share: &Share,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<GrantId>, PartyError> {
        let contact = self.fold.contacts.get(&share.organisation).ok_or(PartyError::NoContact)?;
        if !contact.verified && !share.unverified {
            return Err(PartyError::UnverifiedContact);
        }
        if share.sections.iter().any(|s| !s.spec().shareable) {
            return Err(PartyError::NotShareable);
        }
        if share.can == Right::Deposit {
            return Err(PartyError::NoDeposits);
        }
        if share.until.is_some_and(|until| until <= now) {
            return Err(PartyError::Ended);
        }
        let holder_name = self.name()?;
        let mut batch = Batch::new();
        let mut ids = Vec::with_capacity(share.sections.len());
        for section in &share.sections {
            let grant = Grant {
                version: Grant::VERSION,
                id: grant_id(rng),
                passport: self.passport,
                section: section.clone(),
                organisation: share.organisation,
                can: share.can,
                from: now,
                until: share.until,
                purpose: share.purpose.clone(),
                history: share.history,
                holder_name: holder_name.clone(),
                nhs_number: share.nhs_number.clone(),
            };
            ids.push(grant.id);
            self.give(&mut batch, &grant, now, rng)?;
        }
        self.journal.commit(batch)?;
        Ok(ids)
    }

    /// Says that a consent is given, and founds the epoch in which it counts.
    fn give(
        &mut self,
        batch: &mut Batch,
        grant: &Grant,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let signed = Signed::new(grant, &self.device);
        self.say(batch, StatementBody::Granted { grant: signed }, now, rng)?;
        self.found(batch, &grant.section, now, rng)?;
        Ok(())
    }

    /// Gives a consent anew, in force or ended by itself, with a later end and all else as it
    /// was. Returns the new one.
    ///
    /// # Errors
    /// Returns [`PartyError::UnknownGrant`]; [`PartyError::NoGrant`] when it was withdrawn;
    /// [`PartyError::NotLater`] when it does not end before then.
    pub fn extend(
        &mut self,
        id: GrantId,
        until: Timestamp,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<GrantId, PartyError> {
        let known = self.fold.grants.iter().find(|g| g.grant.id == id);
        let known = known.ok_or(PartyError::UnknownGrant)?;
        if known.revoked_at.is_some() {
            return Err(PartyError::NoGrant);
        }
        if until <= now {
            return Err(PartyError::Ended);
        }
        if known.grant.until.is_none_or(|before| until <= before) {
            return Err(PartyError::NotLater);
        }
        let id = grant_id(rng);
        let grant = Grant { id, from: now, until: Some(until), ..known.grant.clone() };
        let mut batch = Batch::new();
        self.give(&mut batch, &grant, now, rng)?;
        self.journal.commit(batch)?;
        Ok(id)
    }

    /// Withdraws an organisation's consents for sections (all of them if none is named), founds
    /// new epochs without it, and tells it so. Returns the grants that ended.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] when there was none in force.
    pub fn revoke(
        &mut self,
        organisation: OrganisationId,
        sections: &[SectionName],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<GrantId>, PartyError> {
        let concerns = |g: &&FoldedGrant| {
            g.grant.organisation == organisation
                && g.revoked_at.is_none()
                && g.grant.covers(now)
                && (sections.is_empty() || sections.contains(&g.grant.section))
        };
        let ended: Vec<Grant> =
            self.fold.grants.iter().filter(concerns).map(|g| g.grant.clone()).collect();
        if ended.is_empty() {
            return Err(PartyError::NoGrant);
        }
        let mut batch = Batch::new();
        self.end(&mut batch, organisation, &ended, now, rng)?;
        let ids: Vec<GrantId> = ended.iter().map(|g| g.id).collect();
        let (grants, passport) = (ids.clone(), self.passport);
        let withdrawal = Withdrawal { passport, grants, at: now, delete: false };
        self.tell_withdrawn(&mut batch, organisation, &withdrawal, rng)?;
        self.journal.commit(batch)?;
        Ok(ids)
    }

    /// Says that consents of an organisation end, and founds the epochs in which they have.
    pub(super) fn end(
        &mut self,
        batch: &mut Batch,
        organisation: OrganisationId,
        ended: &[Grant],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let concerned: BTreeSet<&SectionName> = ended.iter().map(|g| &g.section).collect();
        for section in &concerned {
            let body = StatementBody::Revoked { organisation, section: (*section).clone() };
            self.say(batch, body, now, rng)?;
        }
        self.found_all(batch, concerned, now, rng)
    }

    pub(super) fn tell_withdrawn(
        &mut self,
        batch: &mut Batch,
        organisation: OrganisationId,
        withdrawal: &Withdrawal,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let Some(contact) = self.fold.contacts.get(&organisation) else { return Ok(()) };
        let withdrawal = Signed::new(withdrawal, &self.device);
        let letter = Letter::Withdrawn { withdrawal, chain: self.chain.clone() };
        for instance in contact.card.clone().instances() {
            let sealed = letter.seal(&instance.key(), instance.receiving(), rng)?;
            self.journal.post(batch, instance.key(), sealed);
        }
        Ok(())
    }

    /// Every consent ever given, in the order given.
    #[must_use]
    pub fn grants(&self, now: Timestamp) -> Vec<GrantView> {
        let view = |g: &FoldedGrant| GrantView {
            grant: g.grant.clone(),
            contact: self.contact_name(&g.grant.organisation),
            state: match (g.revoked_at, g.grant.covers(now)) {
                (Some(_), _) => GrantState::Revoked,
                (None, true) => GrantState::Active,
                (None, false) => GrantState::Expired,
            },
        };
        self.fold.grants.iter().map(view).collect()
    }
}

fn grant_id(rng: &mut dyn CryptoRng) -> GrantId {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    GrantId::from_bytes(id)
}
