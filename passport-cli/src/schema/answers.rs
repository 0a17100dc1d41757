//! What each command answers with `--json`.

use serde_json::Value;

use super::shape::{
    always, any, choice, count, flag, list, map, maybe, moment, object, or_null, text,
};

/// Every command that answers in JSON, and the shape of its answer.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let mut all = holder();
    all.extend(sharing());
    all.extend(organisation());
    all.push((
        "relay serve",
        object([always("listening", text("address, once connections are accepted"))]),
    ));
    all.push(("demo", object([always("dir", text("where the vaults were left"))])));
    all.push(("error", error()));
    all
}

fn holder() -> Vec<(&'static str, Value)> {
    vec![
        (
            "init",
            object([
                always("passport", id()),
                always("device", id()),
                always("recovery_phrase", text("24 words, shown this once")),
            ]),
        ),
        ("code", object([always("code", text("the student code"))])),
        ("recover", object([always("passport", id()), always("device", id())])),
        ("import", added()),
        ("add", added()),
        ("edit", changed_entry()),
        ("remove", changed_entry()),
        ("annotate", changed_entry()),
        ("move", object([always("entry", id()), always("section", section())])),
        ("show", view()),
        ("history", list(&event())),
        ("conflicts", list(&conflict())),
        ("resolve", changed_entry()),
        ("suggestions", list(&suggestion_of_entry())),
        ("accept", settled()),
        ("decline", settled()),
        ("quarantine list", list(&held_back())),
        ("quarantine release", settled()),
        ("quarantine drop", settled()),
        ("sync", synced()),
        ("remote add", object([always("url", text("the relay"))])),
        ("remote list", list(&remote())),
        ("remote remove", object([always("url", text("the relay"))])),
        ("device add", object([always("code", text("to approve on another device"))])),
        (
            "device approve",
            object([always("device", id()), always("words", text("four words to compare"))]),
        ),
        ("device list", list(&device())),
        ("device remove", object([always("device", id())])),
        ("export", exported()),
        ("status", status()),
    ]
}

fn sharing() -> Vec<(&'static str, Value)> {
    let grants = list(&grant("contact"));
    vec![
        ("contact add", contact()),
        ("contact verify", contact()),
        ("contact list", list(&contact())),
        ("contact show", contact()),
        ("contact remove", object([always("id", id())])),
        ("share", grants.clone()),
        ("revoke", grants.clone()),
        ("grants", grants),
    ]
}

fn organisation() -> Vec<(&'static str, Value)> {
    vec![
        ("org init", object([always("id", id()), always("name", text("its name"))])),
        (
            "org card",
            object([
                always("id", id()),
                always("name", text("its name")),
                always("phrase", text("four words to compare")),
                always("file", or_null(&text("where the card was written"))),
            ]),
        ),
        ("org sync", synced()),
        ("org students", list(&grant("student"))),
        ("org show", view()),
        ("org history", list(&event())),
        ("org contribute", added()),
        ("org edit", changed_entry()),
        ("org remove", changed_entry()),
        ("org annotate", changed_entry()),
        ("org suggest", object([always("id", id()), always("entry", id())])),
        ("org discharges", discharges()),
        ("org conflicts", list(&conflict())),
        ("org quarantine", list(&held_back())),
        ("org export", exported()),
    ]
}

fn id() -> Value {
    text("identifier, lower-case hexadecimal")
}

fn section() -> Value {
    text("name of a section")
}

fn party() -> Value {
    object([always("id", id()), always("name", text("name, as they wrote it"))])
}

fn added() -> Value {
    let entry = object([
        always("id", or_null(&text("identifier; none where nothing was written"))),
        always("section", section()),
    ]);
    let skipped = object([
        always("resource", text("which part of the file")),
        always("reason", text("why it was not placed")),
    ]);
    object([
        always("entries", list(&entry)),
        maybe("updated", list(&entry)),
        maybe("kept", list(&entry)),
        always("skipped", list(&skipped)),
    ])
}

fn changed_entry() -> Value {
    object([always("entry", id())])
}

fn settled() -> Value {
    object([always("id", id())])
}

fn view() -> Value {
    let field = object([
        always("value", any("text, true or false, or an object for what has parts")),
        maybe("code", any("the code, where the value is a coded term")),
    ]);
    let entry = object([
        always("id", id()),
        always("kind", text("kind of entry")),
        always("fields", map(&field)),
        always("author", party()),
        always("recorded_at", moment("when, as the author says")),
        always("attested", flag("whether the author's signature on it was verified")),
        always("changed", list(&any("a field changed since, by whom and from what"))),
        always("conflicts", map(&list(&claim()))),
        always("suggestions", list(&suggestion())),
        always("notes", list(&note())),
    ]);
    let section = object([
        always("section", section()),
        always("epoch", id()),
        always("entries", list(&entry)),
    ]);
    object([
        always("passport", id()),
        always("holder", any("the student, as far as it was shared")),
        always("sections", list(&section)),
    ])
}

fn claim() -> Value {
    object([
        always("value", any("one of the values that were set at once")),
        always("author", party()),
        always("at", moment("when, as the author says")),
    ])
}

fn note() -> Value {
    object([
        always("id", id()),
        always("text", text("what it says")),
        always("author", party()),
        always("at", moment("when, as the author says")),
    ])
}

fn suggestion() -> Value {
    object([
        always("id", id()),
        always("field", text("name of the field")),
        always("value", any("the value it would have")),
        always("author", party()),
        always("at", moment("when, as the author says")),
    ])
}

fn suggestion_of_entry() -> Value {
    object([
        always("id", id()),
        always("section", section()),
        always("entry", id()),
        always("fields", map(&any("the value it would have"))),
        always("author", party()),
        always("at", moment("when, as the author says")),
    ])
}

fn conflict() -> Value {
    object([
        maybe("student", party()),
        always("section", section()),
        always("entry", id()),
        always("field", text("name of the field")),
        always("values", list(&claim())),
    ])
}

fn event() -> Value {
    object([
        always("at", moment("when, as the author says")),
        always("author", text("name, as they wrote it")),
        always("section", section()),
        maybe("entry", id()),
        always("what", text("what was done")),
        maybe("field", text("name of the field")),
        maybe("value", text("the value or text, in words")),
    ])
}

fn grant(who: &'static str) -> Value {
    object([
        always("id", id()),
        always(who, party()),
        always("section", section()),
        always("can", choice(&["read", "contribute", "deposit"])),
        always("from", moment("when it begins")),
        always("until", or_null(&moment("when it ends"))),
        always("purpose", text("what for")),
        always("state", choice(&["active", "expired", "revoked", "pending"])),
    ])
}

fn contact() -> Value {
    object([
        always("id", id()),
        always("name", text("its name")),
        always("kind", choice(&["gp", "university", "hospital", "other"])),
        always("phrase", text("four words to compare")),
        always("verified", flag("whether the words were compared")),
    ])
}

fn held_back() -> Value {
    object([
        always("id", id()),
        always("reason", text("why it was not accepted")),
        maybe("section", section()),
        maybe("author", text("name of who signed it, as far as known")),
        maybe("at", moment("when, as the author says")),
        maybe("edits", list(&text("what it would do"))),
        maybe("student", party()),
    ])
}

fn remote() -> Value {
    object([
        always("url", text("the relay")),
        maybe("ok", flag("whether it answered this time")),
        always("last_confirmed", or_null(&moment("when it last confirmed what is here"))),
    ])
}

fn synced() -> Value {
    object([
        always("sent", count("envelopes sent")),
        always("received", count("envelopes received")),
        always("quarantined", list(&held_back())),
        always("remotes", list(&remote())),
    ])
}

fn device() -> Value {
    object([
        always("id", id()),
        always("name", text("its name")),
        always("this", flag("whether it is this device")),
        always("until", or_null(&moment("when it is shut out by itself"))),
    ])
}

fn exported() -> Value {
    object([
        always("file", text("where it was written")),
        always("format", text("its form")),
        always("sections", list(&section())),
    ])
}

fn status() -> Value {
    object([
        always("passport", id()),
        always("device", id()),
        always("unsent", count("envelopes that no relay confirmed")),
        always("conflicts", count("fields with several values")),
        always("suggestions", count("suggestions to settle")),
        always("quarantined", count("items held back")),
        always("missing", count("envelopes that others build on and that did not arrive")),
        always("forks", count("authors who wrote two things under one number")),
        always("remotes", list(&remote())),
    ])
}

fn discharges() -> Value {
    let source = object([
        always("student", id()),
        always("organisation", text("who records")),
        always("last_heard", or_null(&moment("when it last was heard of"))),
    ]);
    let discharge = object([
        always("student", party()),
        always("entry", id()),
        always("discharged_on", text("partial date")),
        always("from", text("hospital or service")),
        always("setting", text("kind of setting")),
        maybe("reason", text("only where the full discharge is shared")),
        always("follow_up", any("what is arranged, with whom, when")),
        always("state", text("confirmed or possible")),
        always("attested_by", or_null(&text("whose signature was verified"))),
    ]);
    object([
        always("as_of", moment("when this was answered")),
        always("students_sharing", count("students who share discharges at all")),
        always("sources", list(&source)),
        always("discharges", list(&discharge)),
    ])
}

fn error() -> Value {
    let words = [
        "user_fixable",
        "usage",
        "output_closed",
        "vault_locked",
        "vault_damaged",
        "no_grant",
        "verification_failed",
        "relay_unreachable",
        "relay_refused",
        "bug",
    ];
    object([always(
        "error",
        object([
            always("code", choice(&words)),
            always("exit_code", count("the exit code")),
            always("message", text("what went wrong")),
            always("causes", list(&text("why, outermost first"))),
            always("hints", list(&text("what to do"))),
        ]),
    )])
}
