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
//!  View ◄──read── Replica (Automerge document) ◄──admit (rights, schema)── OpenedEnvelope
//! ```
//!
//! What each module holds, from the ground up; the bytes are described in `docs/PROTOCOL.md`:
//!
//! - [`id`], [`time`], [`domain`], [`codec`]: identifiers, whole seconds, what a hash or signature
//!   is for, deterministic CBOR
//! - [`keys`]: signatures, the recovery phrase, devices, organisations' cards, wraps
//! - [`section`]: the one table of sections, kinds and fields, and their typed values;
//!   [`nhs_number`] checks one of them, [`glossary`] explains their words and those of services
//! - [`author`], [`attestation`], [`edit`]: who recorded something, what an organisation signed of
//!   it, and the typed changes that cross the wire
//! - [`envelope`]: edits sealed and signed; [`attachment`]: files, in parts, likewise
//! - [`epoch`], [`grant`], [`ledger`]: spans of a section with fixed members, consents, and the
//!   holder's own log of both
//! - [`replica`], [`view`]: admission, merging, and what comes of it
//! - [`access`], [`letter`], [`receipt`]: what a relay is told, what is left in mailboxes, and what
//!   organisations say they did
//! - [`vault`], [`journal`]: what a device keeps, and what each relay has of it
//! - [`party`], [`holder`], [`organisation`]: the two sides, as commands; [`discharge`] is what one
//!   of them says to those who may not know why, [`disclosure`] which counts may be told
//! - `fhir` (feature): health records in and out
//!
//! # A passport and its first medicine
//!
//! ```
//! use passport_core::holder::{Holder, NewEntry, Profile};
//! use passport_core::section::{Code, Value, display::display_value};
//! use passport_core::time::Timestamp;
//! use passport_core::vault::MemoryVault;
//! use rand_core::SeedableRng as _;
//!
//! // In earnest: the system's generator, and the present.
//! let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
//! let now = Timestamp::from_seconds(1_790_000_000);
//!
//! let sam = Profile { name: "Sam Taylor".into(), ..Profile::default() };
//! let (mut holder, phrase) = Holder::create(MemoryVault::default(), &sam, now, &mut rng)?;
//! assert_eq!(phrase.words().count(), 24);
//!
//! let section: passport_core::section::SectionName = "medications".parse()?;
//! let fluoxetine = NewEntry {
//!     section: section.clone(),
//!     kind: "medication".into(),
//!     fields: vec![
//!         ("item".into(), Value::Code(Code::text("Fluoxetine 20 mg capsules"))),
//!         ("dose".into(), Value::Text("one in the morning".into())),
//!     ],
//! };
//! holder.add(&[fluoxetine], now, &mut rng)?;
//!
//! let view = holder.view(&section)?;
//! let item = view.entries[0].fields["item"].settled().expect("one value, no conflict");
//! assert_eq!(display_value(&item.value), "Fluoxetine 20 mg capsules");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod access;
pub mod archive;
pub mod attachment;
pub mod attestation;
pub mod author;
pub mod codec;
pub mod discharge;
pub mod disclosure;
pub mod domain;
pub mod edit;
pub mod envelope;
pub mod epoch;
#[cfg(feature = "fhir")]
pub mod fhir;
pub mod glossary;
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
pub mod receipt;
pub mod replica;
pub mod section;
pub mod time;
pub mod vault;
pub mod view;
