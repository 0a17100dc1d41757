//! The only place that makes randomness: the operating system's source.

use getrandom::SysRng;
use rand_core::{CryptoRng, TryRng as _, UnwrapErr};

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// The operating system's random source, for keys, nonces and ids.
///
/// # Errors
/// Returns an error when the source does not answer; no key is made without it.
pub(crate) fn os_rng() -> Result<impl CryptoRng, CliError> {
    let mut probe = [0_u8; 1];
    SysRng.try_fill_bytes(&mut probe).map_err(|source| {
        CliError::new(ExitCode::UserFixable, "this machine gives no random numbers")
            .caused_by(source)
            .hint("no key can be made safely; restart the machine and try again")
    })?;
    Ok(UnwrapErr(SysRng))
}

#[cfg(test)]
mod tests {
    use rand_core::Rng as _;

    #[test]
    fn two_draws_differ() {
        let mut rng = super::os_rng().unwrap();
        let (mut a, mut b) = ([0_u8; 32], [0_u8; 32]);
        rng.fill_bytes(&mut a);
        rng.fill_bytes(&mut b);
        assert_ne!(a, b);
    }
}
