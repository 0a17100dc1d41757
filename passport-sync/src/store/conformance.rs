//! What every store must do alike. Each test runs on all of them.

mod links;
mod packs;
mod relay;

use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::id::{ChannelId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::{
    Checked, Epochs, FeedPage, FeedQuery, MailboxState, MemoryStore, Meter, Object, SqliteFile,
    SqliteStore, Store, StoreError, read, write,
};
use crate::wire::{ItemKind, object_id};

/// Runs a test on an empty store of each kind.
fn on_each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::new([1; 16]));
    let folder = tempfile::tempdir().unwrap();
    test(&sqlite(&folder.path().join("relay.db")));
}

fn sqlite(path: &std::path::Path) -> SqliteStore {
    opened(path, 8)
}

fn opened(path: &std::path::Path, seed: u8) -> SqliteStore {
    SqliteStore::open(path, &mut ChaCha20Rng::from_seed([seed; 32])).unwrap()
}

fn key(n: u8) -> VerificationKey {
    VerificationKey::from_bytes([n; 32])
}

fn epoch(n: u8) -> EpochId {
    EpochId::from_bytes([n; 32])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

const CONTROL: u8 = 100;

fn channel(n: u8) -> ChannelId {
    channel_id(&key(CONTROL), &[n; 16])
}

fn reader(n: u8, until: Option<i64>) -> Member {
    Member { key: key(n), can: Rights::Read, until: until.map(at), history: false }
}

/// Sets a channel whose live epoch is 1.
fn set_channel(store: &dyn Store, n: u8, members: Vec<Member>) {
    let list = AccessList::new(key(CONTROL), [n; 16], 1, None, [epoch(1)], members);
    write(store, move |tx| tx.put_channel(&list, &[n; 32], &[n, n])).unwrap();
}

/// Keeps an envelope of `size` bytes and puts it into the feeds of `keys`.
fn put(store: &dyn Store, n: u8, in_epoch: u8, mark: u8, size: usize, keys: &[u8]) -> ObjectId {
    let bytes = vec![mark; size];
    let id = object_id(&bytes);
    let keys: Vec<_> = keys.iter().map(|n| key(*n)).collect();
    write(store, move |tx| {
        let (channel, epoch) = (channel(n), epoch(in_epoch));
        tx.put_object(&id, &Object::Envelope { channel, epoch, last: None, bytes: &bytes })?;
        tx.append_feed(&keys, &id)
    })
    .unwrap();
    id
}

fn page(store: &dyn Store, query: FeedQuery) -> FeedPage {
    read(store, |snapshot| snapshot.feed(&query)).unwrap()
}

fn query(n: u8, after: u64) -> FeedQuery {
    FeedQuery { key: key(n), after, now: at(0), rows_max: 100, bytes_max: 1 << 20 }
}

/// The first byte of each item, which names it.
fn marks(page: &FeedPage) -> Vec<u8> {
    page.items.iter().map(|item| item.bytes[0]).collect()
}

#[test]
fn a_write_says_whose_feeds_it_added_to() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, None), reader(2, None)]);
        let id = put(store, 1, 1, 5, 10, &[1]);
        let fed = write(store, move |tx| {
            let before = tx.fed();
            tx.append_feed(&[key(2), key(3)], &id)?;
            tx.backfill(&key(1), &channel(1), Epochs::All)?;
            tx.clear_feed(&key(4), &channel(1))?;
            Ok((before, tx.fed()))
        });
        assert_eq!(fed.unwrap(), ([].into(), [key(1), key(2), key(3)].into()));
    });
}

#[test]
fn a_failed_write_leaves_nothing_and_others_go_on() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, None)]);
        let id = put(store, 1, 1, 5, 10, &[1]);
        let failed: Result<(), _> = write(store, move |tx| {
            tx.append_feed(&[key(1)], &id)?;
            tx.drop_epoch(&channel(1), &epoch(1))?;
            Err(StoreError::Stopped)
        });
        assert!(failed.is_err());
        assert_eq!(marks(&page(store, query(1, 0))), [5]);
        assert_eq!(read(store, |s| s.position()).unwrap(), 1);
        put(store, 1, 1, 6, 10, &[1]);
        assert_eq!(marks(&page(store, query(1, 0))), [5, 6]);
    });
}

#[test]
fn a_feed_goes_on_after_its_cursor_in_pages() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, None), reader(2, None)]);
        for mark in 1..=5 {
            put(store, 1, 1, mark, 100, &[1]);
        }
        put(store, 1, 1, 6, 100, &[2]);
        let by_rows = page(store, FeedQuery { rows_max: 2, ..query(1, 0) });
        assert_eq!((marks(&by_rows), by_rows.more), (vec![1, 2], true));
        let by_bytes = page(store, FeedQuery { bytes_max: 250, ..query(1, by_rows.position) });
        assert_eq!((marks(&by_bytes), by_bytes.more), (vec![3, 4], true));
        let tiny = page(store, FeedQuery { bytes_max: 1, ..query(1, 0) });
        assert_eq!((marks(&tiny), tiny.more), (vec![1], true), "one item always fits");
        let rest = page(store, query(1, by_bytes.position));
        assert_eq!((marks(&rest), rest.more), (vec![5], false));
        assert_eq!(page(store, query(1, rest.position)).items, []);
        assert_eq!(page(store, query(1, u64::MAX)).items, []);
        assert_eq!(marks(&page(store, query(2, 0))), [6]);
        assert_eq!(marks(&page(store, query(9, 0))), [0; 0]);
    });
}

#[test]
fn rights_are_checked_again_on_reading() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, Some(10)), reader(2, None)]);
        put(store, 1, 1, 7, 10, &[1, 2, 3, CONTROL]);
        assert_eq!(marks(&page(store, FeedQuery { now: at(9), ..query(1, 0) })), [7]);
        let ended = page(store, FeedQuery { now: at(10), ..query(1, 0) });
        assert_eq!((marks(&ended), ended.position), (vec![], 1), "the cursor goes on");
        assert_eq!(marks(&page(store, query(3, 0))), [0; 0], "never a member");
        assert_eq!(marks(&page(store, query(CONTROL, 0))), [7]);
        set_channel(store, 1, vec![Member { can: Rights::Write, ..reader(2, None) }]);
        assert_eq!(marks(&page(store, query(2, 0))), [0; 0], "a depositor reads nothing");
        set_channel(store, 1, vec![reader(1, Some(20))]);
        assert_eq!(marks(&page(store, FeedQuery { now: at(19), ..query(1, 0) })), [7], "extended");
        set_channel(store, 1, vec![]);
        assert_eq!(marks(&page(store, query(1, 0))), [0; 0], "no longer a member");
    });
}

#[test]
fn backfilling_twice_moves_and_does_not_repeat() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, None)]);
        set_channel(store, 2, vec![reader(1, None)]);
        put(store, 1, 1, 1, 10, &[]);
        put(store, 1, 2, 2, 10, &[]);
        put(store, 1, 1, 3, 10, &[1]);
        put(store, 2, 1, 4, 10, &[1]);
        let fill = |epochs: &'static [u8]| {
            write(store, move |tx| {
                let some: Vec<_> = epochs.iter().map(|n| epoch(*n)).collect();
                let epochs = if some.is_empty() { Epochs::All } else { Epochs::Only(&some) };
                tx.backfill(&key(1), &channel(1), epochs)
            })
            .unwrap();
        };
        fill(&[1]);
        assert_eq!(marks(&page(store, query(1, 0))), [4, 1, 3]);
        fill(&[1]);
        assert_eq!(marks(&page(store, query(1, 0))), [4, 1, 3]);
        fill(&[]);
        assert_eq!(marks(&page(store, query(1, 0))), [4, 1, 2, 3]);
        write(store, |tx| tx.clear_feed(&key(1), &channel(1))).unwrap();
        assert_eq!(marks(&page(store, query(1, 0))), [4]);
    });
}

#[test]
fn a_dropped_epoch_is_forgotten_but_its_ids_are_not() {
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, None)]);
        let id = put(store, 1, 2, 1, 30, &[1]);
        put(store, 1, 1, 2, 10, &[1]);
        let bytes = || read(store, |s| s.channel(&channel(1))).unwrap().unwrap().bytes;
        assert_eq!(bytes(), 40);
        write(store, |tx| tx.drop_epoch(&channel(1), &epoch(2))).unwrap();
        assert_eq!(bytes(), 10);
        assert_eq!(marks(&page(store, query(1, 0))), [2]);
        assert!(read(store, |s| s.has_object(&id)).unwrap());
        write(store, |tx| tx.backfill(&key(1), &channel(1), Epochs::All)).unwrap();
        assert_eq!(marks(&page(store, query(1, 0))), [2]);
    });
}

#[test]
fn the_current_list_is_kept_whole() {
    on_each(|store| {
        assert_eq!(read(store, |s| s.channel(&channel(1))).unwrap(), None);
        set_channel(store, 1, vec![reader(1, Some(5)), reader(2, None)]);
        put(store, 1, 1, 1, 30, &[]);
        set_channel(store, 1, vec![Member { history: true, ..reader(3, Some(-7)) }]);
        let kept = read(store, |s| s.channel(&channel(1))).unwrap().unwrap();
        assert_eq!((kept.control, kept.serial, kept.hash), (key(CONTROL), 1, [1; 32]));
        assert_eq!((kept.live, kept.bytes), (vec![epoch(1)], 30));
        assert_eq!(read(store, |s| s.access_list(&channel(1))).unwrap(), Some(vec![1, 1]));
        let member = Member { history: true, ..reader(3, Some(-7)) };
        assert_eq!(read(store, |s| s.members(&channel(1))).unwrap(), [member]);
        assert_eq!(read(store, |s| s.member(&channel(1), &key(3))).unwrap(), Some(member));
        assert_eq!(read(store, |s| s.member(&channel(1), &key(1))).unwrap(), None);
    });
}

#[test]
fn letters_stay_until_acknowledged_and_then_a_while() {
    on_each(|store| {
        let letter = |mark: u8| {
            let bytes = vec![mark; 20];
            let id = object_id(&[key(1).as_bytes().as_slice(), &bytes].concat());
            write(store, move |tx| {
                tx.put_object(&id, &Object::Letter { to: key(1), from: key(mark), bytes: &bytes })?;
                tx.append_feed(&[key(1)], &id)
            })
            .unwrap();
        };
        letter(1);
        letter(2);
        let state = || read(store, |s| s.mailbox(&key(1))).unwrap();
        let of = |sender: Option<VerificationKey>| {
            read(store, |s| s.mailbox_usage(&key(1), sender.as_ref())).unwrap()
        };
        let usage = || of(None);
        assert_eq!((usage().letters, usage().bytes, state().unacknowledged), (2, 40, Some(1)));
        assert_eq!((of(Some(key(2))).letters, of(Some(key(3))).letters), (1, 0));
        write(store, |tx| tx.expire_letters(&key(1), at(i64::MAX))).unwrap();
        assert_eq!(usage().letters, 2, "never lost before it was acknowledged");
        write(store, |tx| tx.acknowledge(&key(1), 1, at(50))).unwrap();
        write(store, |tx| tx.acknowledge(&key(1), 1, at(60))).unwrap();
        assert_eq!(state(), MailboxState { unacknowledged: Some(2), acknowledged: Some(at(50)) });
        write(store, |tx| tx.expire_letters(&key(1), at(50))).unwrap();
        assert_eq!(usage().letters, 2);
        write(store, |tx| tx.expire_letters(&key(1), at(51))).unwrap();
        assert_eq!((usage().letters, usage().bytes), (1, 20));
        assert_eq!((of(Some(key(1))).letters, of(Some(key(2))).letters), (0, 1));
        let feed = page(store, query(1, 0));
        assert_eq!((marks(&feed), feed.items[0].kind), (vec![2], ItemKind::Letter));
    });
}

#[test]
fn counts_start_again_each_day_for_each_key_and_meter() {
    on_each(|store| {
        let count =
            |n: u8, meter, day| write(store, move |tx| tx.count(&key(n), meter, day, 1)).unwrap();
        assert_eq!(count(1, Meter::Letters, 5), 1);
        assert_eq!(count(1, Meter::Letters, 5), 2);
        assert_eq!(count(1, Meter::Blobs, 5), 1);
        assert_eq!(count(2, Meter::Letters, 5), 1);
        assert_eq!(count(1, Meter::Letters, 6), 1);
        let more = |by| write(store, move |tx| tx.count(&key(3), Meter::Bytes, 5, by)).unwrap();
        assert_eq!((more(10), more(7)), (10, 17));
        let counted = |day| read(store, |s| s.counted(&key(3), Meter::Bytes, day)).unwrap();
        assert_eq!((counted(5), counted(6)), (17, 0));
    });
}

#[test]
fn a_rendezvous_object_ends_at_its_end() {
    on_each(|store| {
        let id = object_id(b"meet me");
        write(store, move |tx| tx.put_blob(&id, b"meet me", at(0), at(10))).unwrap();
        let blob = |now| read(store, |s| s.blob(&id, at(now))).unwrap();
        assert_eq!(blob(9), Some(b"meet me".to_vec()));
        assert_eq!(blob(10), None);
        let start = |id: &ObjectId| id.as_bytes().first_chunk().copied().unwrap();
        let from = |start: [u8; 16], now| read(store, |s| s.blob_from(&start, at(now))).unwrap();
        assert_eq!(from(start(&id), 9), Some(b"meet me".to_vec()));
        assert_eq!(from(start(&id), 10), None);
        assert_eq!(from(start(&object_id(b"absent")), 9), None);
        let other = object_id(b"later");
        write(store, move |tx| tx.put_blob(&other, b"later", at(10), at(20))).unwrap();
        assert_eq!(blob(9), None, "the expired are deleted");
    });
}

#[cfg(unix)]
#[test]
fn sqlite_keeps_its_files_to_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let _store = sqlite(&folder.path().join("relay.db"));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn sqlite_keeps_everything_when_reopened_and_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = sqlite(&path);
    set_channel(&store, 1, vec![reader(1, None)]);
    put(&store, 1, 1, 1, 10, &[1]);
    let relay = read(&store, |s| s.relay()).unwrap();
    let copy = folder.path().join("copy.db");
    SqliteFile::open(&path).unwrap().backup(&copy).unwrap();
    drop(store);
    for path in [&path, &copy] {
        let store = opened(path, 9);
        assert_eq!(marks(&page(&store, query(1, 0))), [1]);
        assert_eq!(read(&store, |s| s.relay()).unwrap(), relay);
    }
    SqliteStore::renew(&copy, &mut ChaCha20Rng::from_seed([9; 32])).unwrap();
    assert_ne!(read(&opened(&copy, 10), |s| s.relay()).unwrap(), relay);
}

#[test]
fn sqlite_knows_a_cursor_of_a_past_it_has_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("relay.db"), folder.path().join("copy.db"));
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None)]);
    put(&store, 1, 1, 1, 10, &[1]);
    SqliteFile::open(&path).unwrap().backup(&copy).unwrap();
    put(&store, 1, 1, 2, 10, &[1]);
    let run = read(&store, |s| s.generation()).unwrap();
    let reached = |store: &SqliteStore, n| read(store, |s| s.has_reached(&run, n)).unwrap();
    assert!(reached(&store, 2) && !reached(&store, 3));
    drop(store);
    let restarted = opened(&path, 2);
    put(&restarted, 1, 1, 3, 10, &[1]);
    assert!(reached(&restarted, 2) && !reached(&restarted, 3));
    let rolled_back = opened(&copy, 3);
    put(&rolled_back, 1, 1, 4, 10, &[1]);
    assert!(reached(&rolled_back, 1) && !reached(&rolled_back, 2));
    let unknown = read(&rolled_back, |s| s.has_reached(&[0; 8], 0)).unwrap();
    assert!(!unknown);
}

#[test]
fn what_sqlite_acknowledged_is_in_its_files_already() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(&folder.path().join("relay.db"), 1);
    set_channel(&store, 1, vec![reader(1, None)]);
    put(&store, 1, 1, 1, 10, &[1]);
    // As a killed process would leave them.
    let left = tempfile::tempdir().unwrap();
    for name in ["relay.db", "relay.db-wal"] {
        std::fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
    }
    let found = opened(&left.path().join("relay.db"), 2);
    assert_eq!(marks(&page(&found, query(1, 0))), [1]);
}

#[test]
fn sqlite_commits_the_writes_of_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("relay.db"));
    set_channel(&store, 1, vec![reader(1, None)]);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..8 {
                    put(store, 1, 1, thread * 8 + n, 10, &[1]);
                }
            });
        }
    });
    let page = page(&store, query(1, 0));
    let mut marks = marks(&page);
    marks.sort_unstable();
    assert_eq!(marks, (0..64).collect::<Vec<u8>>());
    assert_eq!(page.position, 64);
}

#[test]
fn a51_what_rotted_in_sqlite_is_named_and_handed_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None), reader(2, None)]);
    put(&store, 1, 1, 1, 40, &[1, 2]);
    put(&store, 1, 1, 2, 40, &[1]);
    assert_eq!(marks(&page(&store, query(1, 0))), [1, 2]);
    drop(store);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let rotten =
        raw.execute("UPDATE objects SET bytes = zeroblob(40) WHERE bytes = ?1", [vec![2_u8; 40]]);
    assert_eq!(rotten.unwrap(), 1);
    drop(raw);
    let store = opened(&path, 2);
    let handed = read(&store, |snapshot| snapshot.feed(&query(1, 0)));
    let damaged = StoreError::Damaged { table: "objects", column: "bytes" };
    assert_eq!(handed.unwrap_err().to_string(), damaged.to_string());
    assert_eq!(marks(&page(&store, query(2, 0))), [1], "others are served");
    drop(store);
    assert_eq!(SqliteFile::open(&path).unwrap().check().unwrap().altered, 1);
}

#[test]
fn a_panic_in_a_write_stops_neither_the_writer_nor_later_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("relay.db"));
    assert!(store.write(Box::new(|_| panic!("as planned"))).is_err());
    assert_eq!(write(&store, |tx| tx.count(&key(1), Meter::Letters, 1, 1)).unwrap(), 1);
}

#[test]
fn a_backup_taken_under_load_is_whole_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("relay.db"), folder.path().join("copy.db"));
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None)]);
    put(&store, 1, 1, 0, 1000, &[1]);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for mark in 1..60 {
                put(&store, 1, 1, mark, 1000, &[1]);
            }
        });
        SqliteFile::open(&path).unwrap().backup(&copy).unwrap();
        writing.join().unwrap();
    });
    let mut file = SqliteFile::open(&copy).unwrap();
    let checked = file.check().unwrap();
    assert!(checked.is_well() && checked.objects > 0, "{checked:?}");
    assert_eq!(file.stats().unwrap().envelopes, checked.objects);
    drop(file);
    let restored = opened(&copy, 2);
    let there = page(&restored, query(1, 0));
    assert_eq!(there.items.len() as u64, checked.objects);
    put(&restored, 1, 1, 99, 10, &[1]);
    assert_eq!(marks(&page(&restored, query(1, there.position))), [99]);
    assert!(SqliteFile::open(&path).unwrap().backup(&copy).is_err(), "nothing is overwritten");
}

#[test]
fn a_check_finds_what_was_altered_and_miscounted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None)]);
    put(&store, 1, 1, 1, 10, &[1]);
    put(&store, 1, 1, 2, 10, &[1]);
    let check = || SqliteFile::open(&path).unwrap().check().unwrap();
    assert_eq!(check(), Checked { objects: 2, ..Checked::default() });
    let spoil = |sql: &str| {
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    };
    spoil("UPDATE objects SET bytes = x'00' WHERE seq = 1");
    assert_eq!((check().altered, check().miscounted), (1, 1));
    spoil("UPDATE feed SET until = 5 WHERE position = 2");
    assert_eq!(check().astray, 1);
    spoil("UPDATE feed SET object = 77; DELETE FROM channels");
    assert_eq!((check().astray, check().orphaned), (2, 4));
    assert!(SqliteFile::open(&folder.path().join("absent.db")).is_err());
}

#[test]
fn sqlite_gives_back_the_room_of_what_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let size = || std::fs::metadata(&path).unwrap().len();
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None)]);
    drop(store);
    let empty = size();
    let store = opened(&path, 2);
    for mark in 0..20 {
        put(&store, 1, 1, mark, 50_000, &[1]);
    }
    drop(store);
    assert!(size() > empty + 1_000_000);
    let store = opened(&path, 3);
    write(&store, |tx| tx.drop_epoch(&channel(1), &epoch(1))).unwrap();
    drop(store);
    assert!(size() < empty + 50_000, "{} of {empty}", size());
    assert_eq!(SqliteFile::open(&path).unwrap().check().unwrap().altered, 0);
}

#[test]
fn a_feed_from_before_it_kept_ends_is_given_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, Some(10)), reader(2, None)]);
    put(&store, 1, 1, 7, 10, &[1, 2, 3, CONTROL]);
    drop(store);
    let older = "ALTER TABLE feed DROP COLUMN until; PRAGMA user_version = 1";
    rusqlite::Connection::open(&path).unwrap().execute_batch(older).unwrap();
    let store = opened(&path, 2);
    let seen = |n, now| marks(&page(&store, FeedQuery { now: at(now), ..query(n, 0) }));
    assert_eq!((seen(1, 9), seen(1, 10)), (vec![7], vec![]));
    assert_eq!((seen(2, 10), seen(3, 0), seen(CONTROL, 10)), (vec![7], vec![], vec![7]));
    assert_eq!(SqliteFile::open(&path).unwrap().check().unwrap().astray, 0);
}

#[test]
fn a_database_is_copied_row_by_row_and_what_differs_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("relay.db"), folder.path().join("moved.db"));
    let store = opened(&path, 1);
    set_channel(&store, 1, vec![reader(1, None), reader(2, None)]);
    put(&store, 1, 1, 1, 10, &[1, 2]);
    let copy = || SqliteFile::open(&path).unwrap().copy_into(&to);
    assert_eq!(copy().unwrap().objects, 1);
    put(&store, 1, 1, 2, 10, &[2]);
    // The channel's row was copied already, and has changed.
    assert!(matches!(copy(), Err(StoreError::Differs { table: "relay" })));
    std::fs::remove_file(&to).unwrap();
    let copied = copy().unwrap();
    assert_eq!((copied.objects, copy().unwrap()), (2, copied));
    let relay = read(&store, |s| s.relay()).unwrap();
    drop(store);
    let moved = opened(&to, 2);
    assert_eq!(read(&moved, |s| s.relay()).unwrap(), relay);
    assert_eq!(marks(&page(&moved, query(2, 0))), [1, 2]);
    drop(moved);
    assert!(SqliteFile::open(&to).unwrap().check().unwrap().is_well());
}

#[test]
fn what_has_ended_is_found_and_forgotten() {
    use crate::session::{RelayLimits, Swept, sweep};
    on_each(|store| {
        set_channel(store, 1, vec![reader(1, Some(5))]);
        set_channel(store, 2, vec![reader(1, Some(5)), reader(2, None)]);
        let id = put(store, 1, 1, 1, 10, &[1]);
        put(store, 2, 1, 2, 10, &[1, 2]);
        let bytes = vec![3; 10];
        write(store, move |tx| {
            let id = object_id(&bytes);
            tx.put_object(&id, &Object::Letter { to: key(1), from: key(2), bytes: &bytes })?;
            tx.append_feed(&[key(1)], &id)?;
            tx.acknowledge(&key(1), 9, at(5))
        })
        .unwrap();
        let limits = RelayLimits { letter_days: 1, unread_days: 1, ..RelayLimits::default() };
        let swept = |now| sweep(at(now), &limits, store).unwrap();
        assert_eq!(swept(86_400 + 5), Swept::default());
        assert_eq!(swept(86_400 + 6), Swept { mailboxes: 1, channels: 1 });
        assert_eq!(swept(86_400 + 6), Swept::default());
        assert!(!read(store, |s| s.has_object(&id)).unwrap(), "it may be offered again");
        let usage = read(store, |s| s.mailbox_usage(&key(1), None)).unwrap();
        assert_eq!((usage.letters, marks(&page(store, query(2, 0)))), (0, vec![2]));
        assert_eq!(read(store, |s| s.channel(&channel(1))).unwrap().unwrap().bytes, 0);
    });
}
