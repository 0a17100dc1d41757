//! What commands answer about files beside entries.

use serde_json::Value;

use super::super::shape::{always, count, flag, object, text};
use super::id;

/// A file that an entry names, and how much of it is here.
pub(super) fn file() -> Value {
    object([
        always("entry", id()),
        always("title", text("its title")),
        always("media_type", text("its media type")),
        always("size", count("bytes")),
        always("here", count("parts that are here")),
        always("of", count("parts that there are")),
        always("whole", flag("whether all of it is here")),
    ])
}

/// Where one was saved.
pub(super) fn saved() -> Value {
    object([
        always("entry", id()),
        always("file", text("where it was saved")),
        always("title", text("its title")),
        always("media_type", text("its media type")),
        always("size", count("bytes")),
    ])
}
