//! What an organisation signed, carried by an export so that it can be checked without a vault.
//!
//! A Provenance of an entry that an organisation attested has in its `signature.data` this as
//! CBOR: what the attestation is about, the attestation, and the card that names the signer's key.
//! Checking it asks three things: is the card whole, does the attestation verify under a key of
//! the card, and do the resources still read as the values that were signed.

use data_encoding::BASE64;
use minicbor::{Decode, Encode};
use serde_json::Value as Json;

use super::check::Index;
use super::import;
use super::json;
use crate::attestation::{Attestation, Subject};
use crate::codec;
use crate::id::{EntryId, OrganisationId, PassportId};
use crate::keys::{Card, Signed};
use crate::section::SectionName;
use crate::time::Timestamp;

/// The media type of a proof.
pub(super) const FORMAT: &str = "application/vnd.student-passport.attestation+cbor";
const VERSION: u8 = 1;
/// Longest proof, in bytes.
const LIMIT: usize = 128 * 1024;

/// An attestation with all that checking it needs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Proof {
    /// Format version: 1.
    #[n(0)]
    version: u8,
    /// The passport.
    #[n(1)]
    passport: PassportId,
    /// The entry.
    #[n(2)]
    entry: EntryId,
    /// Its section; not signed.
    #[n(3)]
    section: SectionName,
    /// Its kind.
    #[n(4)]
    kind: String,
    /// The attestation.
    #[n(5)]
    attestation: Attestation,
    /// The card of who attested.
    #[n(6)]
    card: Signed<Card>,
}

/// What a file's proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The entry.
    pub entry: EntryId,
    /// Its section.
    pub section: SectionName,
    /// Who signed, if the signature and the card hold.
    pub signer: Option<Signer>,
    /// When it was signed, by the signer's clock.
    pub signed_at: Timestamp,
    /// Fields that say what was signed.
    pub intact: Vec<String>,
    /// Fields that say something else now, or are gone.
    pub changed: Vec<String>,
    /// Fields that cannot be compared: their signed values were not passed on, or are originals,
    /// which an export writes over.
    pub unseen: Vec<String>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The organisation.
    pub id: OrganisationId,
    /// Its name, as its card says.
    pub name: String,
}

impl Verified {
    /// Whether all holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.signer.is_some() && self.changed.is_empty()
    }
}

impl Proof {
    /// A proof of an attested entry.
    #[must_use]
    pub const fn new(
        passport: PassportId,
        entry: EntryId,
        section: SectionName,
        kind: String,
        attestation: Attestation,
        card: Signed<Card>,
    ) -> Self {
        Self { version: VERSION, passport, entry, section, kind, attestation, card }
    }

    pub(super) const fn at(&self) -> Timestamp {
        self.attestation.at
    }

    pub(super) fn to_base64(&self) -> String {
        BASE64.encode(&codec::encode(self))
    }

    fn read(data: &str) -> Option<Self> {
        if data.len() > LIMIT / 3 * 4 {
            return None;
        }
        let bytes = BASE64.decode(data.as_bytes()).ok()?;
        codec::decode::<Self>(&bytes, LIMIT).ok().filter(|p| p.version == VERSION)
    }

    /// Who signed, if everything holds.
    fn signer(&self) -> Option<Signer> {
        let card = Card::verify(self.card.clone()).ok()?;
        let signs = card.instances().iter().any(|i| i.key() == self.attestation.signer);
        if card.id() != self.attestation.organisation || !signs {
            return None;
        }
        let subject = Subject { passport: self.passport, entry: self.entry, kind: &self.kind };
        self.attestation.verify(subject).ok()?;
        Some(Signer { id: card.id(), name: card.name.clone() })
    }

    /// Holds what was signed against what the resource says now.
    fn against(&self, resource: Option<&Json>) -> Verified {
        let read = resource.and_then(|r| import::read(r.to_string().as_bytes()).ok());
        let drafts = read.map(|r| r.drafts).unwrap_or_default();
        let covered = |draft: &import::Draft| {
            draft.fields.iter().filter(|(n, v)| self.attestation.covers(n, v)).count()
        };
        // Of a Patient's several parts it is the one that says most of what was signed.
        let draft = drafts
            .iter()
            .filter(|d| d.section == self.section && d.kind == self.kind)
            .max_by_key(|d| covered(d));
        let mut verified = Verified {
            entry: self.entry,
            section: self.section.clone(),
            signer: self.signer(),
            signed_at: self.attestation.at,
            intact: Vec::new(),
            changed: Vec::new(),
            unseen: Vec::new(),
        };
        for field in &self.attestation.fields {
            let name = field.name.clone();
            let says = draft.and_then(|d| d.fields.get(name.as_str()));
            if says.is_some_and(|v| self.attestation.covers(&name, v)) {
                verified.intact.push(name);
            } else if is_origin(&name) || (says.is_none() && field.salt.is_none()) {
                verified.unseen.push(name);
            } else {
                // A value whose signed one was withheld cannot be told from one that was changed.
                verified.changed.push(name);
            }
        }
        if self.attestation.whole
            && let Some(draft) = draft
        {
            let added = draft.fields.keys().filter(|n| self.attestation.field(n).is_none());
            verified.changed.extend(added.filter(|n| !is_origin(n)).map(|n| (*n).to_owned()));
        }
        verified
    }
}

/// Whether a field says where an entry came from, which an export writes over.
fn is_origin(field: &str) -> bool {
    matches!(field, "source" | "identifier")
}

/// What every proof in a file shows; a signature of ours that cannot be read is `None`.
///
/// # Errors
/// Returns [`import::ImportError`] when the file is not a FHIR Bundle in JSON.
pub fn verify(bytes: &[u8]) -> Result<Vec<Option<Verified>>, import::ImportError> {
    if bytes.len() > super::check::limits::FILE {
        return Err(import::ImportError::TooLarge { len: bytes.len() });
    }
    let text = core::str::from_utf8(bytes).map_err(|_| import::ImportError::NotUtf8)?;
    if json::tokens(text) > super::check::limits::TOKENS {
        return Err(import::ImportError::TooMany);
    }
    let bundle = json::parse(text)?;
    if json::text(&bundle, "resourceType") != Some("Bundle") {
        return Err(import::ImportError::NotFhir);
    }
    let index = Index::of(&bundle);
    let mut found = Vec::new();
    for entry in json::list(&bundle, "entry") {
        let Some(resource) = entry.get("resource") else { continue };
        if json::text(resource, "resourceType") != Some("Provenance") {
            continue;
        }
        let target = json::first(resource, "target").and_then(|t| json::text(t, "reference"));
        let target = target.and_then(|t| index.find(t));
        for signature in json::list(resource, "signature") {
            if json::text(signature, "sigFormat") != Some(FORMAT) {
                continue;
            }
            let proof = json::text(signature, "data").and_then(Proof::read);
            found.push(proof.map(|p| p.against(target)));
        }
    }
    Ok(found)
}
