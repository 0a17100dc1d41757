//! The address of a relay.

use core::fmt;
use std::str::FromStr;

/// `https://` or `http://`, a host, perhaps a port and a path; without a slash at the end, so
/// that one relay has one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RelayUrl(String);

/// The text is not the address of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a relay's address; write it like https://relay.example:7700")]
pub(crate) struct ParseRelayUrlError;

impl RelayUrl {
    /// The address as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelayUrl {
    type Err = ParseRelayUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(ParseRelayUrlError)?;
        let scheme = scheme.to_ascii_lowercase();
        let rest = rest.trim_end_matches('/');
        let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
        // No user name, query or fragment: a relay knows its clients by their keys.
        let plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"@?#\\\"<>".contains(&b));
        // An address that no exchange could use is better refused where it is typed.
        if !matches!(scheme.as_str(), "https" | "http")
            || !plain
            || host.is_empty()
            || host.starts_with(':')
        {
            return Err(ParseRelayUrlError);
        }
        let path = rest.get(host.len()..).unwrap_or_default();
        Ok(Self(format!("{scheme}://{host}{path}")))
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_relay_has_one_spelling() {
        for text in
            ["http://relay.example/a", "HTTP://Relay.Example/a/", " http://relay.example/a "]
        {
            assert_eq!(text.parse::<RelayUrl>().unwrap().to_string(), "http://relay.example/a");
        }
        let local: RelayUrl = "http://127.0.0.1:7700/".parse().unwrap();
        assert_eq!(local.as_str(), "http://127.0.0.1:7700");
    }

    #[test]
    fn other_addresses_are_refused() {
        for bad in [
            "",
            "relay.example",
            "ftp://x",
            "http://",
            "http:///a",
            "http://:80",
            "http://u:p@x",
            "http://x?y",
            "http://x y",
            "https://",
        ] {
            assert!(bad.parse::<RelayUrl>().is_err(), "{bad}");
        }
    }
}
