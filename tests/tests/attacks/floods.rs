//! A relay that never comes to an end.

use passport_core::id::VerificationKey;
use passport_core::keys::SigningKey;
use passport_core::party::Party as _;
use passport_core::time::Timestamp;
use passport_sync::client::exchange::{Exchange, Exchanged, Transport, fetch_all};
use passport_sync::client::{RemoteConfig, RemoteError};
use passport_sync::session::{BackoffPolicy, Reset};
use passport_sync::wire::{Cursor, Results, SyncRequest, SyncResponse};
use rand_core::CryptoRng;

use crate::office::*;

/// Whatever is asked, there is more.
struct Endless {
    asked: usize,
    by: Option<VerificationKey>,
}

impl Transport for Endless {
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        _: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        self.asked += 1;
        self.by = Some(key.verification_key());
        let position = request.cursor.map_or(0, |cursor| cursor.position) + 1;
        let response = SyncResponse {
            relay: [7; 16],
            time: now,
            reset: false,
            results: Results::default(),
            items: Vec::new(),
            cursor: Cursor { relay: [7; 16], generation: [1; 8], position },
            more: true,
        };
        Ok((response, None))
    }
}

#[test]
fn a22_a_relay_that_always_has_more_is_left_after_a_while() {
    let mut rng = seeded(22);
    let (mut phone, _) = student(&mut rng);
    let mut way = Endless { asked: 0, by: None };
    let mut exchange = Exchange {
        now: day(1),
        policy: BackoffPolicy::default(),
        pause: &mut |_| (),
        config: RemoteConfig::default(),
        progress: &mut |_: &Exchanged| (),
    };
    let done = exchange.through(&mut way, &mut phone, URL, &mut rng).unwrap();
    assert!(matches!(done.failed, Some(RemoteError::Endless)), "{done:?}");
    assert_eq!((way.asked, way.by), (1_024, Some(phone.device())), "and it is not tried again");
    let reached = phone.remote(URL).unwrap().position.at;
    assert_eq!(reached, 1_024, "the next exchange goes on from there");
    // What is kept in memory has a lower limit.
    let mut way = Endless { asked: 0, by: None };
    let key = SigningKey::generate(&mut rng);
    let fetched = fetch_all(&mut way, &key, day(1), &mut rng, &mut |_| ());
    assert!(matches!(fetched, Err(RemoteError::Endless)));
    assert_eq!(way.asked, 64);
}
