//! `passport code`.

use std::path::PathBuf;

use clap::Args;
use data_encoding::BASE64URL_NOPAD;
use passport_core::codec;

use crate::app::App;
use crate::error::CliError;
use crate::{passport, qr};
use serde_json::json;

/// How a student code begins. After it: base64url (RFC 4648 §5) of the CBOR array
/// `[version, passport, key of its mailbox, relays]`.
const PREFIX: &str = "passport-student:";

/// Prints your student code: give it to a service so that it can ask you for access
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport code\n\
\x20 passport code --qr my-code.svg")]
pub(crate) struct Code {
    /// Also draws the code as a code to scan: a PNG picture where the name ends so, on the
    /// terminal where it is `-`, otherwise SVG
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
}

impl Code {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { qr } = self;
        let passport = passport::open(app)?;
        let fold = passport.fold();
        let said = (1_u8, passport.passport(), fold.locator, fold.relays.clone());
        let code = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&codec::encode(&said)));
        if let Some(file) = &qr {
            qr::write(app, file, &code)?;
        }
        app.output().answer(&json!({ "code": code }), |_| code.clone())
    }
}
