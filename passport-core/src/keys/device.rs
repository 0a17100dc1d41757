//! Devices of the holder and the chains of certificates that lead to them.
//!
//! The recovery phrase's root key certifies the first device; devices certify devices. A
//! certificate carries no name: what a device is called stays in the holder's own records.
//!
//! A chain proves descent only. Whether a device was removed since is for the ledger to say.

use minicbor::{Decode, Encode};

use super::wrap::ReceivingPublicKey;
use super::{Signable, Signed, SigningKey, Succession, VerifyError, roots};
use crate::domain::{self, Domain};
use crate::id::{PassportId, VerificationKey};
use crate::time::Timestamp;

/// Longest chain from the root to a device.
pub const CHAIN_LIMIT: usize = 8;

const VERSION: u8 = 1;

/// A device's keys, vouched for by the root or another device.
///
/// CBOR: `[version, passport, device, receiving, issued_at, expires / null]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct DeviceCertificate {
    #[n(0)]
    version: u8,
    /// The passport the device belongs to.
    #[n(1)]
    pub passport: PassportId,
    /// Checks what the device signs.
    #[n(2)]
    pub device: VerificationKey,
    /// Receives what is wrapped to the device.
    #[n(3)]
    pub receiving: ReceivingPublicKey,
    /// When it was issued, by the issuer's clock.
    #[n(4)]
    pub issued_at: Timestamp,
    /// From when on it no longer counts, for a temporary device.
    #[n(5)]
    pub expires: Option<Timestamp>,
}

impl DeviceCertificate {
    /// A certificate of the current version.
    #[must_use]
    pub fn new(
        passport: PassportId,
        device: VerificationKey,
        receiving: ReceivingPublicKey,
        issued_at: Timestamp,
        expires: Option<Timestamp>,
    ) -> Self {
        Self { version: VERSION, passport, device, receiving, issued_at, expires }
    }
}

impl Signable for DeviceCertificate {
    const DOMAIN: Domain = domain::DEVICE_CERTIFICATE;
    const LIMIT: usize = 2048;
}

/// Why a chain proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No certificate at all, or more than [`CHAIN_LIMIT`].
    #[error("{len} certificates, where 1 to {CHAIN_LIMIT} are allowed")]
    Length {
        /// Certificates given.
        len: usize,
    },
    /// The first certificate is not signed by this passport's root key.
    #[error("the chain does not start at the passport's root")]
    Root,
    /// A certificate is altered, or not signed by the one before it.
    #[error("certificate {position} of the chain does not verify")]
    Certificate {
        /// Which certificate, counted from 1.
        position: usize,
        /// What is wrong with it.
        #[source]
        source: VerifyError,
    },
    /// A certificate is for another passport.
    #[error("certificate {position} of the chain is for another passport")]
    OtherPassport {
        /// Which certificate, counted from 1.
        position: usize,
    },
    /// A certificate is of a version this software does not know.
    #[error("certificate {position} of the chain needs newer software")]
    UnknownVersion {
        /// Which certificate, counted from 1.
        position: usize,
    },
    /// One key occurs twice.
    #[error("a key occurs twice in the chain")]
    Loop,
}

/// Certificates from the root's to the device's own, and how that root came after the passport's
/// first. CBOR: `[[1* signed certificate], [* signed succession]]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct CertificateChain {
    #[n(0)]
    certificates: Vec<Signed<DeviceCertificate>>,
    #[n(1)]
    successions: Vec<Signed<Succession>>,
}

impl CertificateChain {
    /// A chain of one: a device certified by the root itself.
    #[must_use]
    pub fn first(certificate: &DeviceCertificate, root: &SigningKey) -> Self {
        Self::rooted(&[], Signed::new(certificate, root))
    }

    /// A chain of one, by the root that successions lead to.
    #[must_use]
    pub fn rooted(
        successions: &[Signed<Succession>],
        certificate: Signed<DeviceCertificate>,
    ) -> Self {
        Self { certificates: vec![certificate], successions: successions.to_vec() }
    }

    /// This chain from a place in its lineage on, where another chain leads to the key there.
    #[must_use]
    pub fn grafted(&self, at: usize, onto: &Self) -> Self {
        let mut chain = onto.clone();
        chain.certificates.extend(self.certificates.iter().skip(at).cloned());
        chain
    }

    /// This chain with another device, certified by the last one's key.
    #[must_use]
    pub fn extend(&self, certificate: &DeviceCertificate, device: &SigningKey) -> Self {
        let mut chain = self.clone();
        chain.certificates.push(Signed::new(certificate, device));
        chain
    }

    /// How many certificates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// Whether there is no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// Which root key the passport claims to have begun with.
    #[must_use]
    pub fn claimed_root(&self) -> Option<VerificationKey> {
        let first = self.successions.first().map(Signed::claimed_signer);
        first.or_else(|| self.certificates.first().map(Signed::claimed_signer))
    }

    /// Which root key the first certificate claims to be by.
    #[must_use]
    pub fn claimed_last_root(&self) -> Option<VerificationKey> {
        self.certificates.first().map(Signed::claimed_signer)
    }

    /// Checks that the chain leads from the passport's root key to a device.
    ///
    /// # Errors
    /// Returns [`ChainError`] when any link does not hold.
    pub fn verify(&self, passport: &PassportId) -> Result<VerifiedDevice, ChainError> {
        let length = || ChainError::Length { len: self.len() };
        if self.len() > CHAIN_LIMIT {
            return Err(length());
        }
        let first = self.claimed_root().ok_or_else(length)?;
        let roots = roots(passport, first, &self.successions)?;
        let root = roots.last().copied().ok_or(ChainError::Root)?;
        let mut keys = vec![root];
        let mut issuer = root;
        let mut expires: Option<Timestamp> = None;
        let mut last = None;
        for (at, signed) in self.certificates.iter().enumerate() {
            let position = at + 1;
            let certificate = signed
                .verify_by(&issuer)
                .map_err(|source| ChainError::Certificate { position, source })?;
            if certificate.version != VERSION {
                return Err(ChainError::UnknownVersion { position });
            }
            if certificate.passport != *passport {
                return Err(ChainError::OtherPassport { position });
            }
            if keys.contains(&certificate.device) || roots.contains(&certificate.device) {
                return Err(ChainError::Loop);
            }
            keys.push(certificate.device);
            issuer = certificate.device;
            expires = match (expires, certificate.expires) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            last = Some(certificate);
        }
        let last = last.ok_or_else(length)?;
        Ok(VerifiedDevice {
            passport: *passport,
            key: last.device,
            certificate: last.payload_hash(),
            issued_at: last.issued_at,
            receiving: last.into_inner().receiving,
            expires,
            lineage: keys,
            roots,
        })
    }
}

/// A device that descends from the passport's root. Made only by [`CertificateChain::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedDevice {
    passport: PassportId,
    key: VerificationKey,
    receiving: ReceivingPublicKey,
    certificate: [u8; 32],
    issued_at: Timestamp,
    expires: Option<Timestamp>,
    lineage: Vec<VerificationKey>,
    roots: Vec<VerificationKey>,
}

impl VerifiedDevice {
    /// The passport it belongs to.
    #[must_use]
    pub fn passport(&self) -> PassportId {
        self.passport
    }

    /// Checks what the device signs.
    #[must_use]
    pub fn key(&self) -> VerificationKey {
        self.key
    }

    /// Receives what is wrapped to the device.
    #[must_use]
    pub fn receiving(&self) -> &ReceivingPublicKey {
        &self.receiving
    }

    /// Domain-separated BLAKE3 of its own certificate.
    #[must_use]
    pub fn certificate(&self) -> [u8; 32] {
        self.certificate
    }

    /// When its own certificate was issued, by the issuer's clock.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// The earliest end of any certificate of the chain.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Whether no certificate of the chain has ended: the end itself is outside.
    #[must_use]
    pub fn valid_at(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| now < end)
    }

    /// The passport's roots, from its first to the one this device descends from.
    #[must_use]
    pub fn roots(&self) -> &[VerificationKey] {
        &self.roots
    }

    /// Every key from the root's to the device's own: removing any removes what it vouched for.
    #[must_use]
    pub fn lineage(&self) -> &[VerificationKey] {
        &self.lineage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::keys::wrap::ReceivingKey;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn passport() -> PassportId {
        PassportId::of_root(&key(1).verification_key())
    }

    fn certificate(n: u8, expires: Option<Timestamp>) -> DeviceCertificate {
        let receiving = ReceivingKey::from_seed(&[n; 32]).public_key();
        DeviceCertificate::new(passport(), key(n).verification_key(), receiving, at(0), expires)
    }

    #[test]
    fn devices_certify_devices_and_the_earliest_end_counts() {
        let chain = CertificateChain::first(&certificate(2, None), &key(1))
            .extend(&certificate(3, Some(at(50))), &key(2))
            .extend(&certificate(4, Some(at(90))), &key(3));
        let bytes = codec::encode(&chain);
        let chain: CertificateChain = codec::decode(&bytes, 20_000).unwrap();
        let device = chain.verify(&passport()).unwrap();
        assert_eq!(device.key(), key(4).verification_key());
        assert_eq!(device.lineage().len(), 4);
        assert!(device.valid_at(at(49)));
        assert!(!device.valid_at(at(50)));
    }

    #[test]
    fn a_foreign_root_proves_nothing() {
        let chain = CertificateChain::first(&certificate(2, None), &key(9));
        assert_eq!(chain.verify(&passport()), Err(ChainError::Root));
        let empty = CertificateChain { certificates: Vec::new(), successions: Vec::new() };
        assert_eq!(empty.verify(&passport()), Err(ChainError::Length { len: 0 }));
    }

    #[test]
    fn a_link_by_the_wrong_key_or_in_the_wrong_order_is_refused() {
        let good = CertificateChain::first(&certificate(2, None), &key(1));
        let bad = good.extend(&certificate(3, None), &key(9));
        assert_eq!(
            bad.verify(&passport()),
            Err(ChainError::Certificate { position: 2, source: VerifyError::UnexpectedSigner })
        );
        let mut swapped = good.extend(&certificate(3, None), &key(2));
        swapped.certificates.swap(0, 1);
        assert_eq!(swapped.verify(&passport()), Err(ChainError::Root));
    }

    #[test]
    fn other_passports_versions_and_loops_are_refused() {
        let first = CertificateChain::first(&certificate(2, None), &key(1));
        let mut other = certificate(3, None);
        other.passport = PassportId::from_bytes([0; 32]);
        assert_eq!(
            first.extend(&other, &key(2)).verify(&passport()),
            Err(ChainError::OtherPassport { position: 2 })
        );
        let mut newer = certificate(3, None);
        newer.version = 2;
        assert_eq!(
            first.extend(&newer, &key(2)).verify(&passport()),
            Err(ChainError::UnknownVersion { position: 2 })
        );
        let chain = first.extend(&certificate(2, None), &key(2));
        assert_eq!(chain.verify(&passport()), Err(ChainError::Loop));
    }

    #[test]
    fn a_root_follows_another_by_the_others_word_alone() {
        let succession = |from: u8, to: u8| {
            let said = Succession::new(passport(), key(to).verification_key(), at(1));
            Signed::new(&said, &key(from))
        };
        let rooted = |successions: &[Signed<Succession>], root: u8| {
            let signed = Signed::new(&certificate(2, None), &key(root));
            CertificateChain::rooted(successions, signed).verify(&passport())
        };
        let device = rooted(&[succession(1, 8), succession(8, 9)], 9).unwrap();
        assert_eq!(device.roots().len(), 3);
        assert_eq!(device.lineage(), [9, 2].map(|n| key(n).verification_key()));
        assert_eq!(rooted(&[succession(8, 9)], 9), Err(ChainError::Root));
        assert_eq!(rooted(&[succession(1, 8), succession(1, 9)], 9), Err(ChainError::Root));
        assert_eq!(rooted(&[succession(1, 8), succession(8, 1)], 1), Err(ChainError::Root));
        assert!(rooted(&[succession(1, 8)], 1).is_err(), "the old root certifies no more");
        let child = CertificateChain::first(&certificate(3, None), &key(1))
            .extend(&certificate(4, None), &key(3));
        let onto = CertificateChain::rooted(
            &[succession(1, 8)],
            Signed::new(&certificate(3, None), &key(8)),
        );
        let device = child.grafted(1, &onto).verify(&passport()).unwrap();
        assert_eq!(device.lineage(), [8, 3, 4].map(|n| key(n).verification_key()));
    }

    #[test]
    fn a_chain_may_not_grow_without_end() {
        let mut chain = CertificateChain::first(&certificate(2, None), &key(1));
        for n in 3..=9 {
            chain = chain.extend(&certificate(n, None), &key(n - 1));
        }
        assert!(chain.verify(&passport()).is_ok());
        let chain = chain.extend(&certificate(10, None), &key(9));
        assert_eq!(chain.verify(&passport()), Err(ChainError::Length { len: 9 }));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let chain = CertificateChain::first(&certificate(2, Some(at(9))), &key(1));
        let bytes = codec::encode(&chain);
        for bit in (0..bytes.len() * 8).step_by(13) {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let refused = codec::decode::<CertificateChain>(&bad, 20_000)
                .map_or(true, |chain| chain.verify(&passport()).is_err());
            assert!(refused, "bit {bit}");
        }
    }
}
