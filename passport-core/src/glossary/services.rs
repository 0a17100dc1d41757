//! Words that services use, and what they do and do not mean.

use super::{Audience::Gp, Audience::Student, Audience::University, Term, term};

const MHA: &str = "Mental Health Act 1983";
const DICTIONARY: &str = "NHS Data Model and Dictionary";

/// Words of health services and universities, by theme.
pub(super) const SERVICES: &[Term] = &[
    Term {
        also: &["risks"],
        said: &[
            (
                University,
                "Ask who wrote it, when, about which harm, and what they want you to do; it is no reason by itself to exclude anybody.",
            ),
            (Gp, "Services record it on different scales; the author and date stand beside it."),
        ],
        ..term(
            "risk",
            "a clinician's judgement, at one time, of one kind of harm",
            "a fact about a person, or a forecast",
            "NHS England, Staying safe from suicide (2025), which tells services not to sort people by it",
        )
    },
    Term {
        also: &["discharged", "discharges"],
        said: &[
            (
                University,
                "The first days at home are the hardest: what counts is whether somebody sees the student within 72 hours.",
            ),
            (Student, "You left that service's care; the letter says who sees you next."),
        ],
        ..term(
            "discharge",
            "a stay or a service's work has ended",
            "recovered; or that nobody follows up",
            DICTIONARY,
        )
    },
    Term {
        also: &["discharge notice", "notice of discharge"],
        said: &[(
            University,
            "You are not told why on purpose; ask the student, not the hospital.",
        )],
        ..term(
            "notice",
            "that there was a discharge, when, from what kind of setting and what follow-up is due",
            "the reason, a diagnosis or a legal status",
            "this project, SECTIONS `discharge-notice`",
        )
    },
    Term {
        ..term(
            "possible discharge",
            "a stay in hospital that has ended, of which nobody has yet said how",
            "a discharge, until somebody confirms it",
            "this project",
        )
    },
    Term {
        also: &["72-hour follow-up", "7-day follow-up", "72 hours", "7 days"],
        said: &[(
            University,
            "The hospital or crisis team owes it, not you; your part is to notice when it did not happen.",
        )],
        ..term(
            "follow-up",
            "the windows, 72 hours and 7 days, in which NHS services aim to see someone after a mental-health inpatient stay",
            "that it has taken place",
            "NHS Standard Contract, Schedule 4A, since April 2020",
        )
    },
    Term {
        also: &["A&E", "emergency attendance", "attendance"],
        said: &[(University, "Most people who attend go home the same day.")],
        ..term(
            "emergency department",
            "where people are seen at once for something urgent; a visit is an attendance",
            "admitted to hospital, or discharged from it",
            DICTIONARY,
        )
    },
    Term {
        also: &["admission", "inpatient stay", "admitted"],
        ..term(
            "inpatient",
            "somebody who has a bed in a hospital",
            "kept there against their will",
            DICTIONARY,
        )
    },
    term(
        "outpatient",
        "somebody seen at a hospital or clinic who does not stay there",
        "less ill than somebody with a bed",
        DICTIONARY,
    ),
    Term {
        also: &["voluntary patient"],
        ..term(
            "informal patient",
            "somebody in a mental-health ward of their own accord, under no section",
            "less ill, or free of any plan for leaving",
            "Mental Health Act 1983, section 131",
        )
    },
    Term {
        also: &["section 3", "sectioned", "detained"],
        said: &[
            (
                University,
                "It ended when the student left, unless somebody says otherwise. It is no ground for fitness-to-study action by itself.",
            ),
            (Gp, "Section 117 aftercare is owed after section 3, not after section 2."),
        ],
        ..term(
            "section 2",
            "detained under the Mental Health Act 1983, for assessment (section 2, up to 28 days) or treatment (section 3, at first up to 6 months)",
            "a crime, or a lack of capacity in everything",
            "Mental Health Act 1983, sections 2 and 3",
        )
    },
    Term {
        also: &["section 135", "place of safety"],
        ..term(
            "section 136",
            "taken by the police to a place of safety to be assessed",
            "arrested, or charged with anything",
            "Mental Health Act 1983, sections 135 and 136",
        )
    },
    Term {
        also: &["section 17"],
        ..term(
            "section 17 leave",
            "time away from a ward that the responsible clinician allows somebody who is detained",
            "discharged",
            "Mental Health Act 1983, section 17",
        )
    },
    Term {
        also: &["section 117"],
        ..term(
            "section 117 aftercare",
            "help that health and social care owe after some sections, without charge, for as long as it is needed",
            "something a university provides",
            "Mental Health Act 1983, section 117",
        )
    },
    Term {
        also: &["CTO"],
        ..term(
            "community treatment order",
            "conditions under which somebody who was detained lives at home, and can be called back",
            "that they are not well enough to study",
            "Mental Health Act 1983, section 17A",
        )
    },
    term(
        "legal status",
        "whether somebody stays of their own accord or under which section",
        "a measure of risk",
        MHA,
    ),
    Term {
        also: &["home treatment team", "crisis resolution and home treatment"],
        said: &[
            (
                University,
                "Its number is for the student and those around them too; in danger of life ring 999.",
            ),
            (
                Student,
                "Anybody in England can reach it by ringing 111 and choosing the mental-health option.",
            ),
        ],
        ..term(
            "crisis team",
            "treats at home people who might else be admitted",
            "an emergency ambulance",
            "NHS England, NHS 111 mental-health option",
        )
    },
    Term {
        also: &["CMHT"],
        ..term(
            "community mental health team",
            "specialists who see people with longer or more serious mental illness outside hospital",
            "counselling, or somebody on call",
            "NHS England, Community Mental Health Framework (2019)",
        )
    },
    Term {
        also: &["CAMHS", "CYPMHS"],
        said: &[(University, "Many students leave it at 18 and find no adult service waiting.")],
        ..term(
            "CAMHS",
            "mental-health services for children and young people, usually until 18",
            "a service that goes on at university",
            "NHS England",
        )
    },
    Term {
        also: &["IAPT", "talking therapies"],
        ..term(
            "NHS Talking Therapies",
            "short psychological treatment for anxiety and depression that people can refer themselves to; called IAPT before",
            "help in a crisis",
            "NHS England",
        )
    },
    Term {
        also: &["PHQ"],
        ..term(
            "PHQ-9",
            "nine questions on depression over the last two weeks, scored 0 to 27",
            "a diagnosis; and its ninth question is not a risk assessment",
            "Kroenke, Spitzer and Williams (2001)",
        )
    },
    Term {
        also: &["GAD"],
        ..term(
            "GAD-7",
            "seven questions on anxiety over the last two weeks, scored 0 to 21",
            "a diagnosis",
            "Spitzer, Kroenke, Williams and Löwe (2006)",
        )
    },
    Term {
        also: &["mental capacity"],
        said: &[(University, "An unwise choice, or a diagnosis, is not a lack of capacity.")],
        ..term(
            "capacity",
            "whether somebody can make one decision at the time it has to be made",
            "something a person has or lacks for everything",
            "Mental Capacity Act 2005, sections 1 to 3",
        )
    },
    Term {
        ..term(
            "advance statement",
            "what somebody wants for a time when they cannot say; services take it into account",
            "binding, as an advance decision to refuse treatment can be",
            "Mental Capacity Act 2005, sections 4 and 24 to 26",
        )
    },
    Term {
        also: &["consents"],
        said: &[(
            University,
            "It lets this program show you something. What you may file, and why, is for your own data-protection assessment.",
        )],
        ..term(
            "consent",
            "here: the holder's signed grant, for a purpose, until a date",
            "the legal basis for everything a recipient files",
            "UK GDPR, articles 6, 7 and 9",
        )
    },
    Term {
        also: &["adjustment", "adjustments", "reasonable adjustments"],
        ..term(
            "reasonable adjustment",
            "a duty under the Equality Act 2010",
            "a favour",
            "Equality Act 2010, sections 20 and 21",
        )
    },
    Term {
        also: &["DSA"],
        ..term(
            "Disabled Students' Allowance",
            "public money for what a disabled student needs in order to study",
            "a loan, or a substitute for adjustments that the university owes",
            "Department for Education",
        )
    },
    term(
        "safeguarding",
        "protecting from abuse or neglect",
        "any worry about wellbeing",
        "Care Act 2014, sections 42 to 46",
    ),
    Term {
        also: &["support to study"],
        said: &[(
            University,
            "What a student shared for support is not evidence for it unless they agree.",
        )],
        ..term(
            "fitness to study",
            "a university's own procedure when illness gets in the way of studying",
            "a medical finding, or discipline",
            "each university's regulations",
        )
    },
    Term {
        also: &["leave of absence", "interruption of studies", "interrupted"],
        ..term(
            "interruption",
            "a pause of the course that the university agreed to, with a date to return",
            "withdrawn; or no longer anybody's student",
            "each university's regulations",
        )
    },
    Term {
        also: &["enrolled"],
        said: &[(
            Gp,
            "An Observation whose value is a code: file it as an administrative note. No SNOMED CT code is sent, as none was found that could be checked.",
        )],
        ..term(
            "student status",
            "whether somebody is enrolled, away, interrupted or has left, where, and from when until when",
            "not known, when nothing is recorded",
            "this project, SECTIONS `education`",
        )
    },
    Term {
        also: &["none known", "no known allergies"],
        said: &[(Gp, "`emptyReason` and `nilknown` are kept apart on export.")],
        ..term(
            "none known",
            "somebody asked, and there was none",
            "nothing recorded, which means only that nobody wrote anything",
            "HL7 International Patient Summary, absent and unknown data",
        )
    },
    Term {
        also: &["unaltered"],
        ..term(
            "attested",
            "the organisation named signed this, and it still says what was signed",
            "true; or up to date",
            "this project, docs/THREATS.md",
        )
    },
    Term {
        also: &["NHS numbers"],
        said: &[(Gp, "`passport org confirm` notes that you traced it.")],
        ..term(
            "NHS number",
            "ten digits, the last of them a check digit, that find one person's record",
            "a secret, or a proof of who somebody is",
            DICTIONARY,
        )
    },
    Term {
        also: &["ODS"],
        ..term(
            "ODS code",
            "the short code of an organisation in the NHS",
            "a proof that a message comes from it",
            "NHS England, Organisation Data Service",
        )
    },
    Term {
        also: &["FHIR R4"],
        ..term(
            "FHIR",
            "a way of writing health records that many systems can read",
            "that a given system takes everything written so",
            "HL7 FHIR R4",
        )
    },
    Term {
        also: &["International Patient Summary"],
        ..term(
            "IPS",
            "the short record that travels: conditions, allergies, medicines and a little more",
            "the whole record",
            "HL7 International Patient Summary 2.0",
        )
    },
    Term {
        also: &["SNOMED"],
        ..term(
            "SNOMED CT",
            "numbers for clinical words, so that systems can compare them",
            "a diagnosis, when it is only a heading",
            "SNOMED International",
        )
    },
    Term {
        also: &["dictionary of medicines and devices"],
        ..term(
            "dm+d",
            "the NHS's codes for medicines",
            "a prescription",
            "NHS Business Services Authority",
        )
    },
    Term {
        also: &["MenACWY vaccine"],
        ..term(
            "MenACWY",
            "a vaccine against four kinds of meningitis, given at 14 and to new students under 25 who missed it",
            "protection against every meningitis",
            "UK Health Security Agency, the Green Book, chapter 22",
        )
    },
    Term {
        also: &["did not attend", "DNA"],
        ..term(
            "did not attend",
            "an appointment at which the person did not appear",
            "that they did not want help",
            DICTIONARY,
        )
    },
    Term {
        ..term(
            "safety plan",
            "the student's own plan for hard times: what sets them off, what helps, who to call",
            "a contract, or a promise to stay safe",
            "NICE guideline NG225 (2022)",
        )
    },
    Term {
        also: &["thresholds"],
        ..term(
            "threshold",
            "up to where a service supports somebody, and who takes over beyond",
            "a score that somebody has to reach",
            "this project, SECTIONS `plan`",
        )
    },
];
