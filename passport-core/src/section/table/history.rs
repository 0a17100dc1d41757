//! Immunisations and results.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, choice, code, date, loinc, one, quantity, required, text,
};
use crate::section::{ChoiceSpec, KindSpec, SectionSpec};

const IMMUNISATION_STATUS: &[ChoiceSpec] = &[
    one("given", "The vaccine was given."),
    one("not-given", "The vaccine was not given."),
    one("entered-in-error", "Recorded by mistake."),
];

pub(super) const IMMUNISATIONS: SectionSpec = SectionSpec {
    name: "immunisations",
    title: "Immunisations",
    gloss: "Vaccines the student has had; MenACWY and MMR matter most where many people live close together.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("11369-6", "History of Immunization note")),
    fhir: "Immunization",
    kinds: &[
        KindSpec {
            name: "immunisation",
            title: "immunisation",
            label: "vaccine",
            fields: &[
                required(code("vaccine", "Vaccine", "Which vaccine.")),
                date("given", "Date", "When it was given."),
                choice("status", "Status", "Whether it was given.", IMMUNISATION_STATUS),
                text("dose_number", "Dose number", "Which dose of a course this was."),
                text("batch", "Batch", "The number of the batch, in case it is recalled."),
                code("site", "Site", "Where on the body."),
                code("reason_not_given", "Why not given", "Why the vaccine was not given."),
                text("given_by", "Given by", "Who gave it."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "no-information",
            title: "no information on immunisations",
            label: "asserted",
            fields: &[
                code("statement", "Statement", "What the sending system said, in its own words."),
                date("asserted", "Stated on", "When this was said."),
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};

const RESULT_STATUS: &[ChoiceSpec] = &[
    one("final", "Complete."),
    one("preliminary", "Early, and may change."),
    one("amended", "Changed after it was first sent."),
    one("corrected", "Corrected after a mistake."),
    one("registered", "Asked for, and not back yet."),
    one("cancelled", "Not done."),
    one("entered-in-error", "Recorded by mistake."),
    one("unknown", "The sending system does not know."),
];

pub(super) const RESULTS: SectionSpec = SectionSpec {
    name: "results",
    title: "Measurements and results",
    gloss: "Measurements, test results and questionnaire scores such as PHQ-9 and GAD-7; one number on one day says little by itself.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("30954-2", "Relevant diagnostic tests/laboratory data note")),
    fhir: "Observation",
    kinds: &[KindSpec {
        name: "result",
        title: "result",
        label: "what",
        fields: &[
            required(code("what", "What", "What was measured or asked.")),
            quantity("value", "Value", "The number, with its unit."),
            code("finding", "Finding", "The result in words, where it is not a number."),
            text("text", "Result as text", "The result as it was written."),
            date("date", "Date", "When it was measured."),
            choice("status", "Status", "Whether the result is complete.", RESULT_STATUS),
            code(
                "interpretation",
                "Reading",
                "How the laboratory or service read it, such as high or normal.",
            ),
            text(
                "category",
                "Category",
                "What sort of result it is, such as vital signs or a survey.",
            ),
            text("range", "Expected range", "What is usual for most people."),
            NOTE,
            IDENTIFIER,
            SOURCE,
        ],
    }],
};
