//! The card itself: its fields, their limits, and its form as text.

use core::{fmt, ops::Deref};

use data_encoding::BASE64URL_NOPAD;
use minicbor::{Decode, Encode};

use super::{InstanceCertificate, OrganisationKind, VERSION, VerifiedInstance};
use crate::codec::{self, DecodeError};
use crate::domain::{self, Domain};
use crate::id::{OrganisationId, VerificationKey};
use crate::keys::{Signable, Signed, SigningKey, VerifyError};
use crate::time::Timestamp;

const NAME_CHARS: usize = 120;
const ODS_CHARS: usize = 12;
const RELAYS: usize = 8;
const RELAY_CHARS: usize = 256;
const TEXT_CHARS: usize = 1000;
const INSTANCES: usize = 16;
const PREFIX: &str = "passport-card:";

/// What an organisation says of itself, signed by its card key.
///
/// CBOR: an array of the fields in order, version first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Card {
    #[n(0)]
    version: u8,
    /// The card key.
    #[n(1)]
    pub key: VerificationKey,
    /// Its name for people, 1 to 120 characters.
    #[n(2)]
    pub name: String,
    /// What kind of organisation it is.
    #[n(3)]
    pub kind: OrganisationKind,
    /// Its code in the NHS Organisation Data Service, up to 12 capitals and digits.
    #[n(4)]
    pub ods: Option<String>,
    /// Its installations, at most 16.
    #[n(5)]
    pub instances: Vec<Signed<InstanceCertificate>>,
    /// Where its mailboxes are: at most 8 URLs of at most 256 characters.
    #[n(6)]
    pub relays: Vec<String>,
    /// How to reach and refer to it, up to 1,000 characters.
    #[n(7)]
    pub contact: Option<String>,
    /// What it offers, up to 1,000 characters.
    #[n(8)]
    pub services: Option<String>,
    /// Counts this organisation's cards: the highest is the current one.
    #[n(9)]
    pub serial: u32,
    /// When it was issued, by the organisation's clock.
    #[n(10)]
    pub issued_at: Timestamp,
    /// The organisation it claims to continue. A claim: the other's own word is needed too.
    #[n(11)]
    pub succeeds: Option<OrganisationId>,
}

impl Signable for Card {
    const DOMAIN: Domain = domain::CARD;
    const LIMIT: usize = 64 * 1024;
}

/// A part of a card that people read or that software follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardText {
    /// The name.
    Name,
    /// The ODS code.
    Ods,
    /// A relay's URL.
    Relay,
    /// How to reach it.
    Contact,
    /// What it offers.
    Services,
}

impl fmt::Display for CardText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "name",
            Self::Ods => "ODS code",
            Self::Relay => "relay",
            Self::Contact => "contact",
            Self::Services => "services",
        })
    }
}

/// Why a card was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The card is altered, or not signed by the key it names.
    #[error("the card does not verify")]
    Signature(#[source] VerifyError),
    /// An instance certificate is altered, or not signed by the card key.
    #[error("instance certificate {position} of the card does not verify")]
    Instance {
        /// Which certificate, counted from 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: VerifyError,
    },
    /// An instance certificate is for another organisation, or names a key twice.
    #[error("instance certificate {position} of the card does not belong on it")]
    ForeignInstance {
        /// Which certificate, counted from 1.
        position: usize,
    },
    /// A text is empty, too long, of the wrong form or holds invisible control characters.
    #[error("the card's {part} is not acceptable")]
    Text {
        /// Which one.
        part: CardText,
    },
    /// More instances or relays than a card may list.
    #[error("the card lists too many instances or relays")]
    TooMany,
    /// The card is of a version this software does not know.
    #[error("the card needs newer software")]
    UnknownVersion,
}

impl Card {
    /// A first card with nothing optional on it.
    #[must_use]
    pub fn new(
        key: VerificationKey,
        name: String,
        kind: OrganisationKind,
        issued_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            key,
            name,
            kind,
            ods: None,
            instances: Vec::new(),
            relays: Vec::new(),
            contact: None,
            services: None,
            serial: 1,
            issued_at,
            succeeds: None,
        }
    }

    /// The organisation the card describes.
    #[must_use]
    pub fn id(&self) -> OrganisationId {
        OrganisationId::of_card_key(&self.key)
    }

    /// Signs the card and checks that everybody else will accept it.
    ///
    /// # Errors
    /// Returns [`CardError`] as [`Card::verify`] does.
    pub fn sign(&self, key: &SigningKey) -> Result<VerifiedCard, CardError> {
        Self::verify(Signed::new(self, key))
    }

    /// Checks signature, texts and every instance certificate of a card.
    ///
    /// This proves that the key's owner wrote it, not who that is: see
    /// [`crate::keys::verification_phrase`].
    ///
    /// # Errors
    /// Returns [`CardError`] when anything on the card does not hold.
    pub fn verify(signed: Signed<Self>) -> Result<VerifiedCard, CardError> {
        let card = signed.verify().map_err(CardError::Signature)?;
        if card.version != VERSION {
            return Err(CardError::UnknownVersion);
        }
        if card.signer() != card.key {
            return Err(CardError::Signature(VerifyError::UnexpectedSigner));
        }
        card.check_texts()?;
        let instances = card.check_instances()?;
        Ok(VerifiedCard { id: card.id(), card: card.into_inner(), instances, signed })
    }

    fn check_texts(&self) -> Result<(), CardError> {
        let check = |part, good: bool| if good { Ok(()) } else { Err(CardError::Text { part }) };
        check(CardText::Name, line(&self.name, NAME_CHARS))?;
        check(CardText::Ods, self.ods.as_deref().is_none_or(ods_code))?;
        if self.relays.len() > RELAYS {
            return Err(CardError::TooMany);
        }
        check(CardText::Relay, self.relays.iter().all(|url| relay_url(url)))?;
        check(CardText::Contact, self.contact.as_deref().is_none_or(paragraph))?;
        check(CardText::Services, self.services.as_deref().is_none_or(paragraph))
    }

    fn check_instances(&self) -> Result<Vec<VerifiedInstance>, CardError> {
        if self.instances.len() > INSTANCES {
            return Err(CardError::TooMany);
        }
        let id = self.id();
        let mut instances: Vec<VerifiedInstance> = Vec::with_capacity(self.instances.len());
        for (at, signed) in self.instances.iter().enumerate() {
            let position = at + 1;
            let certificate = signed
                .verify_by(&self.key)
                .map_err(|source| CardError::Instance { position, source })?;
            if certificate.version != VERSION {
                return Err(CardError::UnknownVersion);
            }
            let known = instances.iter().any(|other| other.key == certificate.instance);
            if certificate.organisation != id || known {
                return Err(CardError::ForeignInstance { position });
            }
            instances.push(VerifiedInstance {
                key: certificate.instance,
                certificate: certificate.payload_hash(),
                receiving: certificate.into_inner().receiving,
            });
        }
        Ok(instances)
    }
}

/// One line of visible text, neither blank nor padded.
fn line(text: &str, chars_max: usize) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= chars_max
        && !text.chars().any(is_deceptive)
}

/// Up to 1,000 characters of visible text; line breaks are allowed.
fn paragraph(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= TEXT_CHARS
        && !text.chars().any(|c| c != '\n' && is_deceptive(c))
}

fn ods_code(code: &str) -> bool {
    (1..=ODS_CHARS).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn relay_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    url.len() <= RELAY_CHARS
        && url.bytes().all(|b| b.is_ascii_graphic())
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.contains(['@', '"', '<', '>', '\\'])
}

/// Control characters, and those that reorder or hide text (bidirectional controls and
/// default-ignorable format characters of Unicode).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A card whose every signature holds. Made only by [`Card::verify`] and [`Card::sign`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCard {
    id: OrganisationId,
    card: Card,
    instances: Vec<VerifiedInstance>,
    signed: Signed<Card>,
}

impl Deref for VerifiedCard {
    type Target = Card;

    fn deref(&self) -> &Card {
        &self.card
    }
}

impl VerifiedCard {
    /// The organisation.
    #[must_use]
    pub fn id(&self) -> OrganisationId {
        self.id
    }

    /// Its installations.
    #[must_use]
    pub fn instances(&self) -> &[VerifiedInstance] {
        &self.instances
    }

    /// The card as it was signed, to store or send.
    #[must_use]
    pub fn signed(&self) -> &Signed<Card> {
        &self.signed
    }

    /// Domain-separated BLAKE3 of the card.
    #[must_use]
    pub fn payload_hash(&self) -> [u8; 32] {
        self.signed.payload_hash()
    }

    /// Whether this card takes the place of `other`: the same organisation, a higher serial.
    #[must_use]
    pub fn supersedes(&self, other: &Self) -> bool {
        self.id == other.id && self.serial > other.serial
    }

    /// The card as text for a file, a message or a QR code: `passport-card:` and base64url
    /// (RFC 4648 §5) of the signed CBOR.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&codec::encode(&self.signed)))
    }

    /// Reads a card from text. White space anywhere is ignored, as line breaks creep in.
    ///
    /// # Errors
    /// Returns [`ParseCardError`] when the text is no card or the card does not verify.
    pub fn from_text(text: &str) -> Result<Self, ParseCardError> {
        const BYTES_MAX: usize = Card::LIMIT + 256;
        if text.len() > 2 * BYTES_MAX {
            return Err(ParseCardError::Text);
        }
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let body = compact.strip_prefix(PREFIX).ok_or(ParseCardError::Text)?;
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| ParseCardError::Text)?;
        let signed = codec::decode(&bytes, BYTES_MAX).map_err(ParseCardError::Decode)?;
        Card::verify(signed).map_err(ParseCardError::Card)
    }
}

/// Why text is not a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCardError {
    /// It does not begin with `passport-card:`, or was cut or altered after it.
    #[error("not the text of a card")]
    Text,
    /// What it holds is not a signed card.
    #[error("the card is malformed")]
    Decode(#[source] DecodeError),
    /// The card is not acceptable.
    #[error("the card is refused")]
    Card(#[source] CardError),
}

#[cfg(test)]
mod tests;
