//! One process at a time, and one at the door.
//!
//! The locks are on empty files of their own, not on the database: SQLite's would have whoever
//! waits stand in the way of whoever is in. The system lets go of them however a process ends.
//!
//! ```text
//!  vault.next ── whoever waits longest ──► vault.lock ── whoever is in
//! ```

use core::time::Duration;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::vault::VaultError;

/// The files inside the home folder. They are empty, and stay.
pub const LOCK_FILES: [&str; 2] = ["vault.next", "vault.lock"];
/// How long between two looks at a lock that somebody has.
const LOOK: Duration = Duration::from_millis(10);

/// Held while a vault is open.
#[derive(Debug)]
pub(super) struct Lock {
    next: PathBuf,
    _inside: File,
}

impl Lock {
    /// Takes the lock of a home folder, waiting up to `wait` for whoever has it, and as long for
    /// whoever waits already.
    pub(super) fn take(home: &Path, wait: Duration) -> Result<Self, VaultError> {
        let [next, inside] = LOCK_FILES.map(|name| home.join(name));
        let _at_the_door = locked(&next, wait)?;
        Ok(Self { _inside: locked(&inside, wait)?, next })
    }

    /// Whether another process waits.
    pub(super) fn is_wanted(&self) -> bool {
        matches!(locked(&self.next, Duration::ZERO), Err(VaultError::Busy))
    }
}

fn locked(path: &Path, wait: Duration) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let mut looks = wait.as_millis().div_ceil(LOOK.as_millis());
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if looks == 0 => return Err(VaultError::Busy),
            // Nobody unparks this thread, and to look early does no harm.
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOOK),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        looks -= 1;
    }
}
