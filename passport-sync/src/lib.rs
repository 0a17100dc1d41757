//! Student passport.
