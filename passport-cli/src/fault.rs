//! From what the domain refuses to what a person reads: a sentence, an exit code, what to do.

use passport_core::fhir::smart::SmartError;
use passport_core::party::PartyError;
use passport_core::replica::Refusal;
use passport_core::vault::VaultError;
use passport_sync::client::RemoteError;
use passport_sync::client::exchange::ViaExchangeError;
use passport_sync::tls::TlsError;

use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::page::pdf::PdfError;

impl From<VaultError> for CliError {
    fn from(error: VaultError) -> Self {
        let make = |code, said: &str| Self::new(code, said).caused_by(error);
        match error {
            VaultError::WrongPassphrase => {
                Self::new(ExitCode::VaultLocked, "the passphrase does not open this vault")
                    .hint("try again; capital letters and spaces count")
            }
            VaultError::Missing => Self::user("there is no passport here")
                .hint("start one with `passport init`, or say where it is with --home DIR"),
            VaultError::Exists => Self::user("there is a passport here already")
                .hint("use another directory with --home DIR; nothing here was changed"),
            VaultError::Busy => make(ExitCode::UserFixable, "another program has the vault open")
                .hint("wait until it has ended, then try again"),
            VaultError::Full => make(ExitCode::UserFixable, "nothing more fits on the disk")
                .hint("make room and try again; nothing was changed"),
            VaultError::UnknownVersion => {
                make(ExitCode::UserFixable, "this vault was made by a newer version")
                    .hint("install the newer version")
            }
            VaultError::Memory => make(ExitCode::UserFixable, "the vault cannot be unlocked")
                .hint("close other programs: unlocking takes 64 MiB of memory"),
            VaultError::TooLarge => make(ExitCode::UserFixable, "this is too large to keep"),
            VaultError::Io { .. } => make(ExitCode::UserFixable, "the vault cannot be used")
                .hint("is the directory there, and may you write in it?"),
            VaultError::NotAVault
            | VaultError::Parameters
            | VaultError::Damaged { .. }
            | VaultError::DamagedFile => make(ExitCode::VaultDamaged, "the vault is damaged")
                .hint("other devices and relays have what was sent: get it back with `passport recover` in an empty directory"),
            _ => make(ExitCode::VaultDamaged, "the vault cannot be used"),
        }
    }
}

impl From<PartyError> for CliError {
    fn from(error: PartyError) -> Self {
        let user = |said: &str| Self::user(said);
        match error {
            PartyError::Vault(vault) => vault.into(),
            PartyError::Journal(_) | PartyError::Damaged => {
                Self::new(ExitCode::VaultDamaged, "the vault's records do not fit together")
                    .caused_by(error)
                    .hint("get the passport back with `passport recover` in an empty directory")
            }
            PartyError::NotHolder => user("this is not a student's passport")
                .hint("for an organisation's vault, use the commands of `passport org`")
                .hint("a new device that waits to be let in goes on with `passport sync`"),
            PartyError::NotOrganisation => user("this is not an organisation's vault")
                .hint("start one with `passport org init` in another directory, with --home DIR"),
            PartyError::NoEpoch => {
                user("this section is not in the passport yet").hint("`passport add` begins it")
            }
            PartyError::NotHere => user("not all of this section is on this device yet")
                .hint("`passport sync` fetches the rest; nothing was changed"),
            PartyError::Closed => Self::new(
                ExitCode::VaultLocked,
                "what is kept back is closed, or nothing is kept back",
            )
            .hint("open it with --private, or name its passphrase with --private-passphrase-file FILE")
            .hint("`passport private set` begins to keep things back"),
            PartyError::AlreadyKept => user("something is kept back under this passphrase already")
                .hint("open it with --private; choose another passphrase for something apart"),
            PartyError::NoEntry => user("there is no such entry"),
            PartyError::NoSuggestion => user("there is no such suggestion, or it is settled")
                .hint("`passport suggestions` lists those that are open"),
            PartyError::NoContact => {
                user("there is no such contact").hint("add it with `passport contact add CARD`")
            }
            PartyError::NotIn => user("this device has not heard yet that it was let in")
                .hint("`passport sync` fetches the passport; nothing was changed"),
            PartyError::NoDevice => user("there is no such device that can be removed")
                .hint("`passport device list` lists them; remove this one from another"),
            PartyError::Ancestor => user("this device was let in by the one to remove, and would go with it")
                .hint("get a device from the 24 words, in another directory: `passport recover --remote URL`")
                .hint("that one can remove both, and let this one in again"),
            PartyError::UnverifiedContact => Self::new(
                ExitCode::VerificationFailed,
                "nobody has checked yet that this card is really theirs",
            )
            .hint("ask them for their four words, then `passport contact verify CONTACT`")
            .hint("or share all the same with --unverified"),
            PartyError::NoDeposits => user("deposits cannot be allowed yet")
                .hint("`--can contribute` lets them add entries, and read the section"),
            PartyError::NotShareable => user("this section can never be shared")
                .hint("move what you want to share to another section with `passport move`"),
            PartyError::NoGrant => {
                Self::new(ExitCode::NoGrant, "there is no consent in force that allows this")
                    .hint("`passport grants` lists who may do what, and until when")
            }
            PartyError::UnknownGrant => user("there is no such grant"),
            PartyError::NotLater => user("this consent does not end before then")
                .hint("to end it sooner, `passport revoke` it, and share anew until then"),
            PartyError::Ended => Self::usage("the end lies in the past")
                .hint("name a later date, or a span such as --until \"6 months\""),
            PartyError::Refused(refusal) => refused(refusal),
            PartyError::TooLarge | PartyError::Envelope(_) => {
                user("this is too large for one entry").caused_by(error)
            }
            PartyError::PartOfFile { .. } => user("the file has not all come yet")
                .caused_by(error)
                .hint("an exchange brings the rest: `passport sync`, or `passport org sync`")
                .hint("if it stays so, whoever added it has not sent all of it"),
            PartyError::NotTheFile => {
                Self::new(ExitCode::VerificationFailed, "the file is not what its entry says")
                    .caused_by(error)
                    .hint("ask whoever added it for another copy; nothing was saved")
            }
            PartyError::Enrolment => {
                Self::new(ExitCode::VerificationFailed, "the new device's request does not hold")
                    .hint("begin again with `passport device add` on the new device")
            }
            PartyError::Chain(_) | PartyError::Card(_) | PartyError::Wrap(_) => {
                Self::new(ExitCode::VerificationFailed, "keys or certificates do not hold")
                    .caused_by(error)
            }
            PartyError::WrongPhrase => user("these are not the present 24 words of this passport")
                .hint("the words are those that `passport init`, or the last `passport replace-phrase`, printed")
                .hint("nothing was changed"),
            PartyError::PhraseReplaced { at } => {
                user(&format!("these 24 words were replaced by others on {}", at.date()))
                    .hint("use the newer words; with these nothing can be had any more")
                    .hint("if you did not replace them, tell from another device who is in: `passport device list`")
            }
            PartyError::NothingToRecover => user("no passport of this phrase was found there")
                .hint("check the words and their order, and the relay's address")
                .hint("nothing was changed"),
            PartyError::Ledger(_) | PartyError::Charter(_) | _ => {
                Self::new(ExitCode::Bug, "this should not have happened").caused_by(error)
            }
        }
    }
}

fn refused(refusal: Refusal) -> CliError {
    let error = CliError::user("the change was not accepted; nothing was changed");
    let error = error.caused_by(refusal);
    let hint = match refusal {
        Refusal::Contested => {
            "several values stand in this field: `passport resolve` chooses one first"
        }
        Refusal::Schema => "that section holds no entry of this kind, or the kind no such field",
        Refusal::Exists => "it is there already",
        Refusal::Limit => "the section is full, or the entry has too many notes",
        Refusal::Right | Refusal::NotOwn | Refusal::SpeaksForAnother | Refusal::Ended => {
            "it is not yours to change: add a note or a suggestion instead"
        }
        Refusal::Value | Refusal::Required | Refusal::Position => {
            "`passport add SECTION --help` says what an entry may hold"
        }
        Refusal::Malformed
        | Refusal::Snapshot
        | Refusal::Dependency
        | Refusal::Sequence
        | Refusal::Phase
        | Refusal::Author
        | Refusal::Attestation
        | Refusal::NoEntry
        | Refusal::NoSuggestion
        | Refusal::Document
        | _ => return error,
    };
    error.hint(hint)
}

impl From<SmartError> for CliError {
    fn from(error: SmartError) -> Self {
        let (code, hint) = match error {
            SmartError::Sealed => {
                (ExitCode::VerificationFailed, "ask whoever gave the link for another")
            }
            SmartError::Signature => (
                ExitCode::VerificationFailed,
                "it was altered, or signed by somebody else: do not rely on it",
            ),
            SmartError::OtherKey => (
                ExitCode::VerificationFailed,
                "issuers publish their keys below their address, at /.well-known/jwks.json",
            ),
            SmartError::Ended => (
                ExitCode::VerificationFailed,
                "ask the issuer for a newer one, or take it in unverified, without --issuer-keys",
            ),
            SmartError::Parts => (
                ExitCode::UserFixable,
                "put the text of every code of one card into one file, one after another",
            ),
            SmartError::Card
            | SmartError::TooLarge
            | SmartError::Link
            | SmartError::Manifest
            | SmartError::Algorithm
            | SmartError::Keys
            | _ => {
                (ExitCode::UserFixable, "ask for it again where it came from; nothing was changed")
            }
        };
        Self::new(code, "the health card or link cannot be taken in").caused_by(error).hint(hint)
    }
}

impl From<PdfError> for CliError {
    fn from(error: PdfError) -> Self {
        Self::new(ExitCode::Bug, "the document cannot be made").caused_by(error)
    }
}

impl From<TlsError> for CliError {
    fn from(error: TlsError) -> Self {
        Self::usage("the certificates cannot be used")
            .caused_by(error)
            .hint("they are PEM files: certificates begin with -----BEGIN CERTIFICATE-----")
    }
}

impl From<RemoteError> for CliError {
    fn from(error: RemoteError) -> Self {
        match &error {
            RemoteError::Url => Self::usage("this is not the address of a relay")
                .hint("write it like https://relay.example:7700"),
            RemoteError::Plain => Self::usage("http:// reaches relays on this machine alone")
                .hint("use the relay's https:// address")
                .hint("in a network you trust, --allow-http or PASSPORT_ALLOW_HTTP=true allows it; what is sent is sealed and signed in any case"),
            RemoteError::Tls(_) => Self::usage("it is not known whom to believe about relays")
                .caused_by(error)
                .hint("install your system's certificate authorities, or name a file of them with --ca FILE"),
            RemoteError::Unreachable(_) => {
                Self::new(ExitCode::RelayUnreachable, "the relay cannot be reached")
                    .caused_by(error)
                    .hint("nothing is lost: what waits is sent with the next `passport sync`")
            }
            RemoteError::Refused { .. } => {
                Self::new(ExitCode::RelayRefused, "the relay refused")
                    .caused_by(error)
                    .hint("nothing is lost: what waits is offered again with the next `passport sync`")
            }
            RemoteError::Endless => {
                Self::new(ExitCode::RelayRefused, "the relay has more than is read at a time")
                    .caused_by(error)
                    .hint("what came is kept: `passport sync` goes on with the rest")
                    .hint("if that never ends, use another relay")
            }
            RemoteError::Answer { .. } | RemoteError::Protocol(_) | _ => Self::new(ExitCode::RelayRefused, "the relay's answer is not to be understood")
                .caused_by(error)
                .hint("is this the address of a relay?"),
        }
    }
}

impl From<ViaExchangeError> for CliError {
    fn from(error: ViaExchangeError) -> Self {
        match error {
            ViaExchangeError::Party(party) => party.into(),
            other @ (ViaExchangeError::Via(_) | _) => {
                Self::user("the file or folder cannot be used")
                    .caused_by(other)
                    .hint("name a folder, or a new file, that you may write to; nothing is lost")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_their_documented_codes() {
        for (error, code) in [
            (PartyError::Vault(VaultError::WrongPassphrase), ExitCode::VaultLocked),
            (PartyError::Vault(VaultError::DamagedFile), ExitCode::VaultDamaged),
            (PartyError::Closed, ExitCode::VaultLocked),
            (PartyError::NoGrant, ExitCode::NoGrant),
            (PartyError::UnverifiedContact, ExitCode::VerificationFailed),
            (PartyError::NotShareable, ExitCode::UserFixable),
            (PartyError::Ended, ExitCode::Usage),
        ] {
            assert_eq!(CliError::from(error).code(), code, "{error}");
        }
        assert_eq!(CliError::from(RemoteError::Url).code(), ExitCode::Usage);
    }
}
