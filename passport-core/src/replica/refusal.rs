//! Why an envelope was put aside.

/// A reason for quarantine, numbered for the record. The envelope is refused whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
#[repr(u8)]
pub enum Refusal {
    /// The body is not what its kind says.
    #[error("malformed body")]
    Malformed = 1,
    /// It is not the part of the snapshot that the charter promises.
    #[error("not the snapshot that the charter promises")]
    Snapshot = 2,
    /// It builds on an envelope that was refused.
    #[error("builds on a refused envelope")]
    Dependency = 3,
    /// Its sequence number does not follow its author's previous envelope.
    #[error("out of sequence")]
    Sequence = 4,
    /// Its phase is unknown, or earlier than that of what it builds on.
    #[error("wrong phase")]
    Phase = 5,
    /// Its author is no device of the holder and no writer of the charter.
    #[error("author may not write here")]
    Author = 6,
    /// The author's right ended before this phase.
    #[error("author's right has ended")]
    Ended = 7,
    /// The edit is not among those its author may make.
    #[error("author may not make this edit")]
    Right = 8,
    /// It changes another's entry.
    #[error("changes another's entry")]
    NotOwn = 9,
    /// It puts another's name on something.
    #[error("speaks for another")]
    SpeaksForAnother = 10,
    /// An organisation's change without its signature, or with a wrong one.
    #[error("not attested")]
    Attestation = 11,
    /// The kind of entry or the field does not exist in this section.
    #[error("unknown kind or field")]
    Schema = 12,
    /// A value is of the wrong type or over its limit.
    #[error("value not acceptable")]
    Value = 13,
    /// A required field is missing.
    #[error("required field missing")]
    Required = 14,
    /// The entry does not exist, or was removed, in the author's own view.
    #[error("no such entry")]
    NoEntry = 15,
    /// The entry exists already.
    #[error("entry exists already")]
    Exists = 16,
    /// A position lies outside the text.
    #[error("position outside the text")]
    Position = 17,
    /// The suggestion does not exist or is settled.
    #[error("no such suggestion")]
    NoSuggestion = 18,
    /// More edits, entries, fields or notes than allowed.
    #[error("over a limit")]
    Limit = 19,
    /// The document could not take it.
    #[error("could not be applied")]
    Document = 20,
    /// Several values stand in the text's field: one must be chosen before it is written in.
    #[error("several values stand in this field")]
    Contested = 21,
}
