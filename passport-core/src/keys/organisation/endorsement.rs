//! One organisation's signed word about another: a registrar's countersignature, or the old
//! organisation's own word that a new one continues it.

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use minicbor::{Decode, Encode};

use super::{VERSION, VerifiedCard};
use crate::codec;
use crate::domain::{self, Domain};
use crate::id::OrganisationId;
use crate::keys::{Signable, Signed, SigningKey};
use crate::time::Timestamp;

const PREFIX: &str = "passport-endorsement:";
const TEXT_MAX: usize = 4096;

/// What is said of the other organisation. CBOR: an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum EndorsementKind {
    /// It is who its card says it is; the signer is a registrar.
    #[n(0)]
    Countersignature,
    /// It continues the signer.
    #[n(1)]
    Succession,
}

/// Signed by a card key about another organisation.
///
/// CBOR: `[version, organisation, kind, issued_at, expires / null]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Endorsement {
    #[n(0)]
    version: u8,
    /// The organisation it is about.
    #[n(1)]
    pub organisation: OrganisationId,
    /// What is said of it.
    #[n(2)]
    pub kind: EndorsementKind,
    /// When it was issued, by the signer's clock.
    #[n(3)]
    pub issued_at: Timestamp,
    /// From when on it no longer counts.
    #[n(4)]
    pub expires: Option<Timestamp>,
}

impl Signable for Endorsement {
    const DOMAIN: Domain = domain::ENDORSEMENT;
    const LIMIT: usize = 256;
}

/// The text is no endorsement, or one that does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an endorsement, or it was altered")]
pub struct ParseEndorsementError;

/// An endorsement whose signature holds. Whether its signer may say so is for the reader to know.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifiedEndorsement {
    by: OrganisationId,
    endorsement: Endorsement,
    signed: Signed<Endorsement>,
}

impl Endorsement {
    /// An endorsement of the current version.
    #[must_use]
    pub fn new(
        organisation: OrganisationId,
        kind: EndorsementKind,
        issued_at: Timestamp,
        expires: Option<Timestamp>,
    ) -> Self {
        Self { version: VERSION, organisation, kind, issued_at, expires }
    }

    /// Signs with the endorsing organisation's card key: text for a file or a message.
    #[must_use]
    pub fn sign(&self, card_key: &SigningKey) -> String {
        let bytes = codec::encode(&Signed::new(self, card_key));
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }
}

impl VerifiedEndorsement {
    /// Reads and checks an endorsement. White space anywhere is ignored.
    ///
    /// # Errors
    /// Returns [`ParseEndorsementError`] when it is malformed or does not verify.
    pub fn from_text(text: &str) -> Result<Self, ParseEndorsementError> {
        if text.len() > TEXT_MAX {
            return Err(ParseEndorsementError);
        }
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let body = compact.strip_prefix(PREFIX).ok_or(ParseEndorsementError)?;
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| ParseEndorsementError)?;
        let signed: Signed<Endorsement> =
            codec::decode(&bytes, TEXT_MAX).map_err(|_| ParseEndorsementError)?;
        let endorsement = signed.verify().map_err(|_| ParseEndorsementError)?;
        if endorsement.version != VERSION {
            return Err(ParseEndorsementError);
        }
        let by = OrganisationId::of_card_key(&endorsement.signer());
        Ok(Self { by, endorsement: endorsement.into_inner(), signed })
    }

    /// The organisation that signed it.
    #[must_use]
    pub fn by(&self) -> OrganisationId {
        self.by
    }

    /// What it says.
    #[must_use]
    pub fn endorsement(&self) -> &Endorsement {
        &self.endorsement
    }

    /// The endorsement as it was signed, to store or send.
    #[must_use]
    pub fn signed(&self) -> &Signed<Endorsement> {
        &self.signed
    }

    /// Whether `registrar` vouches for the card's organisation at this time.
    #[must_use]
    pub fn countersigns(
        &self,
        card: &VerifiedCard,
        registrar: &OrganisationId,
        now: Timestamp,
    ) -> bool {
        self.endorsement.kind == EndorsementKind::Countersignature
            && self.by == *registrar
            && self.by != card.id()
            && self.holds(card, now)
    }

    /// Whether both sides say that the card's organisation continues the signer: the old one
    /// here, the new one on its card.
    #[must_use]
    pub fn proves_succession(&self, card: &VerifiedCard, now: Timestamp) -> bool {
        self.endorsement.kind == EndorsementKind::Succession
            && card.succeeds == Some(self.by)
            && self.by != card.id()
            && self.holds(card, now)
    }

    fn holds(&self, card: &VerifiedCard, now: Timestamp) -> bool {
        self.endorsement.organisation == card.id()
            && self.endorsement.expires.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for VerifiedEndorsement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedEndorsement({:?} by {:?})", self.endorsement.kind, self.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Card, OrganisationKind};

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn id(n: u8) -> OrganisationId {
        OrganisationId::of_card_key(&key(n).verification_key())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn card(n: u8, succeeds: Option<OrganisationId>) -> VerifiedCard {
        let kind = OrganisationKind::Gp;
        let mut card = Card::new(key(n).verification_key(), "Elm".into(), kind, at(0));
        card.succeeds = succeeds;
        card.sign(&key(n)).unwrap()
    }

    fn endorse(by: u8, of: u8, kind: EndorsementKind) -> VerifiedEndorsement {
        let text = Endorsement::new(id(of), kind, at(0), Some(at(50))).sign(&key(by));
        VerifiedEndorsement::from_text(&text).unwrap()
    }

    #[test]
    fn a_countersignature_is_one_registrars_word_on_one_card_until_its_end() {
        let word = endorse(9, 1, EndorsementKind::Countersignature);
        assert!(word.countersigns(&card(1, None), &id(9), at(49)));
        assert!(!word.countersigns(&card(1, None), &id(9), at(50)));
        assert!(!word.countersigns(&card(1, None), &id(8), at(1)));
        assert!(!word.countersigns(&card(2, None), &id(9), at(1)));
        assert!(!word.proves_succession(&card(1, Some(id(9))), at(1)));
        let own = endorse(1, 1, EndorsementKind::Countersignature);
        assert!(!own.countersigns(&card(1, None), &id(1), at(1)));
    }

    #[test]
    fn succession_needs_the_word_of_both() {
        let word = endorse(1, 2, EndorsementKind::Succession);
        assert!(word.proves_succession(&card(2, Some(id(1))), at(1)));
        assert!(!word.proves_succession(&card(2, None), at(1)));
        assert!(!word.proves_succession(&card(3, Some(id(1))), at(1)));
        let usurper = endorse(2, 2, EndorsementKind::Succession);
        assert!(!usurper.proves_succession(&card(2, Some(id(1))), at(1)));
        assert!(!word.countersigns(&card(2, None), &id(1), at(1)));
    }

    #[test]
    fn altered_or_cut_text_is_refused() {
        let text = Endorsement::new(id(1), EndorsementKind::Succession, at(0), None).sign(&key(2));
        assert!(VerifiedEndorsement::from_text(&format!(" {text}\n")).is_ok());
        for at in 0..text.len() {
            assert!(VerifiedEndorsement::from_text(&text[..at]).is_err(), "cut at {at}");
            let mut bad = text.clone().into_bytes();
            bad[at] = if bad[at] == b'A' { b'B' } else { b'A' };
            let bad = String::from_utf8(bad).unwrap();
            assert!(VerifiedEndorsement::from_text(&bad).is_err(), "altered at {at}");
        }
    }
}
