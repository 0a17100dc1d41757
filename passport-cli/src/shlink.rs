//! SMART Health Links 1.0 (HL7): what stands in a link, and how its file is encrypted.
//!
//! A link's file is a JWE in compact form with a key agreed beforehand (RFC 7516; `dir` and
//! `A256GCM` of RFC 7518): five parts, of which one is empty. That is one call of AES-GCM and a
//! few dots, less than a JOSE library would ask to be told to do nothing else.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload as Sealing};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use passport_core::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// The JWE's header: content type, algorithms, nothing else.
const HEADER: &str = r#"{"alg":"dir","enc":"A256GCM","cty":"application/fhir+json"}"#;
/// How every link begins.
const SCHEME: &str = "shlink:/";

/// What a link says.
pub(crate) struct Payload<'a> {
    /// Where its manifest or file is.
    pub(crate) url: String,
    /// What its file opens with.
    pub(crate) key: &'a [u8; 32],
    /// When it ends.
    pub(crate) until: Timestamp,
    /// Its flags, in alphabetical order.
    pub(crate) flag: String,
    /// Its label; may be empty.
    pub(crate) label: &'a str,
}

#[derive(Serialize)]
struct Json<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    flag: &'a str,
    key: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
    v: u8,
}

impl Payload<'_> {
    /// The link.
    ///
    /// # Errors
    /// Returns an error when it has no JSON form.
    pub(crate) fn to_link(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        let key = Zeroizing::new(BASE64URL.encode(self.key));
        let (url, flag, label) = (self.url.as_str(), self.flag.as_str(), self.label);
        let json = Json { url, flag, key: &key, exp: self.until.as_seconds(), label, v: 1 };
        let json = Zeroizing::new(serde_json::to_vec(&json)?);
        Ok(Zeroizing::new(format!("{SCHEME}{}", BASE64URL.encode(&json))))
    }
}

/// Encrypts a file; the key must never meet the same `iv` twice.
///
/// # Errors
/// Returns an error when it is too large to encrypt.
pub(crate) fn encrypt(key: &[u8; 32], iv: &[u8; 12], plain: &[u8]) -> Result<String, CliError> {
    let header = BASE64URL.encode(HEADER.as_bytes());
    let sealing = Sealing { msg: plain, aad: header.as_bytes() };
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(&(*iv).into(), sealing)
        .map_err(|_| CliError::new(ExitCode::Bug, "the file cannot be encrypted"))?;
    let (content, tag) = sealed.split_at(sealed.len().saturating_sub(16));
    let [iv, content, tag] = [&iv[..], content, tag].map(|part| BASE64URL.encode(part));
    Ok(format!("{header}..{iv}.{content}.{tag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_opens_with_its_key_and_header_alone() {
        let (key, iv) = ([7; 32], [9; 12]);
        let jwe = encrypt(&key, &iv, b"{}").unwrap();
        let parts: Vec<&str> = jwe.split('.').collect();
        let [header, wrapped, iv, content, tag] = parts[..] else { panic!("{jwe}") };
        assert_eq!(wrapped, "");
        let open = |aad: &str| {
            let sealed = [BASE64URL.decode(content.as_bytes()), BASE64URL.decode(tag.as_bytes())];
            let msg = sealed.map(Result::unwrap).concat();
            let nonce: [u8; 12] = BASE64URL.decode(iv.as_bytes()).unwrap().try_into().unwrap();
            let sealing = Sealing { msg: &msg, aad: aad.as_bytes() };
            Aes256Gcm::new((&key).into()).decrypt(&nonce.into(), sealing)
        };
        assert_eq!(open(header).unwrap(), b"{}");
        assert!(open("").is_err());
    }

    #[test]
    fn a_link_says_what_the_standard_asks_in_its_words() {
        let payload = Payload {
            url: "https://relay.example/shl/x".to_owned(),
            key: &[0; 32],
            until: Timestamp::from_seconds(1_800_000_000),
            flag: "LP".to_owned(),
            label: "For the pharmacy",
        };
        let link = payload.to_link().unwrap();
        let json = BASE64URL.decode(link.strip_prefix("shlink:/").unwrap().as_bytes()).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "url": "https://relay.example/shl/x", "flag": "LP", "exp": 1_800_000_000,
                "key": "A".repeat(43), "label": "For the pharmacy", "v": 1,
            })
        );
    }
}
