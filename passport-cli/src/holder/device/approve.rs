//! `passport device approve`.

use std::path::PathBuf;

use clap::Args;
use passport_core::keys::EnrolmentCode;
use passport_core::party::Party as _;
use passport_sync::client::Remote;

use crate::app::App;
use crate::error::CliError;
use crate::files;
use crate::passport::{self, Passport};
use crate::rng::os_rng;
use rand_core::CryptoRng;
use serde_json::json;

/// Lets a new device join, after comparing its code
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport device approve 7K3M-9QXR-2BVN-0HTD-P5WE-8JAC-Z4")]
pub(crate) struct Approve {
    /// The code the new device shows
    #[arg(value_name = "CODE", required_unless_present = "request")]
    code: Option<EnrolmentCode>,
    /// The file in which the new device wrote its request, where there is no relay
    #[arg(long, value_name = "FILE", conflicts_with = "code")]
    request: Option<PathBuf>,
    /// What to call the new device; a number follows if one is called so already
    #[arg(long, value_name = "NAME", default_value = "device")]
    name: String,
}

impl Approve {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { code, request, name } = self;
        let mut passport = passport::open(app)?;
        let mut rng = os_rng()?;
        let request = match (request, code) {
            (Some(file), _) => files::read(&file, REQUEST_BYTES_MAX)?,
            (None, Some(code)) => find(app, &passport, &code, &mut rng)?,
            (None, None) => return Err(CliError::usage("name the code that the new device shows")),
        };
        let words = passport.words_for(&request)?.map_err(|source| {
            CliError::user("the four words cannot be worked out").caused_by(source)
        })?;
        app.output().say(&format!("The new device will show these four words: {words}"));
        app.output().say("If it shows others, shut it out with `passport device remove`.");
        app.confirm().ask("Let it read and write everything in your passport?")?;
        let device = passport.approve_device(&request, &name, app.now(), &mut rng)?;
        app.output().say("Now `passport sync` here, then on the new device.");
        let answer = json!({"device": device, "words": words.to_string()});
        let named = passport.fold().devices.get(&device).map_or(name, |d| d.name.clone());
        app.output().answer(&answer, |_| format!("Let in: {named}."))
    }
}

/// Largest request, in bytes.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// Looks for the request of a code at the passport's relays.
fn find(
    app: &App,
    passport: &Passport,
    code: &EnrolmentCode,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, CliError> {
    let mut failed: Option<CliError> = None;
    for url in &passport.fold().relays {
        let key = passport.request_key().clone();
        let found = Remote::new(url, key, app.remote())
            .and_then(|mut remote| remote.find_request(code, app.now(), rng));
        match found {
            Ok(Some(request)) => return Ok(request),
            Ok(None) => {}
            Err(error) => failed = Some(error.into()),
        }
    }
    Err(failed.unwrap_or_else(|| {
        CliError::user("no new device with this code was found at your relays")
            .hint("is the code right? it can be used for an hour")
            .hint("the new device must name one of your relays: `passport remote list`")
    }))
}
