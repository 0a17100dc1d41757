//! Where a relay keeps its envelopes.

use std::path::PathBuf;
use std::str::FromStr;

/// A store, as `--store` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// `sqlite:PATH`, a file on this machine.
    Sqlite(PathBuf),
}

/// The text names no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a store; write sqlite:PATH, for example sqlite:/var/lib/passport/relay.sqlite")]
pub(crate) struct ParseStoreError;

impl FromStr for Store {
    type Err = ParseStoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err(ParseStoreError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_their_kind() {
        let store = "sqlite:a/b.sqlite".parse::<Store>().unwrap();
        assert_eq!(store, Store::Sqlite(PathBuf::from("a/b.sqlite")));
        for bad in ["", "a.sqlite", "sqlite:", "mysql:x"] {
            assert_eq!(bad.parse::<Store>(), Err(ParseStoreError));
        }
    }
}
