//! placeholder
pub mod session;
pub mod signature;
pub mod store;
pub mod wire;
