//! What the commands about discharges and student life answer.

use serde_json::Value;

use super::answers::{id, party, section};
use super::shape::{always, choice, count, flag, list, maybe, moment, object, or_null, text};

/// These commands, and the shapes of their answers.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let placed = || object([always("id", id()), always("section", section())]);
    vec![
        ("explain", list(&explanation())),
        ("confirm", object([always("entries", list(&placed())), always("open", list(&open()))])),
        ("org discharges", discharges()),
        ("org stats", stats()),
        (
            "org follow-up",
            object([
                always("student", party()),
                always("discharged_on", text("partial date")),
                always("state", handling()),
                always("plan", or_null(&text("the entry in the shared plan that tells it"))),
            ]),
        ),
        (
            "org confirm",
            object([
                always("student", party()),
                maybe("nhs_number", text("in groups, where a number was confirmed")),
                maybe("changed", or_null(&text("own entry that says it now"))),
                maybe("suggestions", list(&id())),
                maybe("entries", list(&placed())),
            ]),
        ),
    ]
}

/// Something that waits to be confirmed.
pub(super) fn open() -> Value {
    object([
        always("entry", id()),
        always("section", section()),
        always("name", text("what the entry is called")),
        always("asks", choice(&["notice", "discharge"])),
    ])
}

fn explanation() -> Value {
    let said = object([
        always("to", choice(&["student", "gp", "university"])),
        always("words", text("what else matters to them")),
    ]);
    object([
        always("term", text("the word; of a field with its section")),
        always("sort", choice(&["passport", "service", "section", "field", "choice"])),
        always("plain", text("what it means, in plain words")),
        always("not", or_null(&text("what it does not mean, or is not to be called"))),
        always("said", list(&said)),
        always("source", text("where that comes from")),
    ])
}

fn stats() -> Value {
    let counted = list(&object([
        always("of", text("what is counted")),
        always("count", or_null(&count("how many; null where it is suppressed"))),
    ]));
    object([
        always("as_of", moment("when this was counted")),
        always("min_cell", count("the least count that is told, besides zero")),
        always("students", or_null(&count("students who share something now"))),
        always("sections", counted.clone()),
        always("since", moment("since when discharges were counted")),
        always("discharged", or_null(&count("students discharged since then"))),
        always("settings", counted.clone()),
        always("handled", counted),
    ])
}

fn handling() -> Value {
    choice(&["new", "seen", "followed-up"])
}

fn discharges() -> Value {
    let source = object([
        always("student", party()),
        always("organisation", text("who writes there; `Holder` is the student")),
        always("last_heard", moment("when it last wrote, by its own clock")),
        always("days_ago", count("whole days since then")),
    ]);
    let follow_up = object([
        always("due", or_null(&text("by when, a partial date"))),
        always("basis", choice(&["stated", "72-hours", "none"])),
        always("with", or_null(&text("with whom"))),
        always("said", or_null(&text("what the notice says became of it"))),
        always("overdue", flag("whether that day has passed and nobody said that it happened")),
    ]);
    let handled = object([
        always("state", handling()),
        always("at", moment("when it was noted")),
        always("by", text("by whom of the staff")),
        maybe("note", text("what they wrote")),
    ]);
    let discharge = object([
        always("student", party()),
        always("entry", id()),
        always("section", section()),
        always("discharged_on", text("partial date")),
        always("from", or_null(&text("hospital or service, where that is said"))),
        always("setting", or_null(&text("kind of setting"))),
        maybe("reason", text("only where the full discharge is shared")),
        always("window", choice(&["72-hours", "7-days", "earlier"])),
        always("follow_up", or_null(&follow_up)),
        always("state", handling()),
        maybe("handled", handled),
        always("attested_by", or_null(&text("whose signature was verified"))),
        maybe("contested", list(&text("a field that has several values"))),
    ]);
    let possible = object([
        always("student", party()),
        always("entry", id()),
        always("ended_on", text("partial date")),
        always("from", or_null(&text("where, if that is said"))),
    ]);
    object([
        always("as_of", moment("when this was answered")),
        always("last_exchange", or_null(&moment("when a relay last confirmed what is here"))),
        always("students_sharing", count("students who share discharges at all")),
        always("sources", list(&source)),
        always("discharges", list(&discharge)),
        always("possible", list(&possible)),
    ])
}
