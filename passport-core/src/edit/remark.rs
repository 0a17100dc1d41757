//! Notes and suggestions.

use minicbor::{Decode, Encode};

use crate::attestation;
use crate::author::Author;
use crate::codec;
use crate::id::{EntryId, PassportId, RemarkId, VerificationKey};
use crate::keys::{Signature, VerifyError};
use crate::section::Value;
use crate::time::Timestamp;

/// A note or suggestion on an entry. It never changes; a suggestion is settled beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Remark {
    /// Its id: [`super::remark_id`] of signer and nonce.
    #[n(0)]
    pub id: RemarkId,
    /// The entry it is about.
    #[n(1)]
    pub entry: EntryId,
    /// Who says it.
    #[n(2)]
    pub author: Author,
    /// When, by the author's clock.
    #[n(3)]
    pub at: Timestamp,
    /// What it says.
    #[n(4)]
    pub content: RemarkContent,
    /// The organisation's signature; the holder's remarks have none.
    #[n(5)]
    pub proof: Option<RemarkProof>,
}

/// What a remark says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(flat)]
pub enum RemarkContent {
    /// A note.
    #[n(0)]
    Note(#[n(0)] String),
    /// Another value for a field; none suggests clearing it.
    #[n(1)]
    Suggestion {
        /// The field.
        #[n(0)]
        field: String,
        /// The value suggested.
        #[n(1)]
        value: Option<Value>,
    },
}

/// An instance's signature on a remark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct RemarkProof {
    /// The instance.
    #[n(0)]
    pub signer: VerificationKey,
    /// The nonce that makes the remark's id.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Its signature.
    #[n(2)]
    pub signature: Signature,
}

impl Remark {
    /// The bytes that an organisation signs.
    #[must_use]
    pub fn signed_content(author: Author, at: Timestamp, content: &RemarkContent) -> Vec<u8> {
        codec::encode(&(author, at, content))
    }

    /// Checks the signature of an organisation's remark: that `proof.signer` says this of this
    /// entry, and that the id is its own.
    ///
    /// # Errors
    /// Returns [`VerifyError`]; also when an organisation's remark has no proof, or the holder's
    /// has one.
    pub fn verify(&self, passport: PassportId) -> Result<(), VerifyError> {
        match (&self.author, &self.proof) {
            (Author::Holder, None) => Ok(()),
            (Author::Organisation(_), Some(proof)) => {
                if super::remark_id(&proof.signer, &proof.nonce) != self.id {
                    return Err(VerifyError::Signature);
                }
                attestation::verify_remark(
                    passport,
                    self.entry,
                    self.id,
                    &Self::signed_content(self.author, self.at, &self.content),
                    &proof.signer,
                    &proof.signature,
                )
            }
            (Author::Holder, Some(_)) | (Author::Organisation(_), None) => {
                Err(VerifyError::Signature)
            }
        }
    }
}
