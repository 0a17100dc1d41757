//! `passport link create`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use data_encoding::BASE64URL_NOPAD;
use passport_core::fhir::smart::{Flags, HealthLink, SmartError, jwe};
use passport_core::holder::KeptLink;
use passport_core::id::ObjectId;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_core::time::{DAY_SECONDS, Timestamp};
use passport_sync::wire::{LINK_URL_MAX, LinkPasscode, NewLink, SHL_PATH};
use rand_core::CryptoRng;
use serde_json::json;
use zeroize::Zeroizing;

use super::relay;
use crate::app::App;
use crate::duration::When;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::help;
use crate::holder::export::fhir;
use crate::passport::{self, Passport};
use crate::qr;
use crate::rng::os_rng;

/// Wrong passcodes taken over a link's whole life.
const ATTEMPTS: u32 = 5;
/// Days that a link lasts when nobody says.
/// Most bytes of files behind a link: a relay keeps no more than 1 MiB of it in all.
const FILES_BYTES: u64 = 256 * 1024;
const DAYS: i64 = 7;
/// Longest label, in characters (HL7 SMART Health Links 1.0).
const LABEL_MAX: usize = 80;

/// How a link is opened.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Flag {
    /// It is meant to be kept and opened again
    #[value(name = "L")]
    Long,
    /// One file, fetched directly; never with a passcode
    #[value(name = "U")]
    Direct,
}

/// Makes a link that shows sections as they are now, in a browser
///
/// Whoever has the link can read them until it ends or you revoke it. The relay keeps them
/// encrypted and cannot read them. What was read cannot be taken back.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport link create allergies medications --until 2d\n\
\x20 passport link create medications --passcode 4711 --label \"For the pharmacy\" --qr link.svg"))]
pub(crate) struct Create {
    /// The sections
    #[arg(value_name = "SECTION", required = true)]
    sections: Vec<SectionName>,
    /// What to ask for beside the link; tell it in another way than the link
    #[arg(long, value_name = "P")]
    passcode: Option<String>,
    /// When it ends: a date or a span; seven days when left out
    #[arg(long, value_name = "DATE|DURATION")]
    until: Option<When>,
    /// A few words that show who it is for
    #[arg(long, value_name = "T", default_value = "")]
    label: String,
    /// How it is opened
    #[arg(long = "flag", value_enum, value_name = "FLAG")]
    flags: Vec<Flag>,
    /// Also draws the link as a code to scan: a PNG picture where the name ends so, on the
    /// terminal where it is `-`, otherwise SVG
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
}

impl Create {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        self.check()?;
        let now = app.now();
        let far = |e| CliError::usage("`--until` has no end").caused_by(e);
        let until = self.until.as_ref().map(|until| until.until(now)).transpose().map_err(far)?;
        let week = now.as_seconds().saturating_add(DAYS.saturating_mul(DAY_SECONDS));
        let until = until.unwrap_or(Timestamp::from_seconds(week));
        let mut passport = passport::open(app)?;
        let Some(url) = passport.fold().relays.first().cloned() else {
            return Err(CliError::user("there is no relay to keep the link")
                .hint("add one with `passport remote add URL`"));
        };
        let views = passport::views(&mut passport, &self.sections)?;
        let document = fhir(app, &mut passport, &views, true, FILES_BYTES)?;
        self.ask(app)?;
        let link = self.put(app, &passport, (&url, until), &document, &mut os_rng()?)?;
        let id = link.1;
        passport.keep_link(&KeptLink {
            id,
            relay: url,
            label: self.label.clone(),
            sections: self.sections.clone(),
            made: now,
            until,
        })?;
        if let Some(file) = &self.qr {
            qr::write(app, file, &link.0)?;
        }
        let answer = json!({
            "id": id, "link": *link.0, "label": self.label, "sections": self.sections,
            "until": until, "passcode": self.passcode.is_some(),
        });
        app.output().answer(&answer, |_| link.0.to_string())
    }

    fn check(&self) -> Result<(), CliError> {
        if self.label.chars().count() > LABEL_MAX {
            return Err(CliError::usage(format!("a label has at most {LABEL_MAX} characters")));
        }
        if self.flags.contains(&Flag::Direct) && self.passcode.is_some() {
            return Err(CliError::usage("a link with the flag U asks for no passcode")
                .hint("leave out one of the two"));
        }
        if self.passcode.as_ref().is_some_and(|p| p.chars().count() < 4) {
            return Err(CliError::usage("a passcode has at least four characters"));
        }
        if self.sections.iter().any(|s| !s.spec().shareable) {
            return Err(CliError::user("what you keep back can never be shared"));
        }
        Ok(())
    }

    fn ask(&self, app: &App) -> Result<(), CliError> {
        let titles: Vec<String> =
            self.sections.iter().map(|s| neutralise_line(s.spec().title)).collect();
        app.output().say(&format!("Whoever has the link can read: {}.", titles.join(", ")));
        app.confirm().ask("Make it?")
    }

    /// Encrypts the document, leaves it at the relay, and says with what it opens.
    fn put(
        &self,
        app: &App,
        passport: &Passport,
        (url, until): (&str, Timestamp),
        document: &serde_json::Value,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Zeroizing<String>, ObjectId), CliError> {
        let (mut id, mut key, mut iv) = ([0; 32], Zeroizing::new([0; 32]), [0; 12]);
        let (mut tickets, mut salt) = ([0; 32], [0; 16]);
        for bytes in [&mut id[..], &mut key[..], &mut iv, &mut tickets, &mut salt] {
            rng.fill_bytes(bytes);
        }
        let shl = format!("{url}{SHL_PATH}{}", BASE64URL_NOPAD.encode(&id));
        if shl.len() > LINK_URL_MAX {
            return Err(CliError::user("the relay's address is too long for a link"));
        }
        let direct = self.flags.contains(&Flag::Direct);
        let passcode = self.passcode.as_deref();
        let unmade = |source: SmartError| {
            CliError::new(ExitCode::Bug, "the link cannot be made").caused_by(source)
        };
        let file = jwe::encrypt(&key, &iv, document.to_string().as_bytes()).map_err(unmade)?;
        let link = NewLink {
            until,
            direct,
            url: shl.clone(),
            tickets,
            passcode: passcode.map(|p| LinkPasscode::new(p, salt, ATTEMPTS)),
            file: file.into_bytes().into(),
        };
        let id = ObjectId::from_bytes(id);
        relay(app, passport, url)?.put_link(&id, &link, app.now(), rng)?;
        let long = self.flags.contains(&Flag::Long);
        let made = HealthLink {
            url: shl,
            key,
            until: Some(until),
            flags: Flags { long, passcode: passcode.is_some(), direct },
            label: self.label.clone(),
        };
        Ok((made.to_text().map_err(unmade)?, id))
    }
}
