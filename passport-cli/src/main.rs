//! `passport`: a student's record of care between home and campus, on the command line.
//!
//! ```text
//!  arguments ─► app (options, command) ─► holder / org / relay (one file a command) ─► domain
//!                    │                            │
//!          clock, rng, passphrase          output (stdout: data), error (stderr: talk)
//! ```
#![forbid(unsafe_code)]

mod added;
mod app;
mod attached;
mod check;
mod choice;
mod clock;
mod completions;
mod config;
mod confirm;
mod consent;
mod demo;
mod duration;
mod error;
mod exit_code;
mod explain;
mod exporting;
mod fault;
mod fields;
mod files;
mod help;
mod holder;
mod joining;
mod logging;
mod man;
mod names;
mod org;
mod output;
mod pack;
mod page;
mod panic;
mod passphrase;
mod passport;
mod progress;
mod qr;
mod recovery;
mod relay;
mod relay_url;
mod render;
mod rng;
mod schema;
mod signals;
mod spreadsheet;
mod syncing;
mod table;
mod verify;
mod watching;

fn main() -> std::process::ExitCode {
    app::main(std::env::args_os().collect())
}
