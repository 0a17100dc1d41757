//! Links that this device made for people without a passport program.
//!
//! They are kept on this device alone: a link is revoked with the key that made it.

use minicbor::{Decode, Encode};

use super::Holder;
use crate::codec;
use crate::id::ObjectId;
use crate::party::PartyError;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Largest kept link, in bytes.
const LINK_MAX: usize = 64 * 1024;

/// A link, as its maker remembers it. The key to its file is in nobody's hands but of those who
/// were given the link, and is not kept.
///
/// CBOR: `[id, relay: tstr, label: tstr, sections: [* tstr], made: int, until: int]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
#[expect(missing_debug_implementations, reason = "its label may name a person")]
pub struct KeptLink {
    /// Its id at the relay.
    #[n(0)]
    pub id: ObjectId,
    /// The relay's URL.
    #[n(1)]
    pub relay: String,
    /// What it is called.
    #[n(2)]
    pub label: String,
    /// What it shows.
    #[n(3)]
    pub sections: Vec<SectionName>,
    /// When it was made.
    #[n(4)]
    pub made: Timestamp,
    /// When it ends.
    #[n(5)]
    pub until: Timestamp,
}

impl<V: Vault> Holder<V> {
    /// Remembers a link.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be written.
    pub fn keep_link(&mut self, link: &KeptLink) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        batch.put(Table::Link, *link.id.as_bytes(), codec::encode(link));
        Ok(self.journal.commit(batch)?)
    }

    /// The links this device made, by when they were made.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn links(&self) -> Result<Vec<KeptLink>, PartyError> {
        let mut links = Vec::new();
        for (_, bytes) in self.journal.vault().scan(Table::Link)? {
            links.push(codec::decode(&bytes, LINK_MAX).map_err(|_| PartyError::Damaged)?);
        }
        links.sort_by_key(|link: &KeptLink| (link.made, link.id));
        Ok(links)
    }

    /// Forgets a link.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be written.
    pub fn forget_link(&mut self, id: &ObjectId) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        batch.delete(Table::Link, *id.as_bytes());
        Ok(self.journal.commit(batch)?)
    }
}
