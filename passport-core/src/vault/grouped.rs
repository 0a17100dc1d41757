//! Commits that go to disk together.

use core::fmt;
use std::collections::BTreeMap;

use super::{Batch, Change, Secret, Table, Vault, VaultError};

/// A vault before another one, that holds commits back until they are flushed, all as one.
///
/// What was committed is read as if it were there. Dropped before a flush, what was held back is
/// as if it had never been: whoever promises somebody that something is kept, or sends on what was
/// made, flushes before.
pub struct Grouped<V> {
    vault: V,
    /// What becomes of records; none where one is removed.
    held: BTreeMap<(Table, Vec<u8>), Option<Secret>>,
}

impl<V> Grouped<V> {
    /// Before a vault.
    #[must_use]
    pub const fn new(vault: V) -> Self {
        Self { vault, held: BTreeMap::new() }
    }
}

impl<V: fmt::Debug> fmt::Debug for Grouped<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grouped({:?}, {} records held back)", self.vault, self.held.len())
    }
}

impl<V: Vault> Vault for Grouped<V> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError> {
        match self.held.get(&(table, key.to_vec())) {
            Some(held) => Ok(held.clone()),
            None => self.vault.get(table, key),
        }
    }

    fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
        let mut records: BTreeMap<Vec<u8>, Secret> = self.vault.scan(table)?.into_iter().collect();
        let held = self.held.range((table, Vec::new())..);
        for ((_, key), value) in held.take_while(|((at, _), _)| *at == table) {
            match value {
                Some(value) => records.insert(key.clone(), value.clone()),
                None => records.remove(key),
            };
        }
        Ok(records.into_iter().collect())
    }

    fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
        batch.check()?;
        for change in batch.0 {
            match change {
                Change::Put { table, key, value } => self.held.insert((table, key), Some(value)),
                Change::Delete { table, key } => self.held.insert((table, key), None),
            };
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), VaultError> {
        let change = |((table, key), value): (&(Table, Vec<u8>), &Option<Secret>)| match value {
            Some(value) => Change::Put { table: *table, key: key.clone(), value: value.clone() },
            None => Change::Delete { table: *table, key: key.clone() },
        };
        self.vault.commit(Batch(self.held.iter().map(change).collect()))?;
        self.held.clear();
        self.vault.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MemoryVault;

    fn put(key: u8, value: u8) -> Batch {
        let mut batch = Batch::new();
        batch.put(Table::Meta, [key], [value]);
        batch
    }

    #[test]
    fn what_is_held_back_is_read_at_once_and_written_with_a_flush() {
        let mut vault = Grouped::new(MemoryVault::new());
        vault.commit(put(1, 1)).unwrap();
        vault.flush().unwrap();
        vault.commit(put(2, 2)).unwrap();
        vault.commit(put(1, 3)).unwrap();
        let mut gone = Batch::new();
        gone.delete(Table::Meta, [2]).put(Table::Key, [9], [9]);
        vault.commit(gone).unwrap();

        let read = |vault: &dyn Vault| -> Vec<(Vec<u8>, Vec<u8>)> {
            let records = vault.scan(Table::Meta).unwrap();
            records.into_iter().map(|(key, value)| (key, value.to_vec())).collect()
        };
        assert_eq!(read(&vault), [(vec![1], vec![3])]);
        assert_eq!(vault.get(Table::Meta, &[2]).unwrap(), None);
        assert_eq!(read(&vault.vault), [(vec![1], vec![1])], "not before the flush");
        vault.flush().unwrap();
        assert_eq!(read(&vault.vault), [(vec![1], vec![3])]);
        assert_eq!(vault.vault.get(Table::Key, &[9]).unwrap().unwrap().as_slice(), [9]);
        assert!(vault.held.is_empty());
    }

    #[test]
    fn a_flush_that_fails_holds_everything_back_still() {
        struct Full(MemoryVault, bool);
        impl Vault for Full {
            fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError> {
                self.0.get(table, key)
            }
            fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
                self.0.scan(table)
            }
            fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
                if self.1 { Err(VaultError::Full) } else { self.0.commit(batch) }
            }
        }
        let mut vault = Grouped::new(Full(MemoryVault::new(), true));
        vault.commit(put(1, 1)).unwrap();
        assert_eq!(vault.flush(), Err(VaultError::Full));
        vault.vault.1 = false;
        vault.flush().unwrap();
        assert_eq!(vault.vault.get(Table::Meta, &[1]).unwrap().unwrap().as_slice(), [1]);
    }
}
