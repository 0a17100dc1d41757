//! `passport device add`.

use std::path::PathBuf;

use clap::Args;
use passport_core::holder::PendingDevice;
use passport_sync::client::Remote;

use crate::app::App;
use crate::duration::Away;
use crate::error::CliError;
use crate::files;
use crate::passport;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;
use serde_json::json;

/// Shows a code that lets this new device join your passport
///
/// Run this on the new device; then run `passport device approve CODE` on the one you have.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport device add --remote https://relay.example:7700\n\
\x20 passport device add --remote https://relay.example:7700 --temporary 2h")]
pub(crate) struct Add {
    /// Only for a while, on a borrowed or shared device, for example 2h
    #[arg(long, value_name = "DURATION")]
    temporary: Option<Away>,
    /// The relay that your passport uses; can be given several times
    #[arg(long = "remote", value_name = "URL", required_unless_present = "request")]
    remotes: Vec<RelayUrl>,
    /// Writes the request to a file to carry to the other device, where there is no relay
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { temporary, remotes, request } = self;
        let expires = temporary.map(|away| away.after(app.now())).transpose();
        let expires =
            expires.map_err(|e| CliError::usage("`--temporary` has no end").caused_by(e))?;
        let urls = app.usable(&remotes)?;
        let code = passport::create(app, &mut os_rng()?, |vault, rng| {
            let pending = PendingDevice::create(vault, &urls, expires, rng)?;
            let (bytes, code) = pending.request();
            if let Some(file) = &request {
                files::write(file, bytes)?;
            }
            for url in &urls {
                let key = pending.request_key().clone();
                let mut remote = Remote::new(url, key, app.remote())?;
                remote.put_object(bytes, app.now(), rng)?;
            }
            Ok(code.to_string())
        })?;
        app.output().answer(&json!({ "code": code }), |_| code.clone())?;
        app.output().say(&format!(
            "Within the hour, on a device that is in: passport device approve {code}\n\
             then `passport sync` there, and here."
        ));
        Ok(())
    }
}
