use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use passport_core::keys::SigningKey;
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::wire::SyncRequest;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn remote(url: &str) -> Result<Remote, RemoteError> {
    let config = RemoteConfig {
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_millis(500),
        ..RemoteConfig::default()
    };
    Remote::new(url, SigningKey::from_seed(&[1; 32]), &config)
}

/// Asks a server that answers with `serve`.
fn ask(serve: impl FnOnce(&mut TcpStream) + Send) -> RemoteError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while head.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            serve(&mut stream);
        });
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let mut remote = remote(&url).unwrap();
        remote.exchange(&SyncRequest::default(), NOW, &mut rng).unwrap_err()
    })
}

#[test]
fn a22_an_answer_without_end_is_cut_off() {
    let error = ask(|stream| {
        let part = [0; 8192];
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&part).is_ok() {}
    });
    let capped = matches!(error, RemoteError::Answer { status: 200 } | RemoteError::Unreachable(_));
    assert!(capped, "{error:?}");
}

#[test]
fn a22_an_answer_that_trickles_is_given_up() {
    let error = ask(|stream| {
        let _sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx");
        // Waits, without a word, until the client hangs up.
        let mut rest = BufReader::new(stream);
        let mut line = Vec::new();
        let _gone = rest.read_until(b'\n', &mut line);
        while matches!(rest.read_until(b'\n', &mut line), Ok(read) if read > 0) {}
    });
    assert!(matches!(error, RemoteError::Unreachable(_)), "{error:?}");
    assert!(error.is_transient());
}

#[test]
fn nonsense_and_redirects_are_not_followed() {
    for head in ["HTTP/1.1 200 OK", "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/"] {
        let error = ask(|stream| {
            let text = format!("{head}\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc");
            stream.write_all(text.as_bytes()).unwrap();
        });
        assert!(matches!(error, RemoteError::Answer { .. }), "{error:?}");
    }
}

#[test]
fn one_relay_has_one_authority_and_other_addresses_are_refused() {
    for (url, authority) in [
        ("https://Relay.Example:443/", "relay.example"),
        ("https://relay.example:80", "relay.example:80"),
        ("http://127.0.0.1:80", "127.0.0.1"),
    ] {
        assert_eq!(remote(url).unwrap().authority(), authority);
    }
    for url in ["ftp://relay.example", "relay.example", "https://a@b", "https://a/b", ""] {
        assert!(matches!(remote(url), Err(RemoteError::Url)), "{url}");
    }
}

#[test]
fn http_stays_on_this_machine_unless_somebody_allows_it() {
    for url in ["http://127.0.0.1:7700", "http://[::1]:7700", "http://localhost"] {
        assert!(Address::new(url, false).is_ok(), "{url}");
    }
    for url in ["http://relay.example", "http://10.0.0.1", "http://localhost.example"] {
        assert!(matches!(Address::new(url, false), Err(RemoteError::Plain)), "{url}");
        assert!(Address::new(url, true).is_ok(), "{url}");
    }
}

#[test]
fn nobody_at_the_address_is_worth_another_try() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    let error = remote(&url).unwrap().exchange(&SyncRequest::default(), NOW, &mut rng).unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}
