//! The stage of a journey: a relay, people's homes, and the program run in them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Cli, Output, Relay};

/// What opens every vault of a journey.
pub const PASSPHRASE: &str = "six tins of paint on the stairs";

/// A relay process and the folder that everything of a journey lies in.
#[derive(Debug)]
pub struct Stage {
    /// The relay.
    pub relay: Relay,
    /// Where everything is; it goes with the stage.
    pub folder: tempfile::TempDir,
    now: String,
}

/// Somebody with a home directory: a device of the holder, or an organisation.
#[derive(Clone, Debug)]
pub struct Person {
    /// The program in their home.
    pub cli: Cli,
    org: bool,
    /// An organisation's card, and the words that verify it; a holder's recovery phrase.
    pub card: PathBuf,
    /// The words that verify the card; a holder's recovery phrase.
    pub words: String,
    /// An organisation's id; a holder's passport.
    pub id: String,
    /// An organisation's name; the holder's.
    pub name: String,
}

impl Stage {
    /// A relay at this moment, and nobody yet.
    ///
    /// # Panics
    /// Panics when the relay does not start.
    #[expect(clippy::expect_used, reason = "a test without its directory cannot go on")]
    #[must_use]
    pub fn new(now: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a directory");
        let relay = Relay::start(&folder.path().join("relay"), now);
        Self { relay, folder, now: now.to_owned() }
    }

    /// A place in the stage's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A home without anything in it.
    #[must_use]
    pub fn blank(&self, home: &str) -> Person {
        let cli = Cli::new(self.path(home))
            .env("PASSPORT_PASSPHRASE", PASSPHRASE)
            .env("PASSPORT_NOW", &self.now);
        let (words, id, name) = (String::new(), String::new(), home.to_owned());
        Person { cli, org: false, card: PathBuf::new(), words, id, name }
    }

    /// A student on a first device.
    ///
    /// # Panics
    /// Panics when no passport can be made.
    #[must_use]
    pub fn student(&self, home: &str, name: &str) -> Person {
        self.student_at(home, name, self.relay.url())
    }

    /// A student who reaches the relay at another address, such as a proxy's.
    ///
    /// # Panics
    /// Panics when no passport can be made.
    #[must_use]
    pub fn student_at(&self, home: &str, name: &str, relay: &str) -> Person {
        let mut person = self.blank(home);
        let made = person.json(&["init", "--name", name, "--remote", relay]);
        person.words = text(&made, "/recovery_phrase");
        person.id = text(&made, "/passport");
        name.clone_into(&mut person.name);
        person
    }

    /// Another device of the same student, let in by the first.
    ///
    /// # Panics
    /// Panics when it is not let in.
    #[must_use]
    pub fn join(&self, home: &str, first: &Person) -> Person {
        let person = self.blank(home);
        let asked = person.json(&["device", "add", "--remote", self.relay.url()]);
        first.json(&["device", "approve", &text(&asked, "/code"), "--name", home]);
        first.sync();
        person.sync();
        Person { id: first.id.clone(), name: first.name.clone(), ..person }
    }

    /// An organisation with its card.
    ///
    /// # Panics
    /// Panics when it cannot be made.
    #[must_use]
    pub fn organisation(&self, home: &str, name: &str, kind: &str) -> Person {
        self.organisation_at(home, name, kind, self.relay.url())
    }

    /// An organisation that reaches the relay at another address, such as a proxy's.
    ///
    /// # Panics
    /// Panics when it cannot be made.
    #[must_use]
    pub fn organisation_at(&self, home: &str, name: &str, kind: &str, relay: &str) -> Person {
        let mut person = Person { org: true, ..self.blank(home) };
        person.json(&["init", "--name", name, "--kind", kind, "--remote", relay]);
        person.card = self.path(&format!("{home}.card"));
        let card = person.json(&["card", "-o", &person.card.display().to_string()]);
        person.words = text(&card, "/phrase");
        person.id = text(&card, "/id");
        name.clone_into(&mut person.name);
        person
    }
}

impl Person {
    /// Runs a command, with `org` before it for an organisation, agreeing to everything.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.cli.run(&self.whole(arguments))
    }

    /// All arguments of such a command.
    #[must_use]
    pub fn whole<'a>(&self, arguments: &[&'a str]) -> Vec<&'a str> {
        let mut all = vec!["--json", "--yes"];
        if self.org {
            all.extend(["org", "--actor", "s.teller"]);
        }
        all.extend(arguments);
        all
    }

    /// The answer of a command that must end well.
    ///
    /// # Panics
    /// Panics when it does not.
    #[expect(clippy::must_use_candidate, reason = "many commands are run for what they do")]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "{} ran {arguments:?}: {output:#?}", self.name);
        output.json()
    }

    /// Exchanges everything with the relay.
    ///
    /// # Panics
    /// Panics when that does not go well, or anything was held back.
    pub fn sync(&self) -> Value {
        let synced = self.json(&["sync"]);
        let held = synced.pointer("/quarantined").and_then(Value::as_array).map_or(0, Vec::len);
        assert_eq!(held, 0, "{} holds something back: {synced:#}", self.name);
        synced
    }

    /// The same person at another moment.
    #[must_use]
    pub fn at(&self, now: &str) -> Self {
        Self { cli: self.cli.clone().env("PASSPORT_NOW", now), ..self.clone() }
    }

    /// Takes an organisation's card as a contact, its words compared.
    ///
    /// # Panics
    /// Panics when the card is not accepted.
    pub fn meet(&self, organisation: &Self) {
        let card = organisation.card.display().to_string();
        self.json(&["contact", "add", &card, "--phrase", &organisation.words]);
    }

    /// Shares sections; `more` are further arguments.
    ///
    /// # Panics
    /// Panics when that is refused.
    pub fn share(&self, sections: &[&str], with: &Self, more: &[&str]) {
        let mut arguments = vec!["share"];
        arguments.extend(sections);
        arguments.extend(["--with", &with.name, "--purpose", "care"]);
        arguments.extend(more);
        self.json(&arguments);
    }

    /// One section as this person sees it; `student` is whose, to an organisation.
    ///
    /// # Panics
    /// Panics when it cannot be seen.
    #[must_use]
    pub fn section(&self, student: &Self, section: &str) -> Value {
        let shown = if self.org {
            self.json(&["show", &student.id, section])
        } else {
            self.json(&["show", section])
        };
        let sections = shown.pointer("/sections").and_then(Value::as_array);
        let mut sections = sections.into_iter().flatten();
        let found =
            sections.find(|s| s.pointer("/section").and_then(Value::as_str) == Some(section));
        assert!(found.is_some(), "{} sees no {section}: {shown:#}", self.name);
        found.cloned().unwrap_or_default()
    }

    /// A digest of one section as this person sees it, of at least `least` entries.
    ///
    /// # Panics
    /// Panics when it cannot be seen, or holds too little to be worth comparing.
    #[must_use]
    pub fn digest(&self, student: &Self, section: &str, least: usize) -> String {
        let seen = self.section(student, section);
        let entries = seen.pointer("/entries").and_then(Value::as_array).map_or(0, Vec::len);
        assert!(entries >= least, "{} sees {entries} entries of {section}", self.name);
        blake3::hash(seen.to_string().as_bytes()).to_string()
    }

    /// Adds an entry as the holder, or contributes it as an organisation, and gives its id.
    ///
    /// # Panics
    /// Panics when that is refused.
    #[must_use]
    pub fn record(&self, student: &Self, section: &str, fields: &[&str]) -> String {
        let mut arguments =
            if self.org { vec!["contribute", &student.id, section] } else { vec!["add", section] };
        for field in fields {
            arguments.extend(["--set", field]);
        }
        let made = self.json(&arguments);
        text(&made, "/entries/0/id")
    }
}

/// A text in an answer.
///
/// # Panics
/// Panics when there is none.
#[expect(clippy::panic, reason = "a test that expected it cannot go on")]
#[must_use]
pub fn text(answer: &Value, pointer: &str) -> String {
    match answer.pointer(pointer).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => panic!("there is no {pointer} in {answer:#}"),
    }
}

/// One entry of a section as [`Person::section`] gives it.
///
/// # Panics
/// Panics when there is none.
#[expect(clippy::panic, reason = "a test that expected it cannot go on")]
#[must_use]
pub fn entry<'a>(section: &'a Value, id: &str) -> &'a Value {
    let entries = section.pointer("/entries").and_then(Value::as_array);
    let mut entries = entries.into_iter().flatten();
    match entries.find(|e| e.pointer("/id").and_then(Value::as_str) == Some(id)) {
        Some(entry) => entry,
        None => panic!("there is no entry {id} in {section:#}"),
    }
}

/// A file of the corpus in `PASSPORT_FHIR_CORPUS`, or else this project's own in its stead.
#[must_use]
#[expect(clippy::print_stdout, reason = "a test that does less says so")]
pub fn corpus(name: &str, stead: &str) -> PathBuf {
    let of_corpus = std::env::var_os("PASSPORT_FHIR_CORPUS").map(|dir| Path::new(&dir).join(name));
    if let Some(file) = of_corpus.filter(|file| file.is_file()) {
        return file;
    }
    println!("{name} is not at hand (PASSPORT_FHIR_CORPUS); {stead} stands in for it");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(stead)
}
