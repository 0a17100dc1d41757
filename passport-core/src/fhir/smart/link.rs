//! What stands in a SMART Health Link, and in the list of its files.

use std::borrow::Cow;

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{SmartError, jwe, limits};
use crate::time::Timestamp;

/// How every link begins, behind whatever viewer's address.
const SCHEME: &str = "shlink:/";

/// A link: where files are, and what they open with. Whoever has it can read them.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a key")]
pub struct HealthLink {
    /// Where its manifest or its one file is.
    pub url: String,
    /// What its files open with.
    pub key: Zeroizing<[u8; 32]>,
    /// When it ends, as far as it says.
    pub until: Option<Timestamp>,
    /// How it is opened.
    pub flags: Flags,
    /// What its maker calls it; may be empty.
    pub label: String,
}

/// How a link is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `L`: it is meant to be kept and opened again.
    pub long: bool,
    /// `P`: it asks for a passcode.
    pub passcode: bool,
    /// `U`: its address is that of one file, not of a list.
    pub direct: bool,
}

#[derive(Serialize, Deserialize)]
struct Json<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    flag: Cow<'a, str>,
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<serde_json::Number>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    label: Cow<'a, str>,
    #[serde(default = "first_version")]
    v: u8,
}

const fn first_version() -> u8 {
    1
}

/// The link in a text, without whatever viewer's address stands before it.
pub(super) fn find(text: &str) -> Option<&str> {
    let (before, link) = text.split_once(SCHEME)?;
    let viewer = ["https://", "http://"].iter().any(|scheme| before.starts_with(scheme));
    let is_link = before.is_empty() || (viewer && before.ends_with('#'));
    (is_link && before.len() <= limits::NAME).then_some(link)
}

impl HealthLink {
    /// Reads what stands behind `shlink:/`.
    pub(super) fn parse(text: &str) -> Result<Self, SmartError> {
        let bytes = BASE64URL.decode(text.as_bytes()).map_err(|_| SmartError::Link)?;
        let bytes = Zeroizing::new(bytes);
        let json: Json<'_> = serde_json::from_slice(&bytes).map_err(|_| SmartError::Link)?;
        let key =
            Zeroizing::new(BASE64URL.decode(json.key.as_bytes()).map_err(|_| SmartError::Link)?);
        let key = key.as_slice().try_into().map_err(|_| SmartError::Link)?;
        if json.v != 1 || json.url.len() > limits::NAME || json.label.len() > limits::NAME {
            return Err(SmartError::Link);
        }
        // Flags that are not known are passed over, as the standard asks.
        let set = |flag| json.flag.contains(flag);
        Ok(Self {
            url: json.url.into_owned(),
            key: Zeroizing::new(key),
            until: json.exp.as_ref().map(seconds).transpose().map_err(|()| SmartError::Link)?,
            flags: Flags { long: set('L'), passcode: set('P'), direct: set('U') },
            label: json.label.into_owned(),
        })
    }

    /// The link as text, `shlink:/…`.
    ///
    /// # Errors
    /// Returns [`SmartError::Link`] when it has no JSON form.
    pub fn to_text(&self) -> Result<Zeroizing<String>, SmartError> {
        let Flags { long, passcode, direct } = self.flags;
        // In alphabetical order, as the standard asks.
        let flag = [('L', long), ('P', passcode), ('U', direct)];
        let flag: String = flag.iter().filter(|(_, set)| *set).map(|(letter, _)| *letter).collect();
        let key = Zeroizing::new(BASE64URL.encode(self.key.as_slice()));
        let json = Json {
            url: (&self.url).into(),
            flag: flag.into(),
            key: key.as_str().into(),
            exp: self.until.map(|until| until.as_seconds().into()),
            label: (&self.label).into(),
            v: first_version(),
        };
        let json = Zeroizing::new(serde_json::to_vec(&json).map_err(|_| SmartError::Link)?);
        Ok(Zeroizing::new(format!("{SCHEME}{}", BASE64URL.encode(&json))))
    }
}

/// A `NumericDate` (RFC 7519), of which the whole seconds count.
pub(super) fn seconds(number: &serde_json::Number) -> Result<Timestamp, ()> {
    let mut text = number.to_string();
    if text.contains(['e', 'E']) {
        text = format!("{:.0}", number.as_f64().ok_or(())?.trunc());
    }
    let whole = text.split('.').next().unwrap_or_default();
    whole.parse().map(Timestamp::from_seconds).map_err(|_| ())
}

/// The files that a link leads to.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it holds addresses that open files")]
pub struct Manifest {
    /// In the order in which they were listed.
    pub files: Vec<ManifestFile>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it may hold an address that opens a file")]
pub struct ManifestFile {
    /// Its media type, without parameters and in lower case.
    pub content_type: String,
    /// Where it is.
    pub place: Place,
}

/// Where a file of a link is.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it may hold an address that opens a file")]
pub enum Place {
    /// In the list itself, encrypted.
    Embedded(String),
    /// At an address that is good for an hour at most, encrypted.
    Location(String),
}

#[derive(Deserialize)]
struct RawManifest {
    files: Vec<RawFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile {
    content_type: String,
    #[serde(default)]
    embedded: Option<String>,
    #[serde(default)]
    location: Option<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Returns [`SmartError::Manifest`] when it is none, [`SmartError::TooLarge`] when it lists
    /// more than [`limits::FILES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SmartError> {
        let raw: RawManifest = serde_json::from_slice(bytes).map_err(|_| SmartError::Manifest)?;
        if raw.files.len() > limits::FILES {
            return Err(SmartError::TooLarge);
        }
        let file = |file: RawFile| {
            let place = match (file.embedded, file.location) {
                (Some(jwe), _) => Place::Embedded(jwe),
                (None, Some(url)) if url.len() <= limits::NAME => Place::Location(url),
                (None, _) => return Err(SmartError::Manifest),
            };
            Ok(ManifestFile { content_type: jwe::media_type(&file.content_type), place })
        };
        Ok(Self { files: raw.files.into_iter().map(file).collect::<Result<_, _>>()? })
    }
}
