//! What the commands answer that end something for good.

use serde_json::Value;

use super::super::shape::{always, count, flag, list, moment, object, or_null, text};
use super::{id, section};

/// Of `replace-phrase`.
pub(super) fn replaced() -> Value {
    let words = text("24 words, shown this once");
    object([always("passport", id()), always("recovery_phrase", words)])
}

/// Of `erase`.
pub(super) fn erased() -> Value {
    let line = object([
        always("section", section()),
        always("entries", count("entries that were to be seen")),
        always("changes", count("changes that its history told")),
        always("since", or_null(&moment("when the history began"))),
    ]);
    object([
        always("erased", list(&line)),
        always("told", list(&text("who is told to delete it too"))),
        always("vault_deleted", flag("whether this device's vault is gone")),
    ])
}
