//! A vault in memory, for tests, simulation and the browser.

use core::fmt;
use std::collections::BTreeMap;

use super::{Batch, Change, Secret, Table, Vault, VaultError};

/// Records in memory. Zeroized on drop.
#[derive(Clone, Default)]
pub struct MemoryVault(BTreeMap<(Table, Vec<u8>), Secret>);

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryVault({} records)", self.0.len())
    }
}

impl Vault for MemoryVault {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError> {
        Ok(self.0.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
        let records = self.0.range((table, Vec::new())..);
        Ok(records
            .take_while(|((at, _), _)| *at == table)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
        batch.check()?;
        for change in batch.0 {
            match change {
                Change::Put { table, key, value } => self.0.insert((table, key), value),
                Change::Delete { table, key } => self.0.remove(&(table, key)),
            };
        }
        Ok(())
    }
}
