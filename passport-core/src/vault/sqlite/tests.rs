//! What a vault file gives away (nothing) and what it survives.

use std::fs;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tempfile::TempDir;

use super::*;

const WEAK: KdfParams = KdfParams::weak_for_tests();
const SKIP: KdfFloor = KdfFloor::SkippedForTests;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(11)
}

fn create(home: &TempDir) -> SqliteVault {
    SqliteVault::create_with(home.path(), "open sesame", WEAK, &mut rng(), SKIP).unwrap()
}

fn open(home: &TempDir, passphrase: &str) -> Result<SqliteVault, VaultError> {
    SqliteVault::open_with(home.path(), passphrase, Duration::ZERO, SKIP)
}

fn put(vault: &mut SqliteVault, table: Table, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(table, key, value);
    vault.commit(batch).unwrap();
}

type Content = Vec<(Table, Vec<(Vec<u8>, Secret)>)>;

fn content(vault: &dyn Vault) -> Result<Content, VaultError> {
    Table::ALL.into_iter().map(|table| Ok((table, vault.scan(table)?))).collect()
}

#[test]
fn records_survive_closing_and_come_in_the_order_of_their_keys() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    let mut batch = Batch::new();
    batch.put(Table::Key, "b", "2").put(Table::Key, "a", "1").put(Table::Meta, "a", "meta");
    batch.put(Table::Key, "c", "3").delete(Table::Key, "c").delete(Table::Key, "never");
    vault.commit(batch).unwrap();
    put(&mut vault, Table::Key, b"a", b"1 again");
    drop(vault);
    let vault = open(&home, "open sesame").unwrap();
    let all = vault.scan(Table::Key).unwrap();
    let all: Vec<_> = all.iter().map(|(k, v)| (k.as_slice(), v.as_slice())).collect();
    assert_eq!(all, [(&b"a"[..], &b"1 again"[..]), (b"b", b"2")]);
    assert_eq!(vault.get(Table::Meta, b"a").unwrap().unwrap().as_slice(), b"meta");
    assert_eq!(vault.get(Table::Key, b"c"), Ok(None));
    assert_eq!(vault.check(), Ok(vec![]));
}

#[test]
fn memory_and_file_do_the_same() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    let mut memory = crate::vault::MemoryVault::new();
    for n in 0..60_u8 {
        let mut batch = Batch::new();
        for m in 0..5_u8 {
            let table = Table::ALL[usize::from(n.wrapping_mul(m)) % 14];
            if (n ^ m) % 3 == 0 {
                batch.delete(table, [m]);
            } else {
                batch.put(table, [m, n % 4], [n, m]);
            }
        }
        vault.commit(batch.clone()).unwrap();
        memory.commit(batch).unwrap();
    }
    assert_eq!(content(&vault), content(&memory));
    drop(vault);
    assert_eq!(content(&open(&home, "open sesame").unwrap()), content(&memory));
}

#[test]
fn wrong_passphrases_missing_vaults_and_second_creations_are_named() {
    let home = TempDir::new().unwrap();
    assert_eq!(open(&home, "x").err(), Some(VaultError::Missing));
    drop(create(&home));
    assert_eq!(open(&home, "open sesamf").err(), Some(VaultError::WrongPassphrase));
    assert_eq!(open(&home, "").err(), Some(VaultError::WrongPassphrase));
    let again = SqliteVault::create_with(home.path(), "x", WEAK, &mut rng(), SKIP);
    assert_eq!(again.err(), Some(VaultError::Exists));
    assert!(open(&home, "open sesame").is_ok());
    fs::write(home.path().join(VAULT_FILE), b"a letter to my aunt").unwrap();
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::NotAVault));
    fs::write(home.path().join(VAULT_FILE), b"").unwrap();
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::Missing));
    drop(create(&home));
}

#[test]
fn weak_derivation_is_refused_by_the_ordinary_doors() {
    let home = TempDir::new().unwrap();
    let weak = SqliteVault::create(home.path(), "x", WEAK, &mut rng());
    assert_eq!(weak.err(), Some(VaultError::Parameters));
    drop(create(&home));
    let opened = SqliteVault::open(home.path(), "open sesame", Duration::ZERO);
    assert_eq!(opened.err(), Some(VaultError::Parameters));
}

#[test]
fn lowered_parameters_do_not_open() {
    let home = TempDir::new().unwrap();
    drop(create(&home));
    let raw = Connection::open(home.path().join(VAULT_FILE)).unwrap();
    raw.execute("UPDATE vault SET passes = 2", []).unwrap();
    drop(raw);
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::DamagedFile));
}

#[test]
fn a_changed_passphrase_opens_and_the_old_one_does_not() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    put(&mut vault, Table::Key, b"k", b"v");
    let wrong = vault.change_passphrase_with("nope", "new", WEAK, &mut rng(), SKIP);
    assert_eq!(wrong, Err(VaultError::WrongPassphrase));
    vault.change_passphrase_with("open sesame", "new", WEAK, &mut rng(), SKIP).unwrap();
    drop(vault);
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::WrongPassphrase));
    let vault = open(&home, "new").unwrap();
    assert_eq!(vault.get(Table::Key, b"k").unwrap().unwrap().as_slice(), b"v");
}

#[test]
fn an_open_vault_keeps_others_out_until_it_closes() {
    let home = TempDir::new().unwrap();
    let vault = create(&home);
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::Busy));
    drop(vault);
    let vault = open(&home, "open sesame").unwrap();
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::Busy));
    let path = home.path().to_owned();
    let waiting = std::thread::spawn(move || {
        SqliteVault::open_with(&path, "open sesame", Duration::from_mins(1), SKIP).map(drop)
    });
    drop(vault);
    assert_eq!(waiting.join().unwrap(), Ok(()));
}

#[test]
fn an_open_vault_knows_who_waits_for_it() {
    let home = TempDir::new().unwrap();
    let vault = create(&home);
    assert!(!vault.is_wanted());
    let path = home.path().to_owned();
    let waiting = std::thread::spawn(move || {
        SqliteVault::open_with(&path, "open sesame", Duration::from_mins(1), SKIP).unwrap()
    });
    while !vault.is_wanted() {
        std::thread::yield_now();
    }
    drop(vault);
    assert!(!waiting.join().unwrap().is_wanted());
}

#[test]
fn nothing_of_keys_or_values_is_in_the_files() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    for n in 0..50 {
        let key = format!("planted-key-{n}");
        put(&mut vault, Table::Contact, key.as_bytes(), &b"planted-value".repeat(300));
    }
    let mut seen = 0;
    for file in fs::read_dir(home.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        seen += bytes.len();
        for word in [&b"planted"[..], b"sesame"] {
            assert!(!bytes.windows(word.len()).any(|part| part == word));
        }
    }
    assert!(seen > 100_000);
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = TempDir::new().unwrap();
    let inner = home.path().join("a/b");
    drop(SqliteVault::create_with(&inner, "x", WEAK, &mut rng(), SKIP).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner.join(VAULT_FILE)), 0o600);
    assert_eq!(mode(&inner), 0o700);
}

#[test]
fn a_full_disk_applies_nothing() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    put(&mut vault, Table::Key, b"before", b"kept");
    let before = content(&vault).unwrap();
    let pages: i64 = vault.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    vault.connection.pragma_update(None, "max_page_count", pages + 2).unwrap();
    let mut batch = Batch::new();
    batch.put(Table::Key, "small", "x").delete(Table::Key, "before");
    batch.put(Table::Key, "large", vec![1; 1 << 20]);
    assert_eq!(vault.commit(batch), Err(VaultError::Full));
    assert_eq!(content(&vault).unwrap(), before);
    vault.connection.pragma_update(None, "max_page_count", 1 << 20).unwrap();
    put(&mut vault, Table::Key, b"after", b"fits");
    drop(vault);
    let vault = open(&home, "open sesame").unwrap();
    assert_eq!(vault.scan(Table::Key).unwrap().len(), 2);
}

#[test]
fn a_damaged_record_is_named_and_the_others_still_read() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    put(&mut vault, Table::Key, b"one", b"1");
    put(&mut vault, Table::Audit, b"two", b"2");
    drop(vault);
    let raw = Connection::open(home.path().join(VAULT_FILE)).unwrap();
    raw.execute("UPDATE record SET sealed = substr(sealed, 1, 40) WHERE kind = 11", []).unwrap();
    drop(raw);
    let vault = open(&home, "open sesame").unwrap();
    let damaged = VaultError::Damaged { table: Table::Audit, row: 2 };
    assert_eq!(vault.get(Table::Audit, b"two"), Err(damaged));
    assert_eq!(vault.scan(Table::Audit), Err(damaged));
    assert_eq!(vault.check(), Ok(vec![damaged]));
    assert!(vault.get(Table::Key, b"one").unwrap().is_some());
}

#[test]
fn moved_removed_and_renamed_records_are_noticed() {
    for change in [
        "UPDATE record SET kind = 3 WHERE kind = 2",
        "DELETE FROM record WHERE kind = 2",
        "UPDATE record SET name = zeroblob(32) WHERE kind = 2",
        "INSERT INTO record (kind, name, sealed) SELECT 3, name, sealed FROM record",
    ] {
        let home = TempDir::new().unwrap();
        put(&mut create(&home), Table::Key, b"one", b"1");
        let raw = Connection::open(home.path().join(VAULT_FILE)).unwrap();
        raw.execute(change, []).unwrap();
        drop(raw);
        assert_eq!(open(&home, "open sesame").err(), Some(VaultError::DamagedFile), "{change}");
    }
}

#[test]
fn values_swapped_between_records_do_not_open() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    put(&mut vault, Table::Key, b"one", b"1");
    put(&mut vault, Table::Key, b"two", b"2");
    drop(vault);
    let raw = Connection::open(home.path().join(VAULT_FILE)).unwrap();
    raw.execute("UPDATE record SET sealed = (SELECT sealed FROM record WHERE id = 1)", []).unwrap();
    drop(raw);
    let vault = open(&home, "open sesame").unwrap();
    let damaged = VaultError::Damaged { table: Table::Key, row: 2 };
    assert_eq!(vault.get(Table::Key, b"two"), Err(damaged));
}

#[test]
fn a51_bit_rot_and_truncation_never_change_what_is_read() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    for n in 0..20_u8 {
        put(&mut vault, Table::ALL[usize::from(n) % 14], &[n], &[n; 200]);
    }
    let good = content(&vault).unwrap();
    drop(vault);
    let path = home.path().join(VAULT_FILE);
    let bytes = fs::read(&path).unwrap();
    let unchanged_or_refused = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        if let Ok(now) = open(&home, "open sesame").and_then(|vault| content(&vault)) {
            assert_eq!(now, good, "{what}");
            return false;
        }
        true
    };
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(53) {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        refused += usize::from(unchanged_or_refused(&bad, &format!("bit of byte {at}")));
    }
    assert!(refused > 20, "{refused}");
    for len in (0..bytes.len()).step_by(1021) {
        assert!(unchanged_or_refused(&bytes[..len], &format!("cut at {len}")), "cut at {len}");
    }
}

#[test]
fn what_still_opens_in_a_damaged_vault_is_salvaged() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    for n in 0..9_u8 {
        put(&mut vault, Table::Key, &[n], &[n; 100]);
    }
    drop(vault);
    let raw = Connection::open(home.path().join(VAULT_FILE)).unwrap();
    raw.execute("DELETE FROM record WHERE id = 2", []).unwrap();
    raw.execute("UPDATE record SET sealed = zeroblob(9) WHERE id = 4", []).unwrap();
    raw.execute("UPDATE record SET kind = 99 WHERE id = 6", []).unwrap();
    drop(raw);
    assert_eq!(open(&home, "open sesame").err(), Some(VaultError::DamagedFile));
    let wrong = SqliteVault::salvage_with(home.path(), "x", Duration::ZERO, SKIP);
    assert_eq!(wrong.err(), Some(VaultError::WrongPassphrase));
    let (saved, damage) =
        SqliteVault::salvage_with(home.path(), "open sesame", Duration::ZERO, SKIP).unwrap();
    let keys: Vec<_> = saved.scan(Table::Key).unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [[0], [2], [4], [5], [6], [7], [8]]);
    let damaged = VaultError::Damaged { table: Table::Key, row: 4 };
    assert_eq!(damage, [VaultError::DamagedFile, damaged]);
}

#[test]
fn a_crash_in_the_middle_of_a_commit_leaves_the_state_before() {
    let home = TempDir::new().unwrap();
    let mut vault = create(&home);
    put(&mut vault, Table::Key, b"before", b"kept");
    let before = content(&vault).unwrap();
    // A cache of one page makes SQLite write to the file long before the commit.
    vault.connection.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE;").unwrap();
    vault.connection.execute("DELETE FROM record", []).unwrap();
    for n in 0..200_u8 {
        let row = (7, [n; 32], vec![n; 5000]);
        vault.connection.execute(PUT, row).unwrap();
    }
    let crashed = TempDir::new().unwrap();
    for file in [VAULT_FILE, "vault.db-wal"] {
        fs::copy(home.path().join(file), crashed.path().join(file)).unwrap();
    }
    let len = |file: &str| fs::metadata(crashed.path().join(file)).unwrap().len();
    assert!(len("vault.db-wal") > 500_000);
    let vault = open(&crashed, "open sesame").unwrap();
    assert_eq!(content(&vault).unwrap(), before);
    assert_eq!(vault.check(), Ok(vec![]));
}
