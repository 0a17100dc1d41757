//! Where a relay keeps its envelopes.

use std::path::PathBuf;
use std::str::FromStr;

use passport_sync::store::{SqliteFile, StoreError};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::CliError;

/// A store, as `--store` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Store {
    /// `sqlite:PATH`, a file on this machine.
    Sqlite(PathBuf),
}

/// The text names no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a store; write sqlite:PATH, for example sqlite:/var/lib/passport/relay.sqlite")]
pub(crate) struct ParseStoreError;

/// The file of a store, or of the one in the home directory.
pub(crate) fn file(app: &App, store: Option<Store>) -> PathBuf {
    match store {
        Some(Store::Sqlite(path)) => path,
        None => app.home().dir().join("relay.sqlite"),
    }
}

/// Opens a relay's database beside the relay.
///
/// # Errors
/// Returns an error when there is none that can be used.
pub(crate) fn look_at(app: &App, store: Option<Store>) -> Result<SqliteFile, CliError> {
    SqliteFile::open(&file(app, store)).map_err(unusable)
}

/// A store that cannot be used.
pub(crate) fn unusable(source: StoreError) -> CliError {
    CliError::user("the relay's database cannot be used")
        .caused_by(source)
        .hint("name it with --store sqlite:PATH, as for `passport relay serve`")
}

impl TryFrom<String> for Store {
    type Error = ParseStoreError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Store> for String {
    fn from(store: Store) -> Self {
        match store {
            Store::Sqlite(path) => format!("sqlite:{}", path.display()),
        }
    }
}

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
