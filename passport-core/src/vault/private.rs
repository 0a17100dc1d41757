//! Private compartments.

/// A compartment of a vault with a passphrase of its own.
#[derive(Debug)]
pub struct PrivateBox;
