//! Letters: what one party leaves in another's mailbox, sealed to its owner.

use core::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{self, DecodeError};
use crate::domain::{self, Domain};
use crate::envelope::padme;
use crate::epoch::{Charter, PhaseWrap};
use crate::grant::{Grant, Withdrawal};
use crate::id::{PassportId, VerificationKey};
use crate::keys::{
    CertificateChain, PhaseKey, ReceivingKey, ReceivingPublicKey, Sealed, Signable, Signed,
    Succession, WrapError, unwrap, wrap,
};
use crate::ledger::Statement;
use crate::receipt::Receipt;

/// Largest letter, sealed, in bytes.
pub const MAX_LETTER: usize = 256 * 1024;

/// What a letter says. Everything with authority in it is signed on its own.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Letter {
    /// To an organisation: a consent and what it takes to use it.
    #[n(0)]
    Offer(#[n(0)] Box<Offer>),
    /// To an organisation: consents that end.
    #[n(1)]
    Withdrawn {
        /// Which.
        #[n(0)]
        withdrawal: Signed<Withdrawal>,
        /// Proof that a device of the holder signed.
        #[n(1)]
        chain: CertificateChain,
    },
    /// To a new device of the holder: it is in.
    #[n(2)]
    Enrolled {
        /// Its certificates.
        #[n(0)]
        chain: CertificateChain,
        /// The key of the ledger.
        #[cbor(n(1), with = "minicbor::bytes")]
        ledger_key: [u8; 32],
        /// Where the passport's relays are.
        #[n(2)]
        relays: Vec<String>,
    },
    /// To the recovery mailbox: the key of the ledger.
    #[n(3)]
    Recovery {
        /// The key of the ledger.
        #[cbor(n(0), with = "minicbor::bytes")]
        ledger_key: [u8; 32],
        /// The passport.
        #[n(1)]
        passport: PassportId,
        /// How the phrase's root came after the passport's first.
        #[n(2)]
        successions: Vec<Signed<Succession>>,
    },
    /// To another device of the holder: the ledger's new key.
    #[n(4)]
    LedgerKey {
        /// The key, signed.
        #[n(0)]
        key: Signed<NewLedgerKey>,
        /// Proof that a device of the holder signed.
        #[n(1)]
        chain: CertificateChain,
    },
    /// To a device of the holder: what organisations did with what they were given.
    #[n(5)]
    Receipts {
        /// Each signed by the organisation.
        #[n(0)]
        receipts: Vec<Signed<Receipt>>,
    },
    /// To a device of the holder that was removed: the word that it was.
    #[n(6)]
    Removed {
        /// The ledger's statement.
        #[n(0)]
        statement: Signed<Statement>,
        /// Proof that a device of the holder signed.
        #[n(1)]
        chain: CertificateChain,
    },
    /// To the recovery mailbox of a phrase that was replaced: the word that it was.
    #[n(7)]
    Replaced {
        /// The phrase's own root said so.
        #[n(0)]
        succession: Signed<Succession>,
    },
    /// To a device of the holder: what its author wrote before the right to write ended, and
    /// relays do not take any more.
    #[n(8)]
    Late {
        /// As sealed.
        #[n(0)]
        envelopes: Vec<minicbor::bytes::ByteVec>,
    },
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offer(_) => "Letter::Offer",
            Self::Withdrawn { .. } => "Letter::Withdrawn",
            Self::Enrolled { .. } => "Letter::Enrolled",
            Self::Recovery { .. } => "Letter::Recovery",
            Self::LedgerKey { .. } => "Letter::LedgerKey",
            Self::Receipts { .. } => "Letter::Receipts",
            Self::Removed { .. } => "Letter::Removed",
            Self::Replaced { .. } => "Letter::Replaced",
            Self::Late { .. } => "Letter::Late",
        })
    }
}

/// A key under which the ledger goes on.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct NewLedgerKey {
    /// The passport.
    #[n(0)]
    pub passport: PassportId,
    #[cbor(n(1), with = "minicbor::bytes")]
    key: [u8; 32],
}

impl NewLedgerKey {
    /// Of a passport.
    #[must_use]
    pub fn new(passport: PassportId, key: &PhaseKey) -> Self {
        Self { passport, key: *key.as_bytes() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> PhaseKey {
        PhaseKey::from_bytes(&self.key)
    }
}

impl Signable for NewLedgerKey {
    const DOMAIN: Domain = domain::LEDGER_KEY;
    const LIMIT: usize = 128;
}

impl Drop for NewLedgerKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

impl fmt::Debug for NewLedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewLedgerKey(redacted)")
    }
}

/// A consent, the charter of the epoch it opens, and the recipient's own keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Offer {
    /// The consent.
    #[n(0)]
    pub grant: Signed<Grant>,
    /// Proof that a device of the holder signed the grant.
    #[n(1)]
    pub chain: CertificateChain,
    /// The current epoch.
    #[n(2)]
    pub epoch: OfferedEpoch,
    /// Epochs before it, where the consent includes history.
    #[n(3)]
    pub history: Vec<OfferedEpoch>,
}

/// A charter and the phase keys wrapped to one member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct OfferedEpoch {
    /// The charter.
    #[n(0)]
    pub charter: Signed<Charter>,
    /// The wraps, signed by the same device.
    #[n(1)]
    pub wraps: Vec<Signed<PhaseWrap>>,
}

/// Why a letter could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LetterError {
    /// Not a sealed letter.
    #[error("malformed letter")]
    Malformed(#[source] DecodeError),
    /// Not for this mailbox.
    #[error("letter is not for this mailbox")]
    Sealed(#[source] WrapError),
    /// Not padded as it must be.
    #[error("letter is wrongly padded")]
    Padding,
}

impl Letter {
    /// Seals the letter to a mailbox's owner, padded.
    ///
    /// # Errors
    /// Returns [`WrapError`] when the receiving key is unusable.
    pub fn seal(
        &self,
        mailbox: &VerificationKey,
        to: &ReceivingPublicKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, WrapError> {
        let mut plain = Zeroizing::new(codec::encode(self));
        let target = padme(plain.len() + 1);
        plain.push(0x80);
        plain.resize(target, 0);
        let sealed = wrap(to, &info(mailbox), &[], &plain, rng)?;
        Ok(codec::encode(&sealed))
    }

    /// Opens a letter from one's own mailbox.
    ///
    /// # Errors
    /// Returns [`LetterError`].
    pub fn open(
        bytes: &[u8],
        mailbox: &VerificationKey,
        key: &ReceivingKey,
    ) -> Result<Self, LetterError> {
        let sealed: Sealed = codec::decode(bytes, MAX_LETTER).map_err(LetterError::Malformed)?;
        let plain = unwrap(key, &info(mailbox), &[], &sealed).map_err(LetterError::Sealed)?;
        let end = plain.iter().rposition(|b| *b != 0).ok_or(LetterError::Padding)?;
        let body = plain
            .get(..end)
            .filter(|_| plain.get(end) == Some(&0x80))
            .ok_or(LetterError::Padding)?;
        codec::decode(body, MAX_LETTER).map_err(LetterError::Malformed)
    }
}

fn info(mailbox: &VerificationKey) -> Vec<u8> {
    domain::MAILBOX.message(mailbox.as_bytes())
}
