//! Health cards: a FHIR Bundle in a JWS (RFC 7515) that an issuer signed with ES256.

use std::borrow::Cow;
use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Number;
use serde_json::value::RawValue;

use super::link::seconds;
use super::{SmartError, inflate, limits};
use crate::time::Timestamp;

/// How the digits of a code begin.
const SCHEME: &str = "shc:/";
/// The member of a file that holds cards, as it stands there.
const CREDENTIALS: &str = "\"verifiableCredential\"";
/// What is taken off a character before its two digits are written.
const OFFSET: u8 = 45;

/// A health card, as it claims to be. Who signed it, [`HealthCard::verify`] finds out.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct HealthCard {
    issuer: String,
    issued: Option<Timestamp>,
    expires: Option<Timestamp>,
    bundle: Vec<u8>,
    key_id: Option<String>,
    signed: String,
    signature: Vec<u8>,
}

/// The word of keys that somebody brought: this issuer's card is signed by one of them, and had
/// not ended. Whether the issuer took it back since is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The issuer's address, as the card has it.
    pub issuer: String,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(rename = "verifiableCredential", borrow)]
    credentials: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    zip: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that whoever does not know them must refuse (RFC 7515, 4.1.11).
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(default)]
    nbf: Option<Number>,
    #[serde(default)]
    exp: Option<Number>,
    #[serde(borrow)]
    vc: Credential<'a>,
}

#[derive(Deserialize)]
struct Credential<'a> {
    #[serde(rename = "credentialSubject", borrow)]
    subject: Subject<'a>,
}

#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(rename = "fhirBundle", borrow)]
    bundle: &'a RawValue,
}

/// The cards of a text, if it is one that holds cards.
pub(super) fn find(text: &str) -> Result<Option<Vec<HealthCard>>, SmartError> {
    if text.starts_with(SCHEME) {
        let signed = from_codes(text)?;
        return read_all(signed.iter().map(String::as_str)).map(Some);
    }
    if text.starts_with('{') && text.contains(CREDENTIALS) {
        // FHIR may speak of such a member too; then it is the importer's.
        let Ok(file) = serde_json::from_str::<File<'_>>(text) else { return Ok(None) };
        return read_all(file.credentials.iter().map(Cow::as_ref)).map(Some);
    }
    // The signed text alone, as it travels in links and mails.
    let is_signed = text.starts_with("eyJ") && text.split('.').count() == 3;
    if is_signed { read_all(core::iter::once(text)).map(Some) } else { Ok(None) }
}

fn read_all<'a>(signed: impl Iterator<Item = &'a str>) -> Result<Vec<HealthCard>, SmartError> {
    let mut cards = Vec::new();
    let mut left = limits::INFLATED;
    for text in signed {
        if cards.len() >= limits::CARDS {
            return Err(SmartError::TooLarge);
        }
        let card = HealthCard::read(text, left)?;
        left = left.saturating_sub(card.bundle.len());
        cards.push(card);
    }
    if cards.is_empty() { Err(SmartError::Card) } else { Ok(cards) }
}

/// The signed texts that codes stand for, one code or part of one (`shc:/2/3/…`) after another.
fn from_codes(text: &str) -> Result<Vec<String>, SmartError> {
    let mut whole = Vec::new();
    let mut parts: BTreeMap<usize, String> = BTreeMap::new();
    let mut of = None;
    // Files of codes that were put together may have no line between them.
    for code in text.split(SCHEME).skip(1).map(str::trim) {
        match code.split('/').collect::<Vec<_>>().as_slice() {
            [digits] => whole.push(from_digits(digits)?),
            [number, total, digits] => {
                let count = |text: &str| text.parse().map_err(|_| SmartError::Card);
                let (number, total): (usize, usize) = (count(number)?, count(total)?);
                let other = of.replace(total).is_some_and(|before| before != total);
                let twice = parts.insert(number, from_digits(digits)?).is_some();
                if other || twice || !(1..=total).contains(&number) || total > limits::CARDS {
                    return Err(SmartError::Parts);
                }
            }
            _ => return Err(SmartError::Card),
        }
    }
    if of.is_some_and(|total| parts.len() != total) {
        return Err(SmartError::Parts);
    }
    if of.is_some() {
        whole.push(parts.into_values().collect());
    }
    Ok(whole)
}

/// Characters out of pairs of digits.
fn from_digits(digits: &str) -> Result<String, SmartError> {
    let pairs = digits.as_bytes().chunks(2);
    let character = |pair: &[u8]| match pair {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Ok(char::from((tens - b'0') * 10 + (ones - b'0') + OFFSET))
        }
        _ => Err(SmartError::Card),
    };
    pairs.map(character).collect()
}

impl HealthCard {
    /// Reads a JWS in compact form whose bundle inflates to at most `bytes_max` bytes.
    fn read(text: &str, bytes_max: usize) -> Result<Self, SmartError> {
        let text = text.trim();
        let (signed, signature) = text.rsplit_once('.').ok_or(SmartError::Card)?;
        let (header, payload) = signed.split_once('.').ok_or(SmartError::Card)?;
        let part = |part: &str| BASE64URL.decode(part.as_bytes()).map_err(|_| SmartError::Card);
        let said: Header = serde_json::from_slice(&part(header)?).map_err(|_| SmartError::Card)?;
        let known = said.alg == "ES256" && said.zip.as_deref() == Some("DEF");
        if !known || said.crit.is_some() {
            return Err(SmartError::Algorithm);
        }
        let payload = inflate(&part(payload)?, bytes_max, SmartError::Card)?;
        let claims: Claims<'_> = serde_json::from_slice(&payload).map_err(|_| SmartError::Card)?;
        if claims.iss.len() > limits::NAME {
            return Err(SmartError::Card);
        }
        let moment = |number: Option<Number>| {
            number.as_ref().map(seconds).transpose().map_err(|()| SmartError::Card)
        };
        Ok(Self {
            issued: moment(claims.nbf)?,
            expires: moment(claims.exp)?,
            bundle: claims.vc.subject.bundle.get().as_bytes().to_vec(),
            issuer: claims.iss.into_owned(),
            key_id: said.kid,
            signed: signed.to_owned(),
            signature: part(signature)?,
        })
    }

    /// The address of whoever it says issued it; not to be believed before [`Self::verify`].
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When it says that it was issued.
    #[must_use]
    pub const fn issued(&self) -> Option<Timestamp> {
        self.issued
    }

    /// When it ends, if it does.
    #[must_use]
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// What it says, as FHIR in JSON.
    #[must_use]
    pub fn bundle(&self) -> &[u8] {
        &self.bundle
    }

    /// Holds the card against its issuer's keys (ECDSA on P-256 with SHA-256; RFC 7518, 3.4).
    ///
    /// # Errors
    /// Returns [`SmartError::OtherKey`] when none of them is the one that it names,
    /// [`SmartError::Signature`] when it was altered or signed by another, and
    /// [`SmartError::Ended`] when it ended before `now`.
    pub fn verify(&self, keys: &IssuerKeys, now: Timestamp) -> Result<Vouched, SmartError> {
        let mut named = keys.0.iter().filter(|key| key.id == self.key_id).peekable();
        if named.peek().is_none() {
            return Err(SmartError::OtherKey);
        }
        let holds = |key: &Key| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point)
                .verify(self.signed.as_bytes(), &self.signature)
                .is_ok()
        };
        if !named.any(holds) {
            return Err(SmartError::Signature);
        }
        if self.expires.is_some_and(|end| end < now) {
            return Err(SmartError::Ended);
        }
        Ok(Vouched { issuer: self.issuer.clone() })
    }
}

/// Keys of an issuer, as it publishes them (JWK Set; RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKeys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    /// Uncompressed (SEC 1, 2.3.3).
    point: [u8; 65],
}

#[derive(Deserialize)]
struct RawKeys {
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
struct RawKey {
    #[serde(default)]
    kty: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

impl RawKey {
    /// The key, if it is of the kind that signs health cards.
    fn point(&self) -> Option<[u8; 65]> {
        if self.kty.as_deref() != Some("EC") || self.crv.as_deref() != Some("P-256") {
            return None;
        }
        let coordinate = |text: &Option<String>| {
            let bytes = BASE64URL.decode(text.as_ref()?.as_bytes()).ok()?;
            <[u8; 32]>::try_from(bytes).ok()
        };
        let point = [&[4][..], &coordinate(&self.x)?, &coordinate(&self.y)?].concat();
        point.try_into().ok()
    }
}

impl IssuerKeys {
    /// Reads a JWK Set, such as an issuer's `/.well-known/jwks.json`.
    ///
    /// # Errors
    /// Returns [`SmartError::Keys`] when it is none, or has no key for ES256.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SmartError> {
        let raw: RawKeys = serde_json::from_slice(bytes).map_err(|_| SmartError::Keys)?;
        let key = |raw: &RawKey| Some(Key { point: raw.point()?, id: raw.kid.clone() });
        let keys: Vec<Key> = raw.keys.iter().filter_map(key).collect();
        if keys.is_empty() { Err(SmartError::Keys) } else { Ok(Self(keys)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, A.3: a key for ES256, and what it signed.
    #[test]
    fn the_signature_of_rfc_7515_holds_and_no_other() {
        let keys = IssuerKeys::from_json(
            br#"{"keys":[{"kty":"EC","crv":"P-256",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
        )
        .unwrap();
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfK\
                         TUJqPP3-Kg6NU1Q";
        let card = HealthCard {
            issuer: "joe".into(),
            issued: None,
            expires: None,
            bundle: Vec::new(),
            key_id: None,
            signed: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA\
                     6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                .into(),
            signature: BASE64URL.decode(signature.as_bytes()).unwrap(),
        };
        let now = Timestamp::from_seconds(0);
        assert_eq!(card.verify(&keys, now), Ok(Vouched { issuer: "joe".into() }));
        for place in 0..card.signature.len() * 8 {
            let mut other = card.clone();
            other.signature[place / 8] ^= 1 << (place % 8);
            assert_eq!(other.verify(&keys, now), Err(SmartError::Signature));
        }
        let ended = HealthCard { expires: Some(Timestamp::from_seconds(-1)), ..card.clone() };
        assert_eq!(ended.verify(&keys, now), Err(SmartError::Ended));
        let other = HealthCard { key_id: Some("k".into()), ..card };
        assert_eq!(other.verify(&keys, now), Err(SmartError::OtherKey));
    }

    #[test]
    fn codes_are_put_together_whole_or_not_at_all() {
        let read = |text: &str| from_codes(text);
        assert_eq!(read("shc:/5676").unwrap(), ["ey"]);
        assert_eq!(read("shc:/2/2/76\nshc:/1/2/56").unwrap(), ["ey"]);
        assert_eq!(read("shc:/2/2/76shc:/1/2/56").unwrap(), ["ey"]);
        assert_eq!(read("shc:/1/2/56"), Err(SmartError::Parts));
        assert_eq!(read("shc:/1/2/56 shc:/1/2/56"), Err(SmartError::Parts));
        assert_eq!(read("shc:/1/2/56 shc:/2/3/56"), Err(SmartError::Parts));
        assert_eq!(read("shc:/0/1/56"), Err(SmartError::Parts));
        for bad in ["shc:/567", "shc:/5x", "shc:/1/56", "shc:/a/b/56", "shc:/5676 x"] {
            assert_eq!(read(bad), Err(SmartError::Card), "{bad}");
        }
    }
}
