//! Fixed lists that options choose from.

use clap::ValueEnum;
use passport_core::keys;

/// What a contact may do with a section.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Can {
    /// Read it
    Read,
    /// Read it, add entries, and suggest changes to yours
    Contribute,
}

impl From<Can> for passport_core::epoch::Right {
    fn from(can: Can) -> Self {
        match can {
            Can::Read => Self::Read,
            Can::Contribute => Self::Contribute,
        }
    }
}

/// The form of an exported record.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// FHIR R4 bundle for another health system
    Fhir,
    /// International Patient Summary: the standard short record
    Ips,
    /// A document for people
    Pdf,
    /// A page for people, in a browser
    Html,
    /// An emergency card to print, cut out and fold
    Card,
    /// Everything, as `passport show --json` prints it
    Json,
    /// A folder for a practice's inbox: document, list of codes, FHIR
    PracticePack,
}

/// The form of a student's record exported by an organisation.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrgFormat {
    /// FHIR R4 bundle for another health system
    Fhir,
    /// International Patient Summary: the standard short record
    Ips,
    /// A document for people
    Pdf,
    /// A page for people, in a browser
    Html,
    /// A table for a spreadsheet
    Csv,
    /// A folder for a practice's inbox: document, list of codes, FHIR
    PracticePack,
}

/// The kind of an organisation.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrganisationKind {
    /// A general practice
    Gp,
    /// A university or one of its services
    University,
    /// A hospital or mental-health trust
    Hospital,
    /// Anything else
    Other,
}

impl From<OrganisationKind> for keys::OrganisationKind {
    fn from(kind: OrganisationKind) -> Self {
        match kind {
            OrganisationKind::Gp => Self::Gp,
            OrganisationKind::University => Self::University,
            OrganisationKind::Hospital => Self::Hospital,
            OrganisationKind::Other => Self::Other,
        }
    }
}
