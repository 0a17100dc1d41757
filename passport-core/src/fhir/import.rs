//! Reading FHIR R4 into drafts of entries.
//!
//! A file is one resource, a Bundle of any type, or several of either one after another (NDJSON).
//! XML is read as the JSON that says the same, and so kept. Of STU3, what differs in the elements
//! that are mapped is taken too: hospitals still send discharge documents in it.
//! Every resource in it is *placed* in a section, *kept* verbatim under `documents`, or *skipped*
//! with a reason; the [`Tally`] adds up.

mod bundle;
mod draft;
mod encounter;
mod kept;
mod letter;
mod medicine;
pub(in crate::fhir) mod person;
mod problem;
mod result;
mod study;
mod xml;

pub(in crate::fhir) use bundle::text;

use std::collections::BTreeMap;

use crate::nhs_number::NhsNumber;
use crate::section::{PartialDate, SectionName, Value};
use bundle::{Entered, Resource, Resources};

/// Bounds on what is read.
pub mod limits {
    /// Bytes of a file: 64 MiB.
    pub const FILE: usize = 64 * 1024 * 1024;
    /// Resources in a file.
    pub const RESOURCES: usize = 20_000;
    /// Commas and opening brackets in one resource: what its parsed form costs in memory.
    pub const TOKENS: usize = 1 << 17;
    /// Bytes of a resource that is looked up by reference.
    pub const REFERENCED: usize = 64 * 1024;
    /// Bytes looked up by reference in a whole file.
    pub const REFERENCED_TOTAL: usize = 32 * 1024 * 1024;
    /// Bundles within bundles.
    pub const BUNDLES: usize = 4;
    /// Bytes of an enclosed file, decoded.
    pub const ENCLOSED: usize = 32 * 1024 * 1024;
}

/// What a file says.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Import {
    /// Whose file it is, as far as it says.
    pub subject: Subject,
    /// Entries to add or to compare with what is there, in the file's order.
    pub drafts: Vec<Draft>,
    /// What was not taken in, or not whole, and why.
    pub skipped: Vec<Skipped>,
    /// What became of each resource.
    pub tally: Tally,
}

/// Whose file it is.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it names a person")]
pub struct Subject {
    /// Every name given, the one in use first.
    pub names: Vec<String>,
    /// Date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// The NHS number, if its check digit is right.
    pub nhs_number: Option<NhsNumber>,
}

/// An entry as a file has it.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Draft {
    /// Where it belongs.
    pub section: SectionName,
    /// Its kind, one of the section's.
    pub kind: &'static str,
    /// Its fields; each fits the table and its limits.
    pub fields: BTreeMap<&'static str, Value>,
    /// Where it came from, such as `Encounter/123`.
    pub resource: String,
    /// A file that came with it, to be sealed and named in the entry's `file`.
    pub enclosed: Option<Enclosed>,
}

/// A file inside a resource.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Enclosed {
    /// Media type.
    pub media_type: String,
    /// Title for people.
    pub title: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What was not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it was, such as `Observation/123`.
    pub resource: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why something was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// Not a resource of FHIR.
    #[error("not a FHIR resource")]
    NotAResource,
    /// Nested too deeply to read.
    #[error("nested too deeply")]
    TooDeep,
    /// Too large to read or keep.
    #[error("too large")]
    TooLarge,
    /// The entry was taken in, without the verbatim copy of what it came from.
    #[error("taken in without its original, which is too large to keep")]
    OriginalTooLarge,
    /// A member of an object in it is there twice: it says two things, and readers differ in
    /// which they take.
    #[error("a member is there twice, so it says two things")]
    Twice,
    /// It is about another person than the file.
    #[error("about another person")]
    AnotherPerson,
}

/// What became of the resources of a file: `resources = placed + kept + skipped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Resources and bundles in the file.
    pub resources: usize,
    /// Those with a section of their own.
    pub placed: usize,
    /// Those kept verbatim under `documents`.
    pub kept: usize,
    /// Those not taken in.
    pub skipped: usize,
}

/// Why a file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Larger than [`limits::FILE`].
    #[error("{len} bytes exceed the limit of {}", limits::FILE)]
    TooLarge {
        /// Bytes given.
        len: usize,
    },
    /// More resources than [`limits::RESOURCES`].
    #[error("more than {} resources", limits::RESOURCES)]
    TooMany,
    /// Bytes that are no text, or text in another encoding.
    #[error("not text in UTF-8")]
    NotUtf8,
    /// Neither JSON nor plain XML.
    #[error("neither JSON nor XML")]
    NotJson,
    /// JSON, but not FHIR.
    #[error("JSON, but not a FHIR resource")]
    NotFhir,
    /// Nothing in it can be taken in; of several reasons, the first.
    #[error("nothing in it can be read: {reason}")]
    Nothing {
        /// Why.
        reason: SkipReason,
    },
    /// About more than one person.
    #[error("about more than one person")]
    SeveralPeople,
}

/// Reads a file.
///
/// # Errors
/// Returns [`ImportError`] when the file is too large, not JSON, not FHIR or about several people.
/// A part that cannot be read does not refuse the whole, as long as anything is left: it is in
/// [`Import::skipped`].
pub fn read(bytes: &[u8]) -> Result<Import, ImportError> {
    let text = text(bytes)?;
    let collected = bundle::collect(&text)?;
    let resources = Resources::new(&collected);
    let entered = &collected.entered;
    let mut out = Out::default();
    let subject = person::subject(entered)?;
    for one in entered {
        out.tally.resources += 1;
        match one {
            Entered::Resource(head) => match Resource::open(head) {
                Ok(resource) => out.place(&resource, &resources, &subject),
                Err(reason) => out.skip(head.name(), reason),
            },
            Entered::Unreadable { name, reason } => out.skip(name.clone(), *reason),
        }
    }
    let Out { drafts, skipped, tally } = out;
    if let Some(first) = skipped.first()
        && tally.skipped == tally.resources
    {
        return Err(ImportError::Nothing { reason: first.reason });
    }
    Ok(Import { subject: subject.subject, drafts, skipped, tally })
}

/// What has been read so far.
#[derive(Default)]
struct Out {
    drafts: Vec<Draft>,
    skipped: Vec<Skipped>,
    tally: Tally,
}

impl Out {
    fn skip(&mut self, resource: String, reason: SkipReason) {
        self.tally.skipped += 1;
        self.skipped.push(Skipped { resource, reason });
    }

    /// Maps one resource, keeps it whole, or says why not.
    fn place(&mut self, r: &Resource<'_>, all: &Resources<'_>, subject: &person::Found) {
        if subject.is_about_another(r, all) {
            return self.skip(r.name(), SkipReason::AnotherPerson);
        }
        let mut drafts = draft::Drafts::new(r);
        match r.kind() {
            // Word for word, as it once was kept; what it says came by entries of their own.
            _ if r.head().is_enclosed() || kept::is_frame(r) => {}
            "Patient" if subject.is_chosen(r) => person::patient(r, all, &mut drafts),
            "Condition" => problem::condition(r, &mut drafts),
            "AllergyIntolerance" => problem::allergy(r, &mut drafts),
            "Flag" | "RiskAssessment" => problem::risk(r, &mut drafts),
            "MedicationStatement" | "MedicationRequest" => {
                medicine::medication(r, all, &mut drafts);
            }
            "Immunization" => result::immunisation(r, all, &mut drafts),
            "Observation" => result::observation(r, &mut drafts),
            "ServiceRequest" | "ReferralRequest" => encounter::referral(r, all, &mut drafts),
            "RelatedPerson" => person::related(r, &mut drafts),
            "CareTeam" => person::team(r, &mut drafts),
            "Encounter" => encounter::encounter(r, all, &mut drafts),
            "DocumentReference" => kept::document(r, all, &mut drafts),
            "Binary" if r.verbatim().len() > crate::section::limits::SOURCE => {
                if all.is_attached(r) {
                    // It came with the document that names it.
                    self.tally.placed += 1;
                    return;
                }
                kept::binary(r, &mut drafts);
            }
            "Composition" => {
                kept::empty_sections(r, &mut drafts);
                letter::alerts(r, &mut drafts);
                letter::practice(r, all, &mut drafts);
            }
            _ => {}
        }
        drafts.obey_mark();
        let made = drafts.finish();
        // Of these, the entries made do not carry the whole.
        let left = match r.kind() {
            "Composition" => Some(r.verbatim().to_owned()),
            "Patient" => person::left(r, &made),
            _ => made.drafts.is_empty().then(|| r.verbatim().to_owned()),
        };
        self.skipped.extend(made.skipped);
        if made.drafts.is_empty() || left.is_some() {
            self.drafts.extend(made.drafts);
            match left.and_then(|left| kept::received(r, left)) {
                Some(draft) => {
                    self.tally.kept += 1;
                    self.drafts.push(draft);
                }
                None if kept::is_bare(r) => self.tally.placed += 1,
                None => self.skip(r.name(), SkipReason::TooLarge),
            }
        } else {
            self.tally.placed += 1;
            self.drafts.extend(made.drafts);
        }
    }
}

#[cfg(test)]
mod tests;
