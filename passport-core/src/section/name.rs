//! Names of sections.

use core::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

use super::{SectionSpec, table};

/// The name of a section: one of the table's, or the holder's own `x-…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionName(String);

/// The text names no section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a section; own sections are x- and up to 40 of a-z, 0-9 and -")]
pub struct ParseSectionNameError;

impl SectionName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the table says of this section.
    #[must_use]
    pub fn spec(&self) -> &'static SectionSpec {
        table::find(&self.0).unwrap_or(&table::OWN)
    }
}

impl FromStr for SectionName {
    type Err = ParseSectionNameError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let own = s.strip_prefix("x-").is_some_and(|rest| {
            (1..=40).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
        if own || table::find(s).is_some() {
            Ok(Self(s.to_owned()))
        } else {
            Err(ParseSectionNameError)
        }
    }
}

impl fmt::Display for SectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SectionName {
    /// An own section's name may say something about its holder, so it is not shown in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.starts_with("x-") { "x-(redacted)" } else { &self.0 })
    }
}

impl serde::Serialize for SectionName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<C> Encode<C> for SectionName {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for SectionName {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(|_| minicbor::decode::Error::message("not a section"))
    }
}
