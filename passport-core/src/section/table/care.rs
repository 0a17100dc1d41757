//! Contacts with services and discharges from them.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, boolean, choice, code, date, heading, loinc, one, period, prose,
    required, text,
};
use crate::section::{ChoiceSpec, FieldSpec, KindSpec, SectionSpec};

const ENCOUNTER_CLASS: &[ChoiceSpec] = &[
    one(
        "attendance",
        "A visit to an emergency department or urgent care; an attendance is not a discharge from hospital.",
    ),
    one("inpatient", "A stay in hospital."),
    one("outpatient", "An appointment at a clinic or practice."),
    one("community", "A visit at home or in the community."),
    one("virtual", "By telephone or video."),
    one("other", "Any other contact."),
];

const ENCOUNTER_STATUS: &[ChoiceSpec] = &[
    one("planned", "Booked and not yet happened."),
    one("in-progress", "Going on when this was written."),
    one("finished", "Over."),
    one("cancelled", "Did not take place."),
    one("entered-in-error", "Recorded by mistake."),
    one("unknown", "The sending system does not know."),
];

const REFERRAL_STATUS: &[ChoiceSpec] = &[
    one("sent", "Sent, and nothing heard yet."),
    one("accepted", "The service has taken it on."),
    one("waiting", "On a waiting list."),
    one("seen", "The student has been seen."),
    one("declined", "The service did not take it on."),
    one("withdrawn", "Withdrawn by the student or whoever sent it."),
    one("unknown", "Nobody has said."),
];

pub(super) const CARE_HISTORY: SectionSpec = SectionSpec {
    name: "care-history",
    title: "Contacts with services",
    gloss: "Appointments, attendances, stays and referrals, and what became of them.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc("46240-8", "History of Hospitalizations+Outpatient visits Narrative")),
    fhir: "Encounter, ServiceRequest",
    kinds: &[
        KindSpec {
            name: "encounter",
            title: "contact with a service",
            label: "type",
            fields: &[
                code("type", "What it was", "What sort of contact it was."),
                choice(
                    "class",
                    "Where",
                    "Whether in hospital, at a clinic, at home or by telephone.",
                    ENCOUNTER_CLASS,
                ),
                choice("status", "Status", "Whether it has taken place.", ENCOUNTER_STATUS),
                period("period", "When", "When it began and ended."),
                code("service", "Service", "The specialty or service."),
                text("provider", "Organisation", "The hospital, practice or service."),
                code("reason", "Reason", "Why the student was seen."),
                boolean(
                    "possible_discharge",
                    "Possible discharge",
                    "A stay in hospital that has ended, without word of how: somebody should confirm whether it was a discharge.",
                ),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "referral",
            title: "referral",
            label: "service",
            fields: &[
                required(code("service", "Referred to", "The service asked to see the student.")),
                text("provider", "Organisation", "Where that service is."),
                text("referred_by", "Referred by", "Who asked."),
                date("referred_on", "Referred on", "When."),
                choice(
                    "status",
                    "What became of it",
                    "Where the referral stands.",
                    REFERRAL_STATUS,
                ),
                text("reason", "Reason", "Why."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};

const SETTING: &[ChoiceSpec] = &[
    one("mental-health", "A mental health ward or team."),
    one("acute", "A general hospital ward."),
    one("emergency", "An emergency department or urgent care."),
    one("maternity", "A maternity ward."),
    one("community", "A community hospital or service."),
    one("other", "Another kind of place, or the sender did not say."),
];

const DISCHARGED_ON: FieldSpec = required(date(
    "discharged_on",
    "Discharged on",
    "The day the student left that service's care; it says nothing of how well they were.",
));

const SETTING_FIELD: FieldSpec =
    choice("setting", "Kind of setting", "What kind of place it was, in general terms.", SETTING);

pub(super) const DISCHARGES: SectionSpec = SectionSpec {
    name: "discharges",
    title: "Discharges in full",
    gloss: "Discharges from hospital with reasons, diagnoses, medicine changes and arrangements; a university normally receives only the notice.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("discharge-details", "Discharge details")),
    fhir: "Encounter, Composition",
    kinds: &[KindSpec {
        name: "discharge",
        title: "discharge",
        label: "discharged_on",
        fields: &[
            DISCHARGED_ON,
            date("admitted", "Admitted on", "The day the stay began."),
            SETTING_FIELD,
            code("specialty", "Specialty", "The medical specialty or service."),
            text("hospital", "Hospital", "The hospital or unit."),
            code("reason", "Reason for admission", "Why the student was admitted."),
            prose("diagnoses", "Diagnoses", "The conditions named on discharge."),
            code(
                "legal_status",
                "Legal status",
                "Whether the student stayed of their own accord or under a section of the Mental Health Act; a section ends, and is no measure of risk by itself.",
            ),
            code(
                "method",
                "How discharged",
                "Whether on advice, by the student's own choice or otherwise.",
            ),
            code("destination", "Went to", "Where the student went after leaving."),
            prose("medicine_changes", "Medicine changes", "What was started, stopped or changed."),
            prose("follow_up", "Follow-up arranged", "What was arranged for after the stay."),
            text("follow_up_with", "Follow-up with", "Who will see the student next."),
            date(
                "follow_up_due",
                "Follow-up due",
                "By when; after a mental health stay normally within 72 hours.",
            ),
            prose("told", "Told to", "Who was told of the discharge."),
            NOTE,
            IDENTIFIER,
            SOURCE,
        ],
    }],
};

const NOTICE_STATE: &[ChoiceSpec] = &[
    one("follow-up-due", "Follow-up is due and has not happened yet."),
    one("followed-up", "The student has been seen or spoken to since."),
    one("no-follow-up-needed", "No follow-up was asked for."),
    one("unknown", "Nobody has said."),
];

pub(super) const DISCHARGE_NOTICE: SectionSpec = SectionSpec {
    name: "discharge-notice",
    title: "Notice of discharge",
    gloss: "That the student was discharged, when and from what kind of setting, what follow-up is due and whom to call: nothing of why they were there.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("discharge-details", "Discharge details")),
    fhir: "Encounter",
    kinds: &[KindSpec {
        name: "notice",
        title: "notice of discharge",
        label: "discharged_on",
        fields: &[
            DISCHARGED_ON,
            SETTING_FIELD,
            text(
                "from",
                "From",
                "The organisation that discharged the student, if the student wishes it named.",
            ),
            date(
                "follow_up_due",
                "Follow-up due",
                "By when somebody should see or speak to the student.",
            ),
            text("follow_up_with", "Follow-up with", "Who will see or speak to the student."),
            choice("state", "Follow-up state", "Whether the follow-up has happened.", NOTICE_STATE),
            text("call", "Whom to call", "Whom to ring with a worry or a question."),
            IDENTIFIER,
        ],
    }],
};
