//! Conditions, allergies and medicines.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, boolean, choice, code, date, loinc, one, required, text,
};
use crate::section::{ChoiceSpec, FieldSpec, KindSpec, SectionSpec};

const PROBLEM_STATUS: &[ChoiceSpec] = &[
    one("active", "It affects the student now."),
    one("recurrence", "It had gone and has come back."),
    one("relapse", "It had got better and has got worse again."),
    one("inactive", "It does not affect the student now, and may come back."),
    one("remission", "It is under control or has gone for now."),
    one("resolved", "It has gone and is not expected back."),
];

const CERTAINTY: &[ChoiceSpec] = &[
    one("confirmed", "Those who recorded it are sure."),
    one("provisional", "A working view that may change."),
    one("differential", "One of several that are being considered."),
    one("unconfirmed", "Nobody has confirmed it."),
    one("refuted", "It was looked for and ruled out: the student does not have it."),
    one("entered-in-error", "It was recorded by mistake."),
];

/// A positive word that there are none, or that the sender does not know.
const STATEMENT: &[FieldSpec] = &[
    code("statement", "Statement", "What the sending system said, in its own words."),
    date("asserted", "Stated on", "When this was said; it may have changed since."),
    text("asserted_by", "Stated by", "Who said it."),
    NOTE,
    IDENTIFIER,
    SOURCE,
];

const fn none_known(title: &'static str) -> KindSpec {
    KindSpec { name: "none-known", title, label: "asserted", fields: STATEMENT }
}

const fn no_information(title: &'static str) -> KindSpec {
    KindSpec { name: "no-information", title, label: "asserted", fields: STATEMENT }
}

pub(super) const PROBLEMS: SectionSpec = SectionSpec {
    name: "problems",
    title: "Conditions",
    gloss: "Physical and mental health conditions, past and present, as services have recorded them; a word here is not a measure of how somebody is today.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("11450-4", "Problem list - Reported")),
    fhir: "Condition",
    kinds: &[
        KindSpec {
            name: "problem",
            title: "condition",
            label: "condition",
            fields: &[
                required(code("condition", "Condition", "What it is called.")),
                choice("status", "Status", "Whether it affects the student now.", PROBLEM_STATUS),
                choice(
                    "certainty",
                    "How certain",
                    "How sure those who recorded it are.",
                    CERTAINTY,
                ),
                code("severity", "Severity", "How serious it was judged to be when recorded."),
                date("onset", "Since", "When it began."),
                date("ended", "Until", "When it ended."),
                date("recorded", "Recorded on", "When a service wrote it down."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        none_known("no known conditions"),
        no_information("no information on conditions"),
    ],
};

const ALLERGY_TYPE: &[ChoiceSpec] = &[
    one("allergy", "The body's defences react to it."),
    one("intolerance", "It disagrees with the student, without being an allergy."),
];

const CRITICALITY: &[ChoiceSpec] = &[
    one("low", "A reaction is not expected to be dangerous."),
    one("high", "A reaction could be life-threatening."),
    one("unable-to-assess", "Nobody can say how dangerous a reaction would be."),
];

const SEVERITY: &[ChoiceSpec] = &[
    one("mild", "It was uncomfortable and passed."),
    one("moderate", "It needed attention."),
    one("severe", "It was dangerous."),
];

const ALLERGY_STATUS: &[ChoiceSpec] = &[
    one("active", "To be avoided now."),
    one("inactive", "No longer thought to be a problem."),
    one("resolved", "Tested and found to be gone."),
];

pub(super) const ALLERGIES: SectionSpec = SectionSpec {
    name: "allergies",
    title: "Allergies and intolerances",
    gloss: "What the student must not be given or exposed to; 'no known allergies' is recorded as such, and an empty list means only that nobody wrote anything down.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("48765-2", "Allergies and adverse reactions Document")),
    fhir: "AllergyIntolerance",
    kinds: &[
        KindSpec {
            name: "allergy",
            title: "allergy or intolerance",
            label: "agent",
            fields: &[
                required(code("agent", "What to avoid", "The medicine, food or substance.")),
                code("reaction", "Reaction", "What happened."),
                choice("severity", "How bad it was", "How serious a reaction has been.", SEVERITY),
                choice(
                    "criticality",
                    "How dangerous",
                    "How dangerous a future reaction could be.",
                    CRITICALITY,
                ),
                choice(
                    "type",
                    "Allergy or intolerance",
                    "Which of the two it is thought to be.",
                    ALLERGY_TYPE,
                ),
                choice("status", "Status", "Whether it is still to be avoided.", ALLERGY_STATUS),
                choice(
                    "certainty",
                    "How certain",
                    "How sure those who recorded it are.",
                    CERTAINTY,
                ),
                date("onset", "Since", "When it was first noticed."),
                date("recorded", "Recorded on", "When a service wrote it down."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        none_known("no known allergies"),
        no_information("no information on allergies"),
    ],
};

const MEDICATION_STATUS: &[ChoiceSpec] = &[
    one("active", "The student takes it, or it is prescribed now."),
    one("completed", "The course is finished."),
    one("on-hold", "Paused for now."),
    one("stopped", "Stopped before the end."),
    one("intended", "Planned and not started."),
    one("not-taken", "Prescribed, and the student does not take it."),
    one("entered-in-error", "Recorded by mistake."),
    one("unknown", "The sending system does not know."),
];

pub(super) const MEDICATIONS: SectionSpec = SectionSpec {
    name: "medications",
    title: "Medicines",
    gloss: "What the student takes or has taken, how much and how often; when moving between practices this list is what keeps a prescription going.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("10160-0", "History of Medication use Narrative")),
    fhir: "MedicationStatement, MedicationRequest",
    kinds: &[
        KindSpec {
            name: "medication",
            title: "medicine",
            label: "item",
            fields: &[
                required(code("item", "Medicine", "The name and strength.")),
                text("dose", "Dose", "How much is taken at a time."),
                code("route", "Route", "How it is taken, such as by mouth."),
                text("timing", "When", "How often and when it is taken."),
                text("instructions", "Instructions", "What the label or the prescriber says."),
                choice("status", "Status", "Whether the student takes it now.", MEDICATION_STATUS),
                date("started", "Started", "When the student began to take it."),
                date("stopped", "Stopped", "When the student stopped taking it."),
                date("prescribed", "Prescribed on", "When it was prescribed or written down."),
                text("reason", "Taken for", "Why it is taken."),
                text("changed", "Changed", "What was changed last, and when."),
                text("changed_why", "Why changed", "Why it was changed."),
                text("prescriber", "Prescribed by", "Who prescribed it."),
                text("supply", "Supply", "How many are given at a time, and how to get more."),
                boolean(
                    "repeat",
                    "Repeat prescription",
                    "Whether it is prescribed again without a new visit.",
                ),
                date("review", "Review", "When it is due to be looked at again."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        none_known("no medicines taken"),
        no_information("no information on medicines"),
    ],
};
