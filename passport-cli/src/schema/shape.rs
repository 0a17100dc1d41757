//! Shapes of JSON, briefly written.

use serde_json::{Map, Value, json};

/// A member of an object.
pub(super) struct Member {
    name: &'static str,
    shape: Value,
    required: bool,
}

/// A member that is always there.
pub(super) fn always(name: &'static str, shape: Value) -> Member {
    Member { name, shape, required: true }
}

/// A member that may be left out.
pub(super) fn maybe(name: &'static str, shape: Value) -> Member {
    Member { name, shape, required: false }
}

/// An object with these members.
pub(super) fn object(members: impl IntoIterator<Item = Member>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for member in members {
        if member.required {
            required.push(member.name);
        }
        properties.insert(member.name.to_owned(), member.shape);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// An object from names to this.
pub(super) fn map(of: &Value) -> Value {
    json!({"type": "object", "additionalProperties": of})
}

/// A list of this.
pub(super) fn list(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

/// This, or null.
pub(super) fn or_null(shape: &Value) -> Value {
    json!({"anyOf": [shape, {"type": "null"}]})
}

/// A text; `what` says which.
pub(super) fn text(what: &str) -> Value {
    json!({"type": "string", "description": what})
}

/// One of these words.
pub(super) fn choice(words: &[&str]) -> Value {
    json!({"enum": words})
}

/// A moment in UTC, RFC 3339.
pub(super) fn moment(what: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": what})
}

/// A whole number, not negative.
pub(super) fn count(what: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": what})
}

/// True or false.
pub(super) fn flag(what: &str) -> Value {
    json!({"type": "boolean", "description": what})
}

/// Anything that JSON can hold; `what` says when which.
pub(super) fn any(what: &str) -> Value {
    json!({"description": what})
}
