//! Typed values of fields.

use core::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

use super::Attachment;
use crate::id::EntryId;
use crate::time::Timestamp;

/// Upper bounds on values, in bytes of UTF-8 unless said otherwise.
pub mod limits {
    /// A short text, a code's parts, a unit.
    pub const TEXT: usize = 4 * 1024;
    /// A long text.
    pub const PROSE: usize = 64 * 1024;
    /// Incoming content kept verbatim.
    pub const SOURCE: usize = 96 * 1024;
    /// Digits, sign and point of a quantity.
    pub const NUMBER: usize = 40;
    /// A file: 25 MiB.
    pub const FILE: u64 = 25 * 1024 * 1024;
}

/// The value of one field.
///
/// CBOR: `[variant: uint, …]`, see PROTOCOL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(flat)]
pub enum Value {
    /// A short text.
    #[n(0)]
    Text(#[n(0)] String),
    /// A long text; merged character by character.
    #[n(1)]
    Prose(#[n(0)] String),
    /// A coded term.
    #[n(2)]
    Code(#[n(0)] Code),
    /// A partial date.
    #[n(3)]
    Date(#[n(0)] PartialDate),
    /// A period.
    #[n(4)]
    Period(#[n(0)] Period),
    /// A quantity.
    #[n(5)]
    Quantity(#[n(0)] Quantity),
    /// Yes or no.
    #[n(6)]
    Boolean(#[n(0)] bool),
    /// One of a fixed list.
    #[n(7)]
    Choice(#[n(0)] String),
    /// A reference to an entry.
    #[n(8)]
    Entry(#[n(0)] EntryId),
    /// A file kept beside the record.
    #[n(9)]
    Attachment(#[n(0)] Attachment),
    /// Verbatim incoming content.
    #[n(10)]
    Source {
        /// Media type, as `application/fhir+json`.
        #[n(0)]
        media_type: String,
        /// The content, unchanged.
        #[n(1)]
        content: String,
    },
}

/// A coded term: what it says, and how a system of codes says it (FHIR `CodeableConcept` with
/// one coding).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Code {
    /// Canonical URL of the code system.
    #[n(0)]
    pub system: Option<String>,
    /// The code.
    #[n(1)]
    pub code: Option<String>,
    /// The system's display.
    #[n(2)]
    pub display: Option<String>,
    /// The words as first written.
    #[n(3)]
    pub text: Option<String>,
}

impl Code {
    /// A term in words alone.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// The words to show: original text, else display, else the code.
    #[must_use]
    pub fn words(&self) -> &str {
        self.text.as_deref().or(self.display.as_deref()).or(self.code.as_deref()).unwrap_or("")
    }
}

/// A date known to the year, month, day or second: `2026`, `2026-10`, `2026-10-03` or an RFC
/// 3339 instant (FHIR `dateTime`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialDate(String);

impl PartialDate {
    /// The date as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The day of a moment, in UTC.
    #[must_use]
    pub fn day_of(at: Timestamp) -> Self {
        Self(at.date())
    }

    /// The moment itself.
    #[must_use]
    pub fn instant(at: Timestamp) -> Self {
        Self(at.to_string())
    }

    /// The earliest moment that this date can mean, taking dates as UTC.
    #[must_use]
    pub fn earliest(&self) -> Option<Timestamp> {
        let padded = match self.0.len() {
            4 => format!("{}-01-01T00:00:00Z", self.0),
            7 => format!("{}-01T00:00:00Z", self.0),
            10 => format!("{}T00:00:00Z", self.0),
            _ => self.0.clone(),
        };
        padded.parse().ok()
    }
}

impl FromStr for PartialDate {
    type Err = ValueError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let digits_and_dashes = s.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let valid = match s.len() {
            4 => digits_and_dashes && s.bytes().all(|b| b.is_ascii_digit()) && s != "0000",
            7 => digits_and_dashes && format!("{s}-01").parse::<jiff::civil::Date>().is_ok(),
            10 => digits_and_dashes && s.parse::<jiff::civil::Date>().is_ok(),
            20..=35 => s.as_bytes().get(10) == Some(&b'T') && s.parse::<jiff::Timestamp>().is_ok(),
            _ => false,
        };
        if valid { Ok(Self(s.to_owned())) } else { Err(ValueError::Date) }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for PartialDate {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PartialDate {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(|_| minicbor::decode::Error::message("not a date"))
    }
}

/// A start and an end, either of which may be open (FHIR `Period`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Period {
    /// When it began.
    #[n(0)]
    pub start: Option<PartialDate>,
    /// When it ended.
    #[n(1)]
    pub end: Option<PartialDate>,
}

/// A number with a unit (FHIR `Quantity`). The number keeps its written precision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Quantity {
    /// A decimal as written, such as `20` or `0.50`.
    #[n(0)]
    pub value: String,
    /// The unit for people, such as `mg`.
    #[n(1)]
    pub unit: Option<String>,
    /// The UCUM code, where known.
    #[n(2)]
    pub code: Option<String>,
}

/// Why a value is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// Not a partial date.
    #[error("not a date of the form 2026, 2026-10, 2026-10-03 or 2026-10-03T09:30:00Z")]
    Date,
    /// Not a decimal number.
    #[error("not a decimal number")]
    Number,
    /// A text is longer than its field allows.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A text or file that must say something is empty.
    #[error("empty")]
    Empty,
    /// A file is larger than files may be.
    #[error("larger than {} bytes", limits::FILE)]
    FileTooLarge,
}

impl Value {
    /// Checks the value's own limits and forms; whether it suits its field is
    /// [`super::FieldKind::admits`].
    ///
    /// # Errors
    /// Returns [`ValueError`].
    pub fn check(&self) -> Result<(), ValueError> {
        match self {
            Self::Text(t) | Self::Choice(t) => within(t, limits::TEXT),
            Self::Prose(t) => within(t, limits::PROSE),
            Self::Code(c) => {
                let parts = [&c.system, &c.code, &c.display, &c.text];
                parts.into_iter().flatten().try_for_each(|p| within(p, limits::TEXT))?;
                if c.words().is_empty() { Err(ValueError::Empty) } else { Ok(()) }
            }
            Self::Quantity(q) => {
                [&q.unit, &q.code]
                    .into_iter()
                    .flatten()
                    .try_for_each(|p| within(p, limits::TEXT))?;
                q.check_number()
            }
            Self::Attachment(a) => {
                within(&a.media_type, limits::TEXT)?;
                within(&a.title, limits::TEXT)?;
                match a.size {
                    0 => Err(ValueError::Empty),
                    1..=limits::FILE => Ok(()),
                    _ => Err(ValueError::FileTooLarge),
                }
            }
            Self::Source { media_type, content } => {
                within(media_type, limits::TEXT)?;
                within(content, limits::SOURCE)
            }
            Self::Period(p) if p.start.is_none() && p.end.is_none() => Err(ValueError::Empty),
            Self::Date(_) | Self::Period(_) | Self::Boolean(_) | Self::Entry(_) => Ok(()),
        }
    }
}

impl Quantity {
    fn check_number(&self) -> Result<(), ValueError> {
        let number = self.value.strip_prefix('-').unwrap_or(&self.value);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if self.value.len() <= limits::NUMBER && digits(whole) && digits(fraction) {
            Ok(())
        } else {
            Err(ValueError::Number)
        }
    }
}

fn within(text: &str, limit: usize) -> Result<(), ValueError> {
    if text.len() <= limit { Ok(()) } else { Err(ValueError::TooLong { limit }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn partial_dates_are_checked_and_placed_in_time() {
        for good in
            ["2026", "2026-10", "2026-10-03", "2026-10-03T09:30:00Z", "2026-10-03T09:30:00+01:00"]
        {
            assert!(good.parse::<PartialDate>().is_ok(), "{good}");
        }
        for bad in ["", "26", "2026-13", "2026-02-30", "2026-1-3", "2026-10-03 09:30", "0000"] {
            assert!(bad.parse::<PartialDate>().is_err(), "{bad}");
        }
        let month: PartialDate = "2026-10".parse().unwrap();
        assert_eq!(month.earliest().unwrap().to_string(), "2026-10-01T00:00:00Z");
    }

    #[test]
    fn values_have_one_encoding() {
        let value =
            Value::Quantity(Quantity { value: "0.50".into(), unit: Some("mg".into()), code: None });
        let bytes = codec::encode(&value);
        assert_eq!(codec::decode::<Value>(&bytes, 100).unwrap(), value);
        assert!(value.check().is_ok());
        let bad = Value::Quantity(Quantity { value: "1e9".into(), unit: None, code: None });
        assert_eq!(bad.check(), Err(ValueError::Number));
    }
}
