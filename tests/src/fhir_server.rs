//! A stand-in for somebody's FHIR server.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "the server serves tests, and may panic as tests do"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

/// What opens it.
pub const TOKEN: &str = "s3cret";

/// One request, as far as a FHIR server looks at it.
#[derive(Debug)]
pub struct Request {
    authorisation: Option<String>,
    /// What it sends.
    pub bundle: Value,
}

/// Reads the request that comes on a connection.
#[must_use]
pub fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let (mut length, mut authorisation) = (0, None);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorisation = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request { authorisation, bundle: serde_json::from_slice(&body).unwrap() }
}

/// Answers on a connection.
pub fn respond(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
}

/// A stand-in for a FHIR server: it does conditional creates and forgets nothing. It answers so
/// many requests and ends.
#[must_use]
pub fn server(requests: usize) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/r4", listener.local_addr().unwrap());
    let bearer = format!("Bearer {TOKEN}");
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let request = read(&stream);
            let (status, answer) = if request.authorisation.as_ref() == Some(&bearer) {
                ("200 OK", transacted(&mut known, &request.bundle))
            } else {
                let issue = json!([{ "severity": "error", "diagnostics": "no \u{1b}[2Jtoken" }]);
                ("401 Unauthorized", json!({ "resourceType": "OperationOutcome", "issue": issue }))
            };
            respond(&mut stream, status, &answer.to_string());
            let _ended = tell.send(request);
        }
    });
    (base, told)
}

fn transacted(known: &mut BTreeMap<String, usize>, bundle: &Value) -> Value {
    let mut out = Vec::new();
    for entry in bundle["entry"].as_array().unwrap() {
        let request = &entry["request"];
        let key = format!("{} {}", request["url"], request["ifNoneExist"].as_str().unwrap());
        let status = if known.contains_key(&key) { "200 OK" } else { "201 Created" };
        *known.entry(key).or_default() += 1;
        out.push(json!({ "response": { "status": status } }));
    }
    json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": out })
}
