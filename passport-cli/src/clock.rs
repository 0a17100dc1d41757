//! The only place that reads the clock.

use passport_core::time::Timestamp;

/// The time of day, or the moment that `--now` pretends it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pretended: Option<Timestamp>,
}

impl Clock {
    /// The machine's clock, or `pretended` for ever.
    pub(crate) const fn new(pretended: Option<Timestamp>) -> Self {
        Self { pretended }
    }

    /// The moment that `--now` pretends it is, if it does.
    pub(crate) const fn pretended(self) -> Option<Timestamp> {
        self.pretended
    }

    /// Now, in whole seconds.
    ///
    /// A clock set before 1970 reads as 1970, so that grants fail closed.
    pub(crate) fn now(self) -> Timestamp {
        self.pretended.unwrap_or_else(read)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn read() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |d| d.as_secs());
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pretended_moment_stands_still() {
        let moment = Timestamp::from_seconds(1_800_000_000);
        assert_eq!(Clock::new(Some(moment)).now(), moment);
        assert!(Clock::new(None).now() > Timestamp::from_seconds(1_700_000_000));
    }
}
