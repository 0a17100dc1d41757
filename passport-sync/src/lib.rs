//! placeholder
#[cfg(feature = "relay")]
pub mod relay;
pub mod session;
pub mod signature;
pub mod store;
pub mod wire;
