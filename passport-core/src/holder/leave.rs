//! Leaving an organisation: nothing is shared any more, and it is asked to delete what it has.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Holder;
use crate::grant::{Grant, Withdrawal};
use crate::id::{GrantId, OrganisationId};
use crate::ledger::{FoldedGrant, StatementBody};
use crate::party::PartyError;
use crate::receipt::Access;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// What became of the request that an organisation delete everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// When it was asked.
    pub asked: Timestamp,
    /// The sections that it signed it has deleted, and when by its clock.
    pub deleted: BTreeMap<SectionName, Timestamp>,
    /// The sections that were ever shared with it and of which it has not said so.
    pub outstanding: BTreeSet<SectionName>,
}

impl<V: Vault> Holder<V> {
    /// Ends every consent of an organisation and asks it to delete all it was ever given. Asks
    /// again where there is nothing left to end. Returns the grants that ended.
    ///
    /// # Errors
    /// Returns [`PartyError::NoContact`]; [`PartyError::NoGrant`] when nothing was ever shared
    /// with it.
    pub fn leave(
        &mut self,
        organisation: OrganisationId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<GrantId>, PartyError> {
        let mut batch = Batch::new();
        let ended = self.leave_in(&mut batch, organisation, now, rng)?;
        self.journal.commit(batch)?;
        Ok(ended)
    }

    /// Leaves every organisation that anything was ever shared with.
    pub(super) fn leave_all(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let given = self.fold.grants.iter().map(|g| g.grant.organisation);
        let known = given.filter(|id| self.fold.contacts.contains_key(id));
        for organisation in known.collect::<BTreeSet<_>>() {
            self.leave_in(batch, organisation, now, rng)?;
        }
        Ok(())
    }

    fn leave_in(
        &mut self,
        batch: &mut Batch,
        organisation: OrganisationId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<GrantId>, PartyError> {
        if !self.fold.contacts.contains_key(&organisation) {
            return Err(PartyError::NoContact);
        }
        let ever: Vec<FoldedGrant> = self.given_to(organisation).cloned().collect();
        if ever.is_empty() {
            return Err(PartyError::NoGrant);
        }
        let in_force = ever.iter().filter(|g| g.revoked_at.is_none() && g.grant.covers(now));
        let ended: Vec<Grant> = in_force.map(|g| g.grant.clone()).collect();
        self.end(batch, organisation, &ended, now, rng)?;
        self.say(batch, StatementBody::DeletionAsked { organisation }, now, rng)?;
        let grants = ever.iter().map(|g| g.grant.id).collect();
        let withdrawal = Withdrawal { passport: self.passport, grants, at: now, delete: true };
        self.tell_withdrawn(batch, organisation, &withdrawal, rng)?;
        Ok(ended.iter().map(|g| g.id).collect())
    }

    /// Whether an organisation was asked to delete everything, nothing being shared with it
    /// since, and what it said.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn leaving(&self, organisation: OrganisationId) -> Result<Option<Leaving>, PartyError> {
        let Some(asked) = self.fold.deletions.get(&organisation).copied() else { return Ok(None) };
        let mut given: BTreeMap<SectionName, Timestamp> = BTreeMap::new();
        for grant in self.given_to(organisation).map(|g| &g.grant) {
            let last = given.entry(grant.section.clone()).or_insert(grant.from);
            *last = grant.from.max(*last);
        }
        if given.values().any(|from| *from > asked) {
            return Ok(None);
        }
        let mut deleted: BTreeMap<SectionName, Timestamp> = BTreeMap::new();
        // The newest first: the first word on a section is the last it said.
        for line in self.access_log(Some(organisation))? {
            let since = given.get(&line.section).is_some_and(|from| *from <= line.at);
            if line.what == Access::Deleted && since {
                deleted.entry(line.section).or_insert(line.at);
            }
        }
        let outstanding = given.into_keys().filter(|s| !deleted.contains_key(s)).collect();
        Ok(Some(Leaving { asked, deleted, outstanding }))
    }

    fn given_to(&self, organisation: OrganisationId) -> impl Iterator<Item = &FoldedGrant> {
        self.fold.grants.iter().filter(move |g| g.grant.organisation == organisation)
    }
}
