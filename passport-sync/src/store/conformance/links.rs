//! Links, on each store.

use passport_core::id::{ObjectId, VerificationKey};
use passport_core::time::{DAY_SECONDS, Timestamp};

use super::on_each;
use crate::session::{Asked, Opened, drop_link, link_file, link_state, open_link, put_link};
use crate::store::Store;
use crate::wire::{LinkPasscode, NewLink, Outcome, Rejection};

const NOW: i64 = 1_800_000_000;

fn at(offset: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + offset)
}

fn maker() -> VerificationKey {
    VerificationKey::from_bytes([1; 32])
}

fn id() -> ObjectId {
    ObjectId::from_bytes([2; 32])
}

fn link(passcode: Option<&str>, direct: bool) -> NewLink {
    NewLink {
        until: at(DAY_SECONDS),
        direct,
        url: "https://relay.example/shl/x".to_owned(),
        tickets: [3; 32],
        passcode: passcode.map(|p| LinkPasscode::new(p, [4; 16], 5)),
        file: b"a..b.c.d".to_vec().into(),
    }
}

fn put(store: &dyn Store, link: NewLink) -> Outcome {
    put_link(&id(), link, &maker(), at(0), store).unwrap()
}

fn open(store: &dyn Store, passcode: Option<&str>, offset: i64) -> Opened {
    let passcode = passcode.map(str::to_owned);
    let asked = Asked { recipient: "Dr Who".to_owned(), passcode, direct: false };
    open_link(&id(), asked, at(offset), store).unwrap()
}

fn got(opened: &Opened) -> bool {
    matches!(opened, Opened::File { .. })
}

#[test]
fn a_link_opens_until_it_ends_and_its_maker_hears_of_it() {
    on_each(|store| {
        assert!(!got(&open(store, None, 0)));
        assert_eq!(put(store, link(None, false)), Outcome::Stored);
        assert_eq!(put(store, link(None, false)), Rejection::NotPermitted.into(), "never replaced");
        assert!(got(&open(store, None, 10)));
        assert!(got(&open(store, Some("a passcode nobody asked for"), DAY_SECONDS - 1)));
        assert!(open(store, None, DAY_SECONDS) == Opened::Missing);
        let state = link_state(&id(), &maker(), store).unwrap().unwrap();
        assert_eq!((state.opened, state.openings.len(), state.attempts), (2, 2, None));
        assert_eq!(
            (state.openings[0].at, state.openings[0].recipient.as_str()),
            (at(10), "Dr Who")
        );
        let other = VerificationKey::from_bytes([9; 32]);
        assert_eq!(link_state(&id(), &other, store).unwrap(), None);
        assert!(!drop_link(&id(), &other, store).unwrap());
        assert!(drop_link(&id(), &maker(), store).unwrap());
        assert!(open(store, None, 11) == Opened::Missing);
        assert_eq!(link_state(&id(), &maker(), store).unwrap(), None);
    });
}

#[test]
fn a_link_that_ended_long_ago_is_forgotten_with_the_next() {
    on_each(|store| {
        put(store, link(None, false));
        let next = ObjectId::from_bytes([8; 32]);
        let later = at(40 * DAY_SECONDS);
        let fresh = NewLink { until: at(50 * DAY_SECONDS), ..link(None, false) };
        let endless = NewLink { until: at(900 * DAY_SECONDS), ..link(None, false) };
        let put = |l| put_link(&next, l, &maker(), later, store).unwrap();
        assert_eq!(put(link(None, false)), Rejection::NotPermitted.into(), "it has ended");
        assert_eq!(put(endless), Rejection::NotPermitted.into());
        assert_eq!(put(fresh), Outcome::Stored);
        assert_eq!(link_state(&id(), &maker(), store).unwrap(), None);
    });
}

#[test]
fn wrong_passcodes_are_counted_for_life_however_many_come_at_once() {
    on_each(|store| {
        put(store, link(Some("4711"), false));
        assert!(open(store, None, 0) == Opened::Passcode { remaining: 5 }, "no guess, no count");
        assert!(open(store, Some("0000"), 0) == Opened::Passcode { remaining: 4 });
        assert!(got(&open(store, Some("4711"), 0)));
        let guesses = std::thread::scope(|scope| {
            let guess = |n: i64| move || open(store, Some("guess"), 120 + n * 2);
            let all: Vec<_> = (0..1000).map(|n| scope.spawn(guess(n))).collect();
            let answers = all.into_iter().map(|guess| guess.join().unwrap());
            answers.filter(|a| matches!(a, Opened::Passcode { .. })).count()
        });
        assert_eq!(guesses, 4);
        assert!(open(store, Some("4711"), 9000) == Opened::Missing, "used up for good");
        let state = link_state(&id(), &maker(), store).unwrap().unwrap();
        assert_eq!((state.attempts, state.opened), (Some(0), 1));
        assert_eq!(state.openings.iter().filter(|o| !o.opened).count(), 5);
    });
}

#[test]
fn a_link_is_not_opened_without_end_within_a_minute() {
    on_each(|store| {
        put(store, link(None, false));
        let opened = |offset| (0..70).filter(|_| got(&open(store, None, offset))).count();
        assert_eq!(opened(0), 60);
        assert!(open(store, None, 59) == Opened::TooOften);
        assert_eq!(opened(60), 60);
        let state = link_state(&id(), &maker(), store).unwrap().unwrap();
        assert_eq!((state.opened, state.openings.len()), (120, 50));
    });
}

#[test]
fn the_address_of_a_file_is_good_for_minutes_and_for_that_link_alone() {
    on_each(|store| {
        put(store, link(None, false));
        let Opened::File { location, .. } = open(store, None, 0) else { panic!("it opens") };
        let ticket = location.strip_prefix("https://relay.example/shl/x/file/").unwrap();
        let file = |ticket: &str, offset| link_file(&id(), ticket, at(offset), store).unwrap();
        assert_eq!(file(ticket, 299), Some(b"a..b.c.d".to_vec()));
        assert_eq!(file(ticket, 300), None);
        for place in 0..ticket.len() {
            let mut other = ticket.as_bytes().to_vec();
            other[place] = if other[place] == b'0' { b'1' } else { b'0' };
            assert_eq!(file(std::str::from_utf8(&other).unwrap(), 0), None, "{place}");
        }
        assert_eq!(file("", 0), None);
        drop_link(&id(), &maker(), store).unwrap();
        assert_eq!(file(ticket, 0), None);
    });
}

#[test]
fn a_direct_link_answers_a_get_and_no_manifest_request_and_has_no_passcode() {
    on_each(|store| {
        put(store, link(None, true));
        assert!(open(store, None, 0) == Opened::Missing);
        let asked = Asked { recipient: "x".repeat(500), passcode: None, direct: true };
        assert!(got(&open_link(&id(), asked, at(0), store).unwrap()));
        let state = link_state(&id(), &maker(), store).unwrap().unwrap();
        assert_eq!(state.openings[0].recipient.len(), 120);
    });
    let both = passport_core::codec::encode(&link(Some("4711"), true));
    assert_eq!(NewLink::decode(&both), Err(Rejection::Malformed));
    let large = NewLink { file: vec![0; 1024 * 1024 + 1].into(), ..link(None, false) };
    let long = NewLink { url: "x".repeat(129), ..link(None, false) };
    for one in [large, long] {
        let bytes = passport_core::codec::encode(&one);
        assert_eq!(NewLink::decode(&bytes), Err(Rejection::TooLarge));
    }
}
