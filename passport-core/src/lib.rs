//! The student passport's domain, without I/O.
//!
//! A student (the *holder*) keeps one record of care in *sections* and decides, section by
//! section, who reads it, who adds to it, and until when. Everything here is sans-IO: time and
//! randomness are arguments, bytes go in and bytes come out. Nothing in this crate opens a
//! socket, reads a clock or (without the `sqlite` feature) touches a file.
//!
//! ```text
//!  Edit ──validate──► Body ──seal──► SealedEnvelope ══ relay, file ══► SealedEnvelope
//!                                                                        │ verify (signature)
//!                                                                  VerifiedEnvelope
//!                                                                        │ open (phase key)
//!  View ◄──read── Replica (Automerge cache) ◄──admit (rights, schema)── OpenedEnvelope
//! ```
#![forbid(unsafe_code)]

pub mod access;
pub mod attestation;
pub mod author;
pub mod codec;
pub mod discharge;
pub mod domain;
pub mod edit;
pub mod envelope;
pub mod epoch;
#[cfg(feature = "fhir")]
pub mod fhir;
pub mod grant;
pub mod holder;
pub mod id;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod letter;
pub mod nhs_number;
pub mod organisation;
pub mod party;
pub mod replica;
pub mod section;
pub mod time;
pub mod vault;
pub mod view;
