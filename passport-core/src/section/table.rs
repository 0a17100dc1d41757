//! The table itself.

mod build;
mod care;
mod clinical;
mod history;
mod kept;
mod person;
mod planning;
#[cfg(test)]
mod tests;

use super::SectionSpec;

pub use kept::OWN;

/// The section of this name; the holder's own sections are [`OWN`].
#[must_use]
pub fn find(name: &str) -> Option<&'static SectionSpec> {
    SECTIONS.iter().find(|s| s.name == name)
}

/// Every section, in the order in which a passport shows them.
pub static SECTIONS: &[SectionSpec] = &[
    person::IDENTITY,
    person::REGISTRATIONS,
    person::EDUCATION,
    person::ABOUT_ME,
    person::CONTACTS,
    clinical::PROBLEMS,
    clinical::ALLERGIES,
    clinical::MEDICATIONS,
    history::IMMUNISATIONS,
    history::RESULTS,
    care::CARE_HISTORY,
    care::DISCHARGES,
    care::DISCHARGE_NOTICE,
    planning::PLAN,
    planning::SAFETY_PLAN,
    planning::ADJUSTMENTS,
    planning::RISKS,
    kept::DOCUMENTS,
    kept::PRIVATE,
];
