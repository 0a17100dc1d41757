//! What each command answers with `--json`.

mod endings;
mod files;
mod standing;

use serde_json::Value;

use self::standing::{recovered, remote, status};
use super::shape::{
    Member, always, any, choice, count, flag, list, map, maybe, moment, object, or_null, text,
};

/// Every command that answers in JSON, and the shape of its answer.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let mut all = holder();
    all.extend(sharing());
    all.extend(organisation());
    all.extend(super::campus::all());
    all.push((
        "relay serve",
        object([
            maybe("listening", text("address, once connections are accepted")),
            maybe("metrics", or_null(&text("where metrics are, if anywhere"))),
            maybe("settings", any("what is set, by name")),
        ]),
    ));
    let copied = always("objects", count("envelopes, letters and access lists in the copy"));
    all.push(("relay migrate", object([copied, always("rows", count("rows of all tables"))])));
    all.push(("relay backup", object([always("file", text("the copy"))])));
    let objects = always("objects", count("envelopes, letters and access lists looked at"));
    let faults = ["altered", "miscounted", "astray", "orphaned"].map(|f| always(f, count("found")));
    all.push(("relay check", object([objects].into_iter().chain(faults))));
    let counted = [
        "channels",
        "keys",
        "envelopes",
        "envelope_bytes",
        "dropped",
        "letters",
        "letter_bytes",
        "feed_rows",
        "blobs",
        "database_bytes",
    ];
    all.push(("relay stats", object(counted.map(|c| always(c, count("as its name says"))))));
    all.push(("verify", verified()));
    all.push(("check", checked()));
    all.push(("demo", demo()));
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
        ("replace-phrase", endings::replaced()),
        ("import", added()),
        ("add", added()),
        ("edit", edited_entry()),
        ("remove", changed_entry()),
        ("erase", endings::erased()),
        ("annotate", changed_entry()),
        ("move", object([always("entry", id()), always("section", section())])),
        ("show", view()),
        ("save", files::saved()),
        ("history", list(&event())),
        ("conflicts", list(&conflict())),
        ("resolve", changed_entry()),
        ("suggestions", list(&suggestion_of_entry())),
        ("accept", settled()),
        ("decline", settled()),
        ("quarantine list", list(&held_back())),
        ("quarantine show", held_contents()),
        ("quarantine release", settled()),
        ("quarantine drop", settled()),
        ("private set", object([always("section", section())])),
        ("private change", object([always("section", section())])),
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
        (
            "link create",
            object([
                always("id", id()),
                always("link", text("the link; it holds the key, so whoever has it can read")),
                always("label", text("its label; may be empty")),
                always("sections", list(&section())),
                always("until", moment("when it ends")),
                always("passcode", flag("whether a passcode is asked for")),
            ]),
        ),
        ("link list", list(&link())),
        ("link revoke", object([always("id", id())])),
        ("status", status()),
    ]
}

fn sharing() -> Vec<(&'static str, Value)> {
    let grants = list(&grant("contact"));
    vec![
        ("contact add", contact()),
        ("contact verify", contact()),
        ("contact list", list(&contact())),
        ("contact show", shown_contact()),
        ("contact leave", left()),
        ("contact remove", object([always("id", id())])),
        ("share", grants.clone()),
        ("revoke", grants.clone()),
        ("grants", grants.clone()),
        ("grants extend", grants),
        ("access-log", list(&access_line())),
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
        ("org remote add", object([always("url", text("the relay"))])),
        ("org remote list", list(&remote())),
        ("org remote remove", object([always("url", text("the relay"))])),
        ("org students", list(&grant("student"))),
        ("org show", shared_view()),
        ("org save", files::saved()),
        ("org history", list(&event())),
        ("org contribute", added()),
        ("org edit", edited_entry()),
        ("org remove", changed_entry()),
        ("org annotate", changed_entry()),
        (
            "org suggest",
            object([always("id", id()), always("entry", id()), always("suggestions", list(&id()))]),
        ),
        ("org conflicts", list(&conflict())),
        ("org quarantine", list(&held_back())),
        ("org export", exported()),
        ("org forget", object([always("student", party()), always("sections", list(&section()))])),
        ("org audit", list(&audit_line())),
    ]
}

fn verified() -> Value {
    let signer = object([
        always("id", id()),
        always("name", text("name on its card")),
        always("phrase", or_null(&text("words to compare with the organisation itself"))),
    ]);
    let names = || list(&text("name of a field"));
    let entry = object([
        always("holds", flag("whether the signature holds and nothing was changed since")),
        maybe("entry", id()),
        maybe("section", section()),
        maybe("signer", or_null(&signer)),
        maybe("signed_at", moment("by the signer's clock")),
        maybe("intact", names()),
        maybe("changed", names()),
        maybe("unseen", names()),
    ]);
    object([always("entries", list(&entry)), always("failed", count("entries that do not hold"))])
}

fn checked() -> Value {
    let finding = object([
        always("severity", choice(&["error", "warning"])),
        always("path", text("where in the file")),
        always("rule", text("the rule, by HL7's key where it has one")),
        always("message", text("the rest of a sentence that begins with the path")),
    ]);
    object([
        always("errors", count("rules that are broken")),
        always("warnings", count("what is allowed and probably not meant")),
        always("findings", list(&finding)),
    ])
}

pub(super) fn id() -> Value {
    text("identifier, lower-case hexadecimal")
}

pub(super) fn section() -> Value {
    text("name of a section")
}

pub(super) fn party() -> Value {
    object([always("id", id()), always("name", text("name, as they wrote it"))])
}

fn added() -> Value {
    let entry = object([
        always("id", or_null(&text("identifier; none where nothing was written"))),
        always("section", section()),
        maybe("kind", text("its kind, where an import says so")),
        maybe("name", text("what it is called, where an import says so")),
    ]);
    let skipped = object([
        always("resource", text("which part of the file")),
        always("reason", text("why it was not placed")),
    ]);
    let card = object([
        always("issuer", text("address of whoever it says issued it")),
        always("issued", or_null(&moment("when it says it was issued"))),
        always("expires", or_null(&moment("when it ends; none where it does not"))),
        always("ended", flag("whether it had ended already")),
        always("verified", flag("whether it was held against the issuer's keys, and held")),
    ]);
    object([
        always("entries", list(&entry)),
        maybe("updated", list(&entry)),
        maybe("kept", list(&entry)),
        always("skipped", list(&skipped)),
        maybe("cards", list(&card)),
    ])
}

fn changed_entry() -> Value {
    object([always("entry", id())])
}

fn edited_entry() -> Value {
    object([always("entry", id()), always("notice", or_null(&id()))])
}

fn settled() -> Value {
    object([always("id", id())])
}

/// What a student shares: as [`view`], and which consents have ended since.
fn shared_view() -> Value {
    let ended = object([
        always("section", section()),
        always("state", choice(&["expired", "revoked"])),
        always("at", moment("when; nothing newer was received")),
    ]);
    let mut shape = view();
    if let Some(members) = shape.get_mut("properties").and_then(Value::as_object_mut) {
        members.insert("consent_ended".to_owned(), list(&ended));
        let confirmed = [
            always("number", text("ten digits that this organisation confirmed")),
            always("at", moment("when")),
        ];
        members.insert("nhs_number_confirmed".to_owned(), object(confirmed));
    }
    shape
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
        maybe("files", list(&files::file())),
        maybe("recovered", recovered()),
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
        maybe("not_received", count("envelopes that the recipient has not said it received")),
        maybe("deletion_asked", moment("when the student asked that everything be deleted")),
    ])
}

fn access_line() -> Value {
    object([
        always("contact", party()),
        always("role", text("role of who did it; empty for the service's program")),
        always("section", section()),
        always("what", choice(&["received", "opened", "exported", "deleted", "erased"])),
        always("at", moment("when, as the service says")),
    ])
}

fn audit_line() -> Value {
    object([
        always("at", moment("when")),
        always("actor", text("the member of staff")),
        always("role", text("their role, which the student is told")),
        always("student", party()),
        always("section", section()),
        always(
            "what",
            choice(&["opened", "attempted", "exported", "recorded", "deleted", "erased"]),
        ),
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

/// What an organisation that was left signed since.
fn leaving() -> [Member; 3] {
    let deleted =
        object([always("section", section()), always("at", moment("when, as the service says"))]);
    [
        always("asked", moment("when it was last asked to delete everything")),
        always("deleted", list(&deleted)),
        always("outstanding", list(&section())),
    ]
}

fn left() -> Value {
    let revoked = always("revoked", list(&grant("contact")));
    object([always("id", id()), revoked].into_iter().chain(leaving()))
}

fn shown_contact() -> Value {
    let mut shape = contact();
    if let Some(members) = shape.get_mut("properties").and_then(Value::as_object_mut) {
        members.insert("leaving".to_owned(), object(leaving()));
    }
    shape
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

/// As [`held_back`], with what it says.
fn held_contents() -> Value {
    let edit = object([
        always("what", text("kind of edit")),
        always("field", or_null(&text("the field, where it is about one"))),
        always("value", or_null(&text("the value or text, in words"))),
    ]);
    object([
        always("id", id()),
        always("reason", text("why it was not accepted")),
        always("section", section()),
        always("author", text("name of who signed it, as far as known")),
        always("at", moment("when, as the author says")),
        always("edits", list(&text("what it would do"))),
        always("contents", list(&edit)),
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
        maybe("file", text("where it was written")),
        maybe("files", list(&text("of a practice pack: the files in the folder"))),
        maybe("server", text("the FHIR server it was sent to")),
        maybe("created", count("resources that are new there")),
        maybe("updated", count("resources that were there, and were written over")),
        maybe("there", count("resources that were there, and were left as they were")),
        maybe("left_out", list(&text("a type of resource that was not sent"))),
        always("format", text("its form")),
        always("sections", list(&section())),
        always(
            "conflicts",
            list(&object([
                always("section", section()),
                always("entry", id()),
                always("field", text("a field with several values")),
            ])),
        ),
    ])
}

fn link() -> Value {
    let opening = object([
        always("at", moment("when, by the relay's clock")),
        always("recipient", text("who, as they said themselves")),
        always("opened", flag("whether they got it; otherwise the passcode was wrong")),
    ]);
    object([
        always("id", id()),
        always("label", text("its label, or its sections")),
        always("sections", list(&section())),
        always("relay", text("where it is kept")),
        always("made", moment("when it was made")),
        always("until", moment("when it ends")),
        always("state", choice(&["active", "ended", "unknown"])),
        always("attempts_left", or_null(&count("wrong passcodes still taken"))),
        always("opened", or_null(&count("how often it was opened"))),
        always("openings", list(&opening)),
    ])
}

/// One line for each step of the story, and the last for what is left.
fn demo() -> Value {
    let home = object([
        always("name", text("whose")),
        always("home", text("the directory")),
        always("passphrase", text("what opens it")),
    ]);
    object([
        maybe("step", count("number of the step")),
        maybe("scene", count("number of the scene")),
        maybe("command", list(&text("an argument"))),
        maybe("checked", text("what was checked, where no command ran")),
        maybe("exit_code", or_null(&count("how the command ended"))),
        maybe("as_told", flag("whether the step went as it should")),
        maybe("dir", text("in the last line: where everything was left")),
        maybe("steps", count("in the last line: how many there were")),
        maybe("homes", list(&home)),
        maybe("try", list(&text("a command to go on with"))),
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
