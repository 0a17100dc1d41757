//! How a record travels: as it is, or wrapped in what is signed, sealed or digits.

use std::io::{Read as _, Write as _};

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use passport_core::fhir::smart::jwe;
use serde_json::{Value as Json, json};

use super::KEY;

/// Bytes that are taken out of a card to be changed.
const INFLATED: u64 = 64 * 1024;

/// How a record travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is: JSON, XML, lists.
    Plain,
    /// A resource twice, one after another.
    Lines,
    /// A health card as signed text.
    Card,
    /// The same in a file.
    CardFile,
    /// The same in digits.
    Digits,
    /// A health link.
    Link,
    /// A file of a link.
    Sealed,
}

impl Form {
    /// How this travels, and what it is without that.
    #[must_use]
    pub fn opened(bytes: &[u8]) -> (Self, Vec<u8>) {
        wrapped_in(bytes).unwrap_or_else(|| (Self::Plain, bytes.to_vec()))
    }

    /// A record as it travels in this form.
    #[must_use]
    pub fn wrapped(self, record: &[u8]) -> Vec<u8> {
        match self {
            Self::Plain => record.to_vec(),
            Self::Lines => [record, b"\n", record].concat(),
            Self::Card => card(record).into_bytes(),
            Self::CardFile => {
                json!({ "verifiableCredential": [card(record)] }).to_string().into_bytes()
            }
            Self::Digits => {
                let pair =
                    |b: u8| [(b - 45) / 10, (b - 45) % 10].map(|digit| char::from(b'0' + digit));
                let digits: String = card(record).bytes().flat_map(pair).collect();
                format!("shc:/{digits}").into_bytes()
            }
            Self::Link => format!("shlink:/{}", BASE64URL.encode(record)).into_bytes(),
            Self::Sealed => jwe::encrypt(&KEY, &[9; 12], record).unwrap().into_bytes(),
        }
    }
}

fn wrapped_in(bytes: &[u8]) -> Option<(Form, Vec<u8>)> {
    let text = core::str::from_utf8(bytes).ok()?;
    if let Some(link) = text.strip_prefix("shlink:/") {
        return Some((Form::Link, BASE64URL.decode(link.as_bytes()).ok()?));
    }
    if let Some(digits) = text.strip_prefix("shc:/") {
        let character = |pair: &[u8]| match pair {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
                Some((tens - b'0') * 10 + (ones - b'0') + 45)
            }
            _ => None,
        };
        let signed: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(character).collect();
        return Some((Form::Digits, claims(core::str::from_utf8(&signed?).ok()?)?));
    }
    if text.starts_with("eyJ") {
        let sealed = jwe::decrypt(text, &KEY).ok().map(|opened| (Form::Sealed, opened.bytes));
        return sealed.or_else(|| Some((Form::Card, claims(text)?)));
    }
    let file: Json =
        text.contains("verifiableCredential").then(|| serde_json::from_str(text).ok())??;
    Some((Form::CardFile, claims(file["verifiableCredential"][0].as_str()?)?))
}

/// A signed text with these claims, whose signature nobody looks at.
fn card(claims: &[u8]) -> String {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflated.write_all(claims).unwrap();
    let parts = [&br#"{"alg":"ES256","zip":"DEF"}"#[..], &deflated.finish().unwrap(), &[7; 64]];
    parts.map(|part| BASE64URL.encode(part)).join(".")
}

/// The claims of a signed text.
fn claims(signed: &str) -> Option<Vec<u8>> {
    let deflated = BASE64URL.decode(signed.split('.').nth(1)?.as_bytes()).ok()?;
    let mut claims = Vec::new();
    DeflateDecoder::new(&*deflated).take(INFLATED).read_to_end(&mut claims).ok()?;
    Some(claims)
}
