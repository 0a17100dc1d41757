//! FHIR R4 in and out.
//!
//! ```text
//!  bytes ──import::read──► Import (drafts, skipped) ──same_person──► ask or go on
//!                                      └──plan──► Step: add, known, update
//!  entries ──export::bundle──► Bundle (collection)
//!  cards, links ──smart──► bytes for import::read
//! ```
//!
//! Sans-IO: bytes in, plain values out; whoever calls turns drafts into edits. Whatever finds no
//! field is kept verbatim in the entry's `source`, and whatever finds no section becomes an entry
//! of `documents`; what cannot be kept is reported. Sources: HL7 FHIR R4 (4.0.1), HL7
//! International Patient Summary 2.0, UK Core R4.

pub mod check;
pub mod export;
pub mod import;
mod json;
mod known;
mod marker;
mod narrative;
mod original;
mod plan;
pub mod proof;
mod same;
pub mod smart;

pub use plan::{Existing, Step, plan};
pub use same::{Holder, Identity, Mismatch, same_person};
