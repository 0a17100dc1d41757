//! Spans and dates as people write them: `30d`, `12 months`, `2h`, `2027-07-31`.

use std::str::FromStr;

use jiff::{Span, Timestamp as Moment, ToSpan as _, tz::TimeZone};
use passport_core::section::PartialDate;
use passport_core::time::{DAY_SECONDS, Timestamp};

/// A date, or a span counted from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A date or moment.
    On(PartialDate),
    /// So much before or after now.
    Away(Away),
}

/// A span in one unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Away {
    count: i32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// The text is neither a date nor a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a span such as 2h, 30d, 6 weeks, 12 months, nor a date such as 2027-07-31")]
pub(crate) struct ParseWhenError;

/// The moment lies beyond what the calendar can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too far away")]
pub(crate) struct TooFarError;

impl When {
    /// The last moment meant: a day, month or year ends with its last second, in UTC.
    ///
    /// # Errors
    /// Returns [`TooFarError`].
    pub(crate) fn until(&self, now: Timestamp) -> Result<Timestamp, TooFarError> {
        match self {
            Self::On(date) => last_moment(date),
            Self::Away(away) => away.after(now),
        }
    }

    /// The first moment meant: a day begins at midnight, in UTC; a span reaches back from now.
    ///
    /// # Errors
    /// Returns [`TooFarError`].
    pub(crate) fn since(&self, now: Timestamp) -> Result<Timestamp, TooFarError> {
        match self {
            Self::On(date) => date.earliest().ok_or(TooFarError),
            Self::Away(away) => away.before(now),
        }
    }
}

impl Away {
    /// The moment this long after `now`.
    ///
    /// # Errors
    /// Returns [`TooFarError`].
    pub(crate) fn after(self, now: Timestamp) -> Result<Timestamp, TooFarError> {
        shift(now, self.span()?)
    }

    fn before(self, now: Timestamp) -> Result<Timestamp, TooFarError> {
        shift(now, self.span()?.negate())
    }

    fn span(self) -> Result<Span, TooFarError> {
        let empty = Span::new();
        match self.unit {
            Unit::Second => empty.try_seconds(self.count),
            Unit::Minute => empty.try_minutes(self.count),
            Unit::Hour => empty.try_hours(self.count),
            Unit::Day => empty.try_days(self.count),
            Unit::Week => empty.try_weeks(self.count),
            Unit::Month => empty.try_months(self.count),
            Unit::Year => empty.try_years(self.count),
        }
        .map_err(|_| TooFarError)
    }
}

impl FromStr for When {
    type Err = ParseWhenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        text.parse().map(Self::Away).or_else(|_| {
            let date = text.parse().map(Self::On);
            date.map_err(|_| ParseWhenError)
        })
    }
}

impl FromStr for Away {
    type Err = ParseWhenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits).ok_or(ParseWhenError)?;
        let count = count.parse().map_err(|_| ParseWhenError)?;
        let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
            "s" | "second" | "seconds" => Unit::Second,
            "m" | "min" | "minute" | "minutes" => Unit::Minute,
            "h" | "hour" | "hours" => Unit::Hour,
            "d" | "day" | "days" => Unit::Day,
            "w" | "week" | "weeks" => Unit::Week,
            "mo" | "month" | "months" => Unit::Month,
            "y" | "year" | "years" => Unit::Year,
            _ => return Err(ParseWhenError),
        };
        Ok(Self { count, unit })
    }
}

/// Moves by calendar months and years, so that 12 months from the 31st ends on a real day.
fn shift(from: Timestamp, span: Span) -> Result<Timestamp, TooFarError> {
    let moment = Moment::from_second(from.as_seconds()).map_err(|_| TooFarError)?;
    let moved = moment.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| TooFarError)?;
    Ok(Timestamp::from_seconds(moved.timestamp().as_second()))
}

fn last_moment(date: &PartialDate) -> Result<Timestamp, TooFarError> {
    let first = date.earliest().ok_or(TooFarError)?;
    let next = match date.as_str().len() {
        4 => shift(first, 1.year())?,
        7 => shift(first, 1.month())?,
        10 => Timestamp::from_seconds(first.as_seconds().saturating_add(DAY_SECONDS)),
        _ => return Ok(first),
    };
    Ok(Timestamp::from_seconds(next.as_seconds().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-08-31T10:00:00Z".parse().unwrap()
    }

    fn until(text: &str) -> String {
        text.parse::<When>().unwrap().until(now()).unwrap().to_string()
    }

    fn since(text: &str) -> String {
        text.parse::<When>().unwrap().since(now()).unwrap().to_string()
    }

    #[test]
    fn spans_count_from_now() {
        assert_eq!(until("2h"), "2026-08-31T12:00:00Z");
        assert_eq!(until("30d"), "2026-09-30T10:00:00Z");
        assert_eq!(until("12 months"), "2027-08-31T10:00:00Z");
        assert_eq!(until("6 Months"), "2027-02-28T10:00:00Z");
        assert_eq!(since("7 days"), "2026-08-24T10:00:00Z");
        assert_eq!(since("72h"), "2026-08-28T10:00:00Z");
    }

    #[test]
    fn dates_last_to_their_end_and_begin_at_midnight() {
        assert_eq!(until("2027-07-31"), "2027-07-31T23:59:59Z");
        assert_eq!(until("2028-02"), "2028-02-29T23:59:59Z");
        assert_eq!(until("2027"), "2027-12-31T23:59:59Z");
        assert_eq!(until("2027-07-31T09:30:00+01:00"), "2027-07-31T08:30:00Z");
        assert_eq!(since("2026-08-01"), "2026-08-01T00:00:00Z");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in
            ["", "d", "-3d", "3", "3 fortnights", "tomorrow", "2027-02-30", "9999999999d", "1.5h"]
        {
            assert!(bad.parse::<When>().is_err() || bad == "3", "{bad}");
        }
        let far: When = "2000000000 years".parse().unwrap();
        assert_eq!(far.until(now()), Err(TooFarError));
    }
}
