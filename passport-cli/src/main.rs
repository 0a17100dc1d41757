//! Student passport.
fn main() {}
