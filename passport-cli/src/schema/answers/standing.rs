//! What commands answer about how a passport, and what it is kept at, is.

use serde_json::Value;

use super::super::campus;
use super::super::shape::{always, count, flag, list, maybe, moment, object, or_null, text};
use super::{id, section};

/// Of `status`.
pub(super) fn status() -> Value {
    object([
        always("passport", id()),
        always("device", id()),
        always("removed", flag("whether another device removed this one")),
        always("recovered", or_null(&recovered())),
        always("phrase_unshown", flag("whether the recovery phrase was not shown to its end")),
        always("phrase_void", flag("whether the one made here last was replaced elsewhere")),
        always("unsent", count("envelopes that no relay confirmed")),
        always("conflicts", count("fields with several values")),
        always("unconfirmed", list(&campus::open())),
        always("suggestions", count("suggestions to settle")),
        always("quarantined", count("items held back")),
        always("missing", count("envelopes that others build on and that did not arrive")),
        always("forks", count("authors who wrote two things under one number")),
        always("remotes", list(&remote())),
    ])
}

/// That nobody confirmed yet what a recovered device was given.
pub(super) fn recovered() -> Value {
    object([
        always("at", moment("when this device was recovered; nobody confirmed it since")),
        always("sections", list(&section())),
    ])
}

/// A relay.
pub(super) fn remote() -> Value {
    object([
        always("url", text("the relay")),
        maybe("ok", flag("whether it answered this time")),
        always("last_confirmed", or_null(&moment("when it last confirmed what is here"))),
        maybe("last_news", or_null(&moment("when it last brought something new"))),
    ])
}
