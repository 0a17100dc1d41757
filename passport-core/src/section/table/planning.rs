//! Plans, adjustments and risks.

use super::build::{
    IDENTIFIER, NOTE, SOURCE, choice, code, date, heading, loinc, one, period, prose, required,
    text,
};
use crate::section::{ChoiceSpec, KindSpec, SectionSpec};

const ACTION_STATE: &[ChoiceSpec] = &[
    one("proposed", "Suggested, and not agreed yet."),
    one("agreed", "Agreed, and not begun."),
    one("in-progress", "Under way."),
    one("done", "Finished."),
    one("blocked", "Cannot go on until something else happens."),
    one("cancelled", "No longer wanted."),
];

pub(super) const PLAN: SectionSpec = SectionSpec {
    name: "plan",
    title: "Shared plan",
    gloss: "Who does what by when, and up to where each service supports the student; everyone who may write here may change any part.",
    collaborative: true,
    shareable: true,
    in_share_all: true,
    heading: Some(heading("plan-and-requested-actions", "Plan and requested actions")),
    fhir: "CarePlan, Task, Appointment",
    kinds: &[
        KindSpec {
            name: "action",
            title: "action",
            label: "action",
            fields: &[
                required(prose("action", "Action", "What is to be done.")),
                text("who", "Who", "Who does it."),
                date("by_when", "By when", "When it should be done."),
                choice("state", "State", "How far it has got.", ACTION_STATE),
                prose("outcome", "Outcome", "What came of it."),
                date("reviewed", "Last looked at", "When somebody last went over this."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "threshold",
            title: "threshold",
            label: "service",
            fields: &[
                required(text("service", "Service", "The service this is about.")),
                prose("holds", "What it supports", "What this service holds, and up to where."),
                prose(
                    "beyond",
                    "When it is too much",
                    "What is beyond this service, and who takes over.",
                ),
                text("call", "How to hand over", "Whom to call to hand over."),
                date("agreed", "Agreed on", "When the services agreed this."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};

pub(super) const SAFETY_PLAN: SectionSpec = SectionSpec {
    name: "safety-plan",
    title: "Safety plan",
    gloss: "The student's own plan for hard times: what sets them off, what helps, what to avoid and who to call.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: None,
    fhir: "CarePlan",
    kinds: &[
        KindSpec {
            name: "plan",
            title: "safety plan",
            label: "reviewed",
            fields: &[
                prose(
                    "triggers",
                    "What can set me off",
                    "Events, dates, places or feelings that make things worse.",
                ),
                prose(
                    "early_signs",
                    "Early signs",
                    "How the student or others can tell that things are getting worse.",
                ),
                prose(
                    "what_helps",
                    "What helps",
                    "What the student can do, and what others can do.",
                ),
                prose("what_to_avoid", "What to avoid", "What makes things worse."),
                prose("who_to_call", "Who to call", "People and services to call, in order."),
                prose("places", "Safe places", "Where the student can go."),
                prose("keeping_safe", "Keeping safe", "How the surroundings can be made safer."),
                prose("reasons", "Reasons to go on", "What the student wants to hold on to."),
                prose(
                    "advance_statement",
                    "Advance statement",
                    "What the student would want if they became too unwell to say; services take it into account, and it does not bind them.",
                ),
                date("reviewed", "Last looked at", "When the student last went over this."),
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "call",
            title: "who to call",
            label: "name",
            fields: &[
                required(text("name", "Who", "The person or service.")),
                text("phone", "Telephone", "How to ring them."),
                text("when", "When", "When to ring them."),
                text("hours", "Hours", "When they answer."),
            ],
        },
    ],
};

const ADJUSTMENT_STATUS: &[ChoiceSpec] = &[
    one("asked-for", "The student has asked for it."),
    one("agreed", "Agreed, and not in place yet."),
    one("in-place", "In place."),
    one("ended", "No longer needed or given."),
];

pub(super) const ADJUSTMENTS: SectionSpec = SectionSpec {
    name: "adjustments",
    title: "Reasonable adjustments",
    gloss: "Changes that services and the university make so that the student is not at a disadvantage, as the Equality Act 2010 asks.",
    collaborative: false,
    shareable: true,
    in_share_all: true,
    heading: Some(heading(
        "reasonable-adjustments-for-health-and-care-access",
        "Reasonable adjustments for health and care access",
    )),
    fhir: "Flag, Condition",
    kinds: &[
        KindSpec {
            name: "adjustment",
            title: "adjustment",
            label: "adjustment",
            fields: &[
                required(code("adjustment", "Adjustment", "What should be done differently.")),
                prose("detail", "In practice", "How to do it, and where it applies."),
                text(
                    "setting",
                    "Where",
                    "Whether for teaching, exams, halls, placements or health care.",
                ),
                choice("status", "Status", "Whether it is in place.", ADJUSTMENT_STATUS),
                text("agreed_with", "Agreed with", "Who agreed to make it."),
                period("period", "From and until", "When it applies."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "impairment",
            title: "impairment",
            label: "impairment",
            fields: &[
                required(code(
                    "impairment",
                    "Impairment",
                    "The long-term effect on daily life that the adjustments are for.",
                )),
                prose("effect", "Effect", "What it means in daily life and study."),
                date("onset", "Since", "When it began."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
        KindSpec {
            name: "support-plan",
            title: "support plan",
            label: "title",
            fields: &[
                required(text(
                    "title",
                    "Title",
                    "What the plan is called, such as a support plan or a Disabled Students' Allowance award.",
                )),
                text("reference", "Reference", "The number it is known by."),
                text("held_by", "Held by", "Who wrote it and keeps it."),
                period("period", "From and until", "When it applies."),
                NOTE,
                IDENTIFIER,
                SOURCE,
            ],
        },
    ],
};

const RISK_STATUS: &[ChoiceSpec] = &[
    one("active", "Those who wrote it think it matters now."),
    one("inactive", "It no longer applies."),
    one("entered-in-error", "Recorded by mistake."),
];

const RISK_CATEGORY: &[ChoiceSpec] = &[
    one("safety", "Something that could harm the student or somebody else."),
    one(
        "safeguarding",
        "A concern that the student is being harmed or is at risk of it by others.",
    ),
    one("mental-health-act", "The student's legal status under the Mental Health Act."),
    one("clinical", "Something that changes what treatment is safe."),
    one("other", "Anything else that services are told to look out for."),
];

pub(super) const RISKS: SectionSpec = SectionSpec {
    name: "risks",
    title: "Risks and alerts",
    gloss: "What services have written down as a risk; services mean different things by the word, so read who wrote it and when. Shared only when named, never with everything else.",
    collaborative: false,
    shareable: true,
    in_share_all: false,
    heading: Some(loinc("104605-1", "Alert")),
    fhir: "Flag",
    kinds: &[KindSpec {
        name: "risk",
        title: "risk or alert",
        label: "risk",
        fields: &[
            required(code("risk", "Risk or alert", "What it is.")),
            choice("category", "Kind", "What sort of alert it is.", RISK_CATEGORY),
            choice("status", "Status", "Whether it applies now.", RISK_STATUS),
            prose("detail", "What is known", "What led to it, in the words of whoever wrote it."),
            prose("response", "What to do", "What to do about it."),
            period("period", "From and until", "When it applies."),
            date("assessed", "Assessed on", "When somebody last judged it."),
            NOTE,
            IDENTIFIER,
            SOURCE,
        ],
    }],
};
