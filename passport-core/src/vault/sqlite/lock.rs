//! One process at a time.
//!
//! The lock is on an empty file of its own, not on the database: SQLite's locks would have
//! whoever waits stand in the way of whoever is in. The system lets go of it however a process
//! ends.

use core::time::Duration;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::vault::VaultError;

/// The lock's file inside the home folder. It is empty, and stays.
const LOCK_FILE: &str = "vault.lock";
/// How long between two looks at a lock that somebody has.
const LOOK: Duration = Duration::from_millis(10);

/// Held while a vault is open.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a home folder, waiting up to `wait` for whoever has it.
    pub(super) fn take(home: &Path, wait: Duration) -> Result<Self, VaultError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(home.join(LOCK_FILE))?;
        let looks = wait.as_millis().div_ceil(LOOK.as_millis());
        for _ in 0..looks {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // Nobody unparks this thread, and to look early does no harm.
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOOK),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(VaultError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
