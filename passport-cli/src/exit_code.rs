//! Exit codes: documented, and never changed once released.

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Done.
    Done = 0,
    /// Something the user can put right.
    UserFixable = 1,
    /// The command line or a setting makes no sense.
    Usage = 2,
    /// Whoever read our output stopped reading.
    OutputClosed = 3,
    /// The vault is locked, or the passphrase is wrong.
    VaultLocked = 10,
    /// The vault is damaged.
    VaultDamaged = 11,
    /// No grant in force allows it.
    NoGrant = 20,
    /// A signature, phrase or digest does not match.
    VerificationFailed = 21,
    /// No relay could be reached; nothing is lost.
    RelayUnreachable = 30,
    /// The relay answered no.
    RelayRefused = 31,
    /// Our bug.
    Bug = 70,
}

impl ExitCode {
    /// The word for it in `--json` errors.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::UserFixable => "user_fixable",
            Self::Usage => "usage",
            Self::OutputClosed => "output_closed",
            Self::VaultLocked => "vault_locked",
            Self::VaultDamaged => "vault_damaged",
            Self::NoGrant => "no_grant",
            Self::VerificationFailed => "verification_failed",
            Self::RelayUnreachable => "relay_unreachable",
            Self::RelayRefused => "relay_refused",
            Self::Bug => "bug",
        }
    }

    /// The number the shell sees.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ExitCode;

    #[test]
    fn numbers_are_the_documented_ones() {
        let all = [
            (ExitCode::Done, 0),
            (ExitCode::UserFixable, 1),
            (ExitCode::Usage, 2),
            (ExitCode::OutputClosed, 3),
            (ExitCode::VaultLocked, 10),
            (ExitCode::VaultDamaged, 11),
            (ExitCode::NoGrant, 20),
            (ExitCode::VerificationFailed, 21),
            (ExitCode::RelayUnreachable, 30),
            (ExitCode::RelayRefused, 31),
            (ExitCode::Bug, 70),
        ];
        for (code, number) in all {
            assert_eq!(code.number(), number, "{}", code.word());
        }
    }
}
