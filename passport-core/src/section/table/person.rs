//! Who the student is, where registered, what they study, and what they want known.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, boolean, choice, code, date, heading, loinc, one, period, prose,
    required, text,
};
use crate::section::{ChoiceSpec, FieldSpec, KindSpec, SectionSpec};

const NHS_NUMBER_STATUS: &[ChoiceSpec] = &[
    one("asserted", "Given by the student; nobody has checked it yet."),
    one("verified", "Checked against the national register by the service named here."),
    one("invalid", "The digits do not add up, so it is never used to find a record."),
];

const ADDRESS_USE: &[ChoiceSpec] = &[
    one("home", "Where the student lives outside term."),
    one("term-time", "Where the student lives in term."),
    one("temporary", "A short stay."),
    one("former", "No longer lived at."),
    one("other", "Any other address."),
];

const CONTACT_POINT: &[ChoiceSpec] = &[
    one("phone", "A telephone number."),
    one("mobile", "A mobile number that takes calls and texts."),
    one("email", "An email address."),
    one("other", "Any other way to reach the student."),
];

pub(super) const IDENTITY: SectionSpec = SectionSpec {
    name: "identity",
    title: "Who I am",
    gloss: "Names, date of birth, NHS number and how to reach the student: enough to find the right record, and no more than the student chooses to give.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: None,
    fhir: "Patient",
    kinds: &[PERSON, ADDRESS, POINT],
};

const PERSON: KindSpec = KindSpec {
    name: "person",
    title: "person",
    label: "name",
    fields: &[
        required(text("name", "Name", "The full name on records.")),
        text("known_as", "Known as", "The name the student wants to be called by."),
        text("former_name", "Former name", "An earlier name that older records may carry."),
        text("pronouns", "Pronouns", "How the student wishes to be referred to."),
        date(
            "date_of_birth",
            "Date of birth",
            "Used with the name to make sure a record is the right one.",
        ),
        text(
            "nhs_number",
            "NHS number",
            "Ten digits that find one person's record in England, Wales and the Isle of Man.",
        ),
        choice(
            "nhs_number_status",
            "NHS number checked",
            "Whether anybody has checked the NHS number.",
            NHS_NUMBER_STATUS,
        ),
        text(
            "nhs_number_verified_by",
            "NHS number checked by",
            "The service that checked the NHS number.",
        ),
        text(
            "gender",
            "Gender on records",
            "The administrative gender that the sending system holds; it may differ from how the student describes themselves.",
        ),
        text("language", "Language", "The language the student prefers to speak about health in."),
        boolean("interpreter", "Interpreter needed", "Whether the student needs an interpreter."),
        NOTE,
        IDENTIFIER,
        SOURCE,
    ],
};

const ADDRESS: KindSpec = KindSpec {
    name: "address",
    title: "address",
    label: "lines",
    fields: &[
        choice(
            "use",
            "Kind of address",
            "Whether this is the home or the term-time address.",
            ADDRESS_USE,
        ),
        required(text("lines", "Address", "The address as written on an envelope.")),
        text(
            "postcode",
            "Postcode",
            "The postcode, which services use to decide who is responsible.",
        ),
        period(
            "period",
            "From and until",
            "When the student lives there; term dates for a term-time address.",
        ),
        IDENTIFIER,
        SOURCE,
    ],
};

const POINT: KindSpec = KindSpec {
    name: "contact-point",
    title: "way to reach the student",
    label: "value",
    fields: &[
        choice("system", "Kind", "Telephone, email or another way.", CONTACT_POINT),
        required(text("value", "Number or address", "What to call or write to.")),
        boolean("preferred", "Preferred", "Whether the student prefers to be reached this way."),
        boolean(
            "voicemail",
            "Messages may be left",
            "Whether it is safe to leave a message that others may hear or see.",
        ),
        period("period", "From and until", "When it can be used."),
        IDENTIFIER,
        SOURCE,
    ],
};

const REGISTRATION: &[ChoiceSpec] = &[
    one("home", "Registered with this practice at home."),
    one("term-time", "Registered with this practice at university."),
    one("temporary", "A temporary registration, for a stay of up to three months."),
    one("other", "Another service that knows the student, such as a dentist."),
];

pub(super) const REGISTRATIONS: SectionSpec = SectionSpec {
    name: "registrations",
    title: "My practices",
    gloss: "The practices where the student is or was registered, at home and in term, with dates; the NHS keeps one full registration at a time.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("gp-practice", "GP practice")),
    fhir: "Patient.generalPractitioner",
    kinds: &[KindSpec {
        name: "registration",
        title: "registration",
        label: "practice",
        fields: &[
            required(text("practice", "Practice", "The name of the practice or service.")),
            choice(
                "use",
                "At home or in term",
                "Which of the student's practices this is.",
                REGISTRATION,
            ),
            text("ods_code", "ODS code", "The short code that names an organisation in the NHS."),
            text("doctor", "Doctor", "The doctor or nurse who usually sees the student."),
            text("phone", "Telephone", "How to ring the practice."),
            text("address", "Address", "Where the practice is."),
            period("period", "From and until", "When the student was registered there."),
            NOTE,
            IDENTIFIER,
            SOURCE,
        ],
    }],
};

const STUDENT_STATUS: &[ChoiceSpec] = &[
    one("applicant", "Has applied or holds an offer, and has not started."),
    one("enrolled", "Registered on the course and studying."),
    one("on-placement", "Studying away, on a placement or a year abroad."),
    one(
        "interrupted",
        "Has paused the course with the university's agreement and means to return.",
    ),
    one("withdrawn", "Has left without finishing."),
    one("graduated", "Has finished the course."),
    one("unknown", "Asked, and not known; where nothing is recorded, nobody asked."),
];

pub(super) const EDUCATION: SectionSpec = SectionSpec {
    name: "education",
    title: "My studies",
    gloss: "Where and what the student studies, and whether they are enrolled, on placement or taking a break; health records have no place of their own for this.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("educational-history", "Educational history")),
    fhir: "Observation",
    kinds: &[KindSpec {
        name: "study",
        title: "course of study",
        label: "provider",
        fields: &[
            required(text("provider", "University or college", "Where the student studies.")),
            text("course", "Course", "What the student studies."),
            text("student_number", "Student number", "What the university calls the student by."),
            choice(
                "status",
                "Student status",
                "Whether the student is enrolled, away or has left.",
                STUDENT_STATUS,
            ),
            period("period", "From and until", "When this status applies."),
            text("year_of_study", "Year of study", "How far into the course the student is."),
            text(
                "placement",
                "Placement",
                "Where the student is on placement, if they wish to say.",
            ),
            boolean(
                "regulated_course",
                "Regulated course",
                "Whether the course leads to a profession with fitness-to-practise rules, if the student wishes to say.",
            ),
            NOTE,
            IDENTIFIER,
            SOURCE,
        ],
    }],
};

pub(super) const ABOUT_ME: SectionSpec = SectionSpec {
    name: "about-me",
    title: "About me",
    gloss: "What the student wants everyone who supports them to know, in their own words, so that they do not have to say it again.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(loinc(
        "81338-6",
        "Patient Goals, preferences, and priorities for care experience",
    )),
    fhir: "QuestionnaireResponse",
    kinds: &[KindSpec {
        name: "about",
        title: "about me",
        label: "matters_most",
        fields: ABOUT_FIELDS,
    }],
};

const ABOUT_FIELDS: &[FieldSpec] = &[
    prose(
        "matters_most",
        "What matters most to me",
        "Values, people, places, studies and routines that matter most.",
    ),
    prose(
        "people",
        "People who are important to me",
        "Who matters to the student, and how they are involved.",
    ),
    prose(
        "communication",
        "How I communicate and how to communicate with me",
        "The ways of speaking, writing or signing that work, and those that do not.",
    ),
    prose(
        "wellness",
        "My wellness",
        "What a good day looks like, and how to tell when things are getting worse.",
    ),
    prose("support", "How and when to support me", "What helps, and when to offer it."),
    prose("please_do", "Please do", "What the student would like people to do."),
    prose("please_do_not", "Please don't", "What the student asks people not to do."),
    prose("also", "Also worth knowing about me", "Anything else the student wants known."),
    text(
        "supported_by",
        "Supported to write this by",
        "Who helped the student to write this, if anybody did.",
    ),
    date("written", "Written", "When the student last went over this."),
    IDENTIFIER,
    SOURCE,
];

pub(super) const CONTACTS: SectionSpec = SectionSpec {
    name: "contacts",
    title: "People to contact",
    gloss: "Trusted and emergency contacts and professionals, with what each may be told and when; being listed does not by itself allow anybody to be told anything.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("professional-contacts", "Professional contacts")),
    fhir: "RelatedPerson, CareTeam",
    kinds: &[
        KindSpec {
            name: "contact",
            title: "contact",
            label: "name",
            fields: &[
                required(text("name", "Name", "Who it is.")),
                code(
                    "relationship",
                    "Relationship",
                    "Who they are to the student, such as mother, friend or partner.",
                ),
                boolean("emergency", "Emergency contact", "Whether to ring them in an emergency."),
                boolean(
                    "trusted",
                    "Trusted contact",
                    "Whether the student has named them as a person the university may turn to about wellbeing.",
                ),
                text("phone", "Telephone", "How to ring them."),
                text("email", "Email", "How to write to them."),
                text("address", "Address", "Where they live."),
                prose(
                    "may_be_told",
                    "May be told",
                    "What this person may be told; nothing more without asking the student.",
                ),
                prose("when", "When to contact", "In which circumstances to contact them."),
                prose("must_not_be_told", "Must not be told", "What this person must not be told."),
                period("period", "From and until", "When this holds."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "professional",
            title: "professional",
            label: "name",
            fields: &[
                required(text("name", "Name", "Who it is.")),
                text("role", "Role", "What they do for the student."),
                text("organisation", "Organisation", "Where they work."),
                text("phone", "Telephone", "How to ring them."),
                text("email", "Email", "How to write to them."),
                period("period", "From and until", "When they support the student."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};
