//! How a link's file is encrypted: a JWE in compact form with a key agreed beforehand (RFC 7516;
//! `dir` and `A256GCM` of RFC 7518).
//!
//! Five parts, of which one is empty. That is one call of AES-GCM and a few dots, less than a JOSE
//! library would ask to be told to do nothing else.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{SmartError, inflate, limits};

/// The header of what is written: content type, algorithms, nothing else.
const HEADER: &str = r#"{"alg":"dir","enc":"A256GCM","cty":"application/fhir+json"}"#;

/// A file that opened.
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Opened {
    /// The media type that its header names, without parameters and in lower case.
    pub content_type: Option<String>,
    /// What it says.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default)]
    zip: Option<String>,
    #[serde(default)]
    cty: Option<String>,
    /// Extensions that whoever does not know them must refuse (RFC 7516, 4.1.13).
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

/// Encrypts FHIR in JSON; the key must never meet the same `iv` twice.
///
/// # Errors
/// Returns [`SmartError::TooLarge`] when it is too large to encrypt.
pub fn encrypt(key: &[u8; 32], iv: &[u8; 12], plain: &[u8]) -> Result<String, SmartError> {
    let header = BASE64URL.encode(HEADER.as_bytes());
    let sealing = Payload { msg: plain, aad: header.as_bytes() };
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(&(*iv).into(), sealing)
        .map_err(|_| SmartError::TooLarge)?;
    let (content, tag) = sealed.split_at(sealed.len().saturating_sub(16));
    let [iv, content, tag] = [&iv[..], content, tag].map(|part| BASE64URL.encode(part));
    Ok(format!("{header}..{iv}.{content}.{tag}"))
}

/// Opens a file with a link's key, and inflates it if its header says so.
///
/// # Errors
/// Returns [`SmartError::Sealed`] when it is no JWE or does not open with this key,
/// [`SmartError::Algorithm`] when it was encrypted in another way, [`SmartError::TooLarge`] when
/// it holds more than [`limits::INFLATED`] bytes.
pub fn decrypt(jwe: &str, key: &[u8; 32]) -> Result<Opened, SmartError> {
    let mut parts = jwe.trim().split('.');
    let mut next = || parts.next().ok_or(SmartError::Sealed);
    let (header, wrapped, iv, content, tag) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() || !wrapped.is_empty() {
        return Err(SmartError::Sealed);
    }
    let read = |part: &str| BASE64URL.decode(part.as_bytes()).map_err(|_| SmartError::Sealed);
    let said: Header = serde_json::from_slice(&read(header)?).map_err(|_| SmartError::Sealed)?;
    let plain = said.zip.is_none();
    let known = said.alg == "dir" && said.enc == "A256GCM" && said.crit.is_none();
    if !known || said.zip.is_some_and(|zip| zip != "DEF") {
        return Err(SmartError::Algorithm);
    }
    let iv: [u8; 12] = read(iv)?.try_into().map_err(|_| SmartError::Sealed)?;
    let tag: [u8; 16] = read(tag)?.try_into().map_err(|_| SmartError::Sealed)?;
    let mut sealed = read(content)?;
    sealed.extend(tag);
    let sealing = Payload { msg: &sealed, aad: header.as_bytes() };
    let opened =
        Aes256Gcm::new(key.into()).decrypt(&iv.into(), sealing).map_err(|_| SmartError::Sealed)?;
    let bytes =
        if plain { opened } else { inflate(&opened, limits::INFLATED, SmartError::Sealed)? };
    if bytes.len() > limits::INFLATED {
        return Err(SmartError::TooLarge);
    }
    Ok(Opened { content_type: said.cty.as_deref().map(media_type), bytes })
}

/// A media type without its parameters, in lower case.
pub(super) fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
