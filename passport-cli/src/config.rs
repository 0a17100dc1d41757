//! Where a vault lives: one home directory, one vault.

use std::path::{Path, PathBuf};

use etcetera::app_strategy::{AppStrategy as _, AppStrategyArgs, choose_native_strategy};
use passport_core::vault::LOCK_FILES;

use crate::error::CliError;

/// The directory of one vault, of a holder or an organisation.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    /// The directory given, else the platform's data folder.
    ///
    /// # Errors
    /// Returns a usage error when the platform has no such folder.
    pub(crate) fn resolve(given: Option<PathBuf>) -> Result<Self, CliError> {
        if let Some(dir) = given.filter(|d| !d.as_os_str().is_empty()) {
            return Ok(Self { dir });
        }
        let names = AppStrategyArgs {
            top_level_domain: "org".to_owned(),
            author: "student-passport".to_owned(),
            app_name: "passport".to_owned(),
        };
        let strategy = choose_native_strategy(names).map_err(|source| {
            CliError::usage("there is no home directory to keep the passport in")
                .caused_by(source)
                .hint("name a directory with --home DIR or PASSPORT_HOME")
        })?;
        Ok(Self { dir: strategy.data_dir() })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The encrypted store in it.
    pub(crate) fn vault_file(&self) -> PathBuf {
        self.dir.join(passport_core::vault::VAULT_FILE)
    }

    /// Deletes the vault, with what SQLite leaves beside it and the locks. What cannot be removed
    /// can only be in the way.
    pub(crate) fn delete_vault(&self) {
        for left in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.vault_file().into_os_string();
            name.push(left);
            let _ = std::fs::remove_file(name);
        }
        for lock in LOCK_FILES {
            let _ = std::fs::remove_file(self.vault_file().with_file_name(lock));
        }
    }

    /// The vault's path, if there is a vault.
    ///
    /// # Errors
    /// Returns an error that tells how to make one.
    pub(crate) fn existing_vault(&self) -> Result<PathBuf, CliError> {
        let file = self.vault_file();
        if file.is_file() {
            return Ok(file);
        }
        Err(CliError::user(format!("there is no passport in {}", self.dir.display()))
            .hint("start one with `passport init --name \"Your Name\"`, or get yours back with `passport recover`")
            .hint("an organisation starts with `passport org init`")
            .hint("if it is kept elsewhere, say where with --home DIR"))
    }

    /// The path for a new vault; makes the directory, readable by this user alone.
    ///
    /// # Errors
    /// Returns an error when there is a vault already or the directory cannot be made.
    pub(crate) fn new_vault(&self) -> Result<PathBuf, CliError> {
        let file = self.vault_file();
        if file.exists() {
            return Err(CliError::user(format!("{} already holds a passport", self.dir.display()))
                .hint("use another directory with --home DIR; nothing here was changed"));
        }
        create_private(&self.dir).map_err(|source| {
            CliError::user(format!("cannot make the directory {}", self.dir.display()))
                .caused_by(source)
        })?;
        Ok(file)
    }
}

fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::ExitCode;

    #[test]
    fn a_home_holds_one_vault() {
        let tmp = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(tmp.path().join("deep/er"))).unwrap();
        assert_eq!(home.existing_vault().unwrap_err().code(), ExitCode::UserFixable);
        let file = home.new_vault().unwrap();
        std::fs::write(&file, b"vault").unwrap();
        assert_eq!(home.existing_vault().unwrap(), file);
        assert_eq!(home.new_vault().unwrap_err().code(), ExitCode::UserFixable);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_home_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        let home = Home::resolve(Some(tmp.path().join("own"))).unwrap();
        home.new_vault().unwrap();
        let mode = std::fs::metadata(home.dir()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
