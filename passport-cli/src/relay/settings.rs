//! How a relay is set up: by flags, by the environment, by a file, or not at all.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use passport_sync::relay::RelayConfig;
use passport_sync::tls::Identity;
use serde::{Deserialize, Serialize};

use super::store::Store;
use crate::error::CliError;

/// Everything that can be set. A flag counts before the environment, that before the file, and
/// that before the default; all three have the same names.
#[derive(Args, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// The address and port to listen on [default: 127.0.0.1:7700]
    #[arg(long, value_name = "ADDRESS", env = "PASSPORT_RELAY_LISTEN", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where it keeps the envelopes; in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH", env = "PASSPORT_RELAY_STORE", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<Store>,
    /// A PEM file with the relay's certificate and those that lead to its authority; with
    /// --tls-key, the relay speaks https. Both are read anew at SIGHUP
    #[arg(long, value_name = "FILE", env = "PASSPORT_RELAY_TLS_CERT", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert: Option<PathBuf>,
    /// A PEM file with the certificate's key
    #[arg(long, value_name = "FILE", env = "PASSPORT_RELAY_TLS_KEY", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_key: Option<PathBuf>,
    /// The host and port by which clients reach it, if that is not the address it listens on,
    /// for example behind a proxy; can be given several times
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "PASSPORT_RELAY_AUTHORITY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<Vec<String>>,
    /// Where Prometheus may fetch metrics, best on this machine alone; nowhere when left out
    #[arg(long, value_name = "ADDRESS", env = "PASSPORT_RELAY_METRICS", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<SocketAddr>,
    #[command(flatten)]
    #[serde(flatten)]
    limits: Limits,
}

/// Defines the limits: what each is, its flag, and where in a [`RelayConfig`] it goes.
macro_rules! limits {
    ($($(#[$words:meta])* $name:ident: $kind:ty, $env:literal => $($path:ident).+;)*) => {
        /// How much a relay takes from whom.
        #[derive(Args, Debug, Default, Serialize, Deserialize)]
        #[command(next_help_heading = "Limits")]
        #[serde(rename_all = "kebab-case")]
        struct Limits {
            $(
                $(#[$words])*
                #[arg(long, value_name = "NUMBER", env = $env, hide_env_values = true)]
                #[serde(skip_serializing_if = "Option::is_none")]
                $name: Option<$kind>,
            )*
        }

        impl Limits {
            /// Sets whatever was left out.
            fn complete(&mut self, from: &RelayConfig) {
                $(self.$name.get_or_insert(from.$($path).+);)*
            }

            fn apply(&self, to: &mut RelayConfig) {
                $(if let Some(number) = self.$name { to.$($path).+ = number; })*
            }
        }
    };
}

limits! {
    /// Connections at once; for whoever comes then, an idle or the oldest one leaves
    connections: usize, "PASSPORT_RELAY_CONNECTIONS" => connections_max;
    /// Requests of one key in a minute, at once or spread; 0 for any number
    requests_per_key: u32, "PASSPORT_RELAY_REQUESTS_PER_KEY" => requests_per_key;
    /// Requests from one address in a minute; 0 for any number, as behind a proxy
    requests_per_address: u32, "PASSPORT_RELAY_REQUESTS_PER_ADDRESS" => requests_per_address;
    /// Bytes of envelopes in one channel
    channel_bytes: u64, "PASSPORT_RELAY_CHANNEL_BYTES" => limits.channel_bytes;
    /// Bytes of new envelopes from one key in a day
    bytes_per_day: u64, "PASSPORT_RELAY_BYTES_PER_DAY" => limits.bytes_per_day;
    /// Letters in one mailbox
    mailbox_letters: u64, "PASSPORT_RELAY_MAILBOX_LETTERS" => limits.mailbox_letters;
    /// Bytes in one mailbox
    mailbox_bytes: u64, "PASSPORT_RELAY_MAILBOX_BYTES" => limits.mailbox_bytes;
    /// Letters of one sender in one mailbox
    sender_letters: u64, "PASSPORT_RELAY_SENDER_LETTERS" => limits.sender_letters;
    /// Bytes of one sender in one mailbox
    sender_bytes: u64, "PASSPORT_RELAY_SENDER_BYTES" => limits.sender_bytes;
    /// Letters from one sender in a day
    letters_per_day: u64, "PASSPORT_RELAY_LETTERS_PER_DAY" => limits.letters_per_day;
    /// Channels opened by one key in a day
    channels_per_day: u64, "PASSPORT_RELAY_CHANNELS_PER_DAY" => limits.channels_per_day;
    /// Small objects left by one key in a day, for devices to meet
    objects_per_day: u64, "PASSPORT_RELAY_OBJECTS_PER_DAY" => limits.blobs_per_day;
    /// Days that a letter is kept after its owner has read it
    letter_days: i64, "PASSPORT_RELAY_LETTER_DAYS" => limits.letter_days;
    /// Days that envelopes are kept which nobody may read any more
    unread_days: i64, "PASSPORT_RELAY_UNREAD_DAYS" => limits.unread_days;
}

impl Settings {
    /// These, completed by a file and by the defaults.
    ///
    /// # Errors
    /// Returns a usage error that names the key of the file that is not known, with the nearest
    /// that is, or what is wrong with its value.
    pub(crate) fn complete(self, file: Option<&Path>) -> Result<Self, CliError> {
        let mut settings = match file {
            None => self,
            Some(file) => self.over(read(file)?)?,
        };
        settings.listen.get_or_insert(SocketAddr::from(([127, 0, 0, 1], 7700)));
        settings.limits.complete(&RelayConfig::default());
        Ok(settings)
    }

    /// These, and what they leave out from others.
    fn over(self, others: Self) -> Result<Self, CliError> {
        let bug = || CliError::usage("the settings cannot be joined");
        let table = |of: Self| toml::Table::try_from(of).map_err(|e| bug().caused_by(e));
        let mut all = table(others)?;
        all.extend(table(self)?);
        all.try_into().map_err(|e| bug().caused_by(e))
    }

    /// As a file that sets the same. None of it is secret: keys are named by their files.
    pub(crate) fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// How the relay serves.
    ///
    /// # Errors
    /// Returns an error when a certificate or key is missing or cannot be used.
    pub(crate) fn config(&self) -> Result<RelayConfig, CliError> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(Arc::new(Identity::load(cert, key)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(CliError::usage("a certificate and its key come together")
                    .hint("set both of tls-cert and tls-key, or neither"));
            }
        };
        let authorities = self.authority.clone().unwrap_or_default();
        let mut config = RelayConfig { authorities, tls, ..RelayConfig::default() };
        self.limits.apply(&mut config);
        Ok(config)
    }
}

fn read(file: &Path) -> Result<Settings, CliError> {
    let wrong = |what: &str| CliError::usage(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| wrong("cannot be read").caused_by(e))?;
    let table: toml::Table = text.parse().map_err(|e| wrong("is not TOML").caused_by(e))?;
    let known = names();
    if let Some(key) = table.keys().find(|key| !known.contains(key)) {
        let distance = |name: &&String| strsim::damerau_levenshtein(name, key);
        let nearest = known.iter().min_by_key(distance).map_or("listen", String::as_str);
        let error = wrong(&format!("there is no setting `{key}`"));
        return Err(error
            .hint(format!("did you mean `{nearest}`?"))
            .hint("`passport relay serve --print-config` prints them all"));
    }
    toml::from_str(&text).map_err(|e| wrong("a setting has a value of another kind").caused_by(e))
}

/// What settings are called, in flags and files.
fn names() -> Vec<String> {
    let all = Settings::augment_args(clap::Command::new("settings"));
    all.get_arguments().filter_map(|a| Some(a.get_long()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    fn flags(words: &[&str]) -> Settings {
        Line::try_parse_from([&["settings"], words].concat()).unwrap().settings
    }

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn a_flag_counts_before_the_file_and_that_before_the_default() {
        let text = "listen = \"127.0.0.1:1\"\nrequests-per-key = 7\nletter-days = 3\n\
                    authority = [\"a:1\", \"b:2\"]\n";
        let (_folder, file) = file(text);
        let given = flags(&["--letter-days", "5", "--store", "sqlite:x"]);
        let settings = given.complete(Some(&file)).unwrap();
        let config = settings.config().unwrap();
        assert_eq!((config.requests_per_key, config.limits.letter_days), (7, 5));
        assert_eq!(config.authorities, ["a:1", "b:2"]);
        assert_eq!(config.limits.channel_bytes, RelayConfig::default().limits.channel_bytes);
        let printed = settings.to_toml();
        assert!(printed.contains("listen = \"127.0.0.1:1\"\n"), "{printed}");
        assert!(printed.contains("store = \"sqlite:x\"\n"), "{printed}");
        // What is printed sets the same.
        let (_folder, again) = tests::file(&printed);
        assert_eq!(flags(&[]).complete(Some(&again)).unwrap().to_toml(), printed);
    }

    #[test]
    fn every_setting_has_a_variable_of_its_name_and_a_default_or_none() {
        let all = Settings::augment_args(clap::Command::new("settings"));
        for argument in all.get_arguments() {
            let long = argument.get_long().unwrap();
            let variable = argument.get_env().unwrap().to_str().unwrap();
            let words = long.replace('-', "_").to_uppercase();
            assert_eq!(variable, format!("PASSPORT_RELAY_{words}"));
        }
        let printed = flags(&[]).complete(None).unwrap().to_toml();
        for name in names() {
            let optional = ["store", "tls-cert", "tls-key", "authority", "metrics"];
            let is_there = printed.lines().any(|l| l.starts_with(&format!("{name} = ")));
            assert_eq!(is_there, !optional.contains(&name.as_str()), "{name}\n{printed}");
        }
    }

    #[test]
    fn what_is_not_known_or_of_another_kind_is_refused_by_name() {
        let refused = |text: &str| {
            let (_folder, file) = file(text);
            flags(&[]).complete(Some(&file)).unwrap_err().to_text()
        };
        let misspelt = refused("reqests-per-key = 7");
        assert!(misspelt.contains("did you mean `requests-per-key`?"), "{misspelt}");
        assert!(refused("letter-days = \"many\"").contains("letter-days"), "the line is shown");
        assert!(refused("listen").contains("is not TOML"));
        let alone = flags(&["--tls-key", "key.pem"]).config().unwrap_err();
        assert!(alone.to_text().contains("tls-cert"));
    }
}
