//! A relay is lost, and programs are killed in the middle of an exchange.

use std::process::Stdio;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use passport_tests::proxy::Moment;
use passport_tests::{Person, Proxy, Relay, Stage};

const NOW: &str = "2026-09-20T09:00:00Z";

fn agree(phone: &Person, parties: &[&Person], section: &str, least: usize) {
    let wanted = phone.digest(phone, section, least);
    for party in parties {
        assert_eq!(party.digest(phone, section, least), wanted, "{} of {section}", party.name);
    }
}

#[test]
fn a_relay_that_lost_everything_is_filled_again() {
    let mut stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Medical", "gp");
    let phone = stage.student("phone", "Ada Example");
    let laptop = stage.join("laptop", &phone);
    phone.meet(&home);
    phone.meet(&campus);
    let contribute = ["--can", "contribute"];
    phone.share(&["medications", "plan"], &home, &contribute);
    phone.share(&["medications", "plan"], &campus, &contribute);
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    phone.sync();
    home.sync();
    let _ = home.record(&phone, "medications", &["item=Lithium"]);
    home.sync();
    phone.sync();

    // Campus Medical and the laptop have not heard of any of this when the relay goes.
    let _ = phone.record(&phone, "plan", &["action=Ring before exams"]);
    let at = stage.relay.authority().to_owned();
    let other = stage.path("other-relay");
    stage.relay = Relay::start(&stage.path("spare"), NOW);
    stage.relay = Relay::start_with(&other, NOW, &["--listen", &at]);
    for round in 0..2 {
        println!("round {round}");
        for party in [&home, &phone, &campus, &laptop] {
            party.sync();
        }
    }
    agree(&phone, &[&laptop, &home, &campus], "medications", 2);
    agree(&phone, &[&laptop, &home, &campus], "plan", 1);

    // And once more, at another address.
    let third = Relay::start(&stage.path("third-relay"), NOW);
    for party in [&phone, &laptop, &home, &campus] {
        party.json(&["remote", "add", third.url()]);
        party.json(&["remote", "remove", stage.relay.url()]);
    }
    stage.relay = third;
    let _ = campus.record(&phone, "plan", &["action=See the nurse"]);
    let new = stage.blank("tablet");
    let asked = new.json(&["device", "add", "--remote", stage.relay.url()]);
    phone.json(&["device", "approve", asked["code"].as_str().unwrap()]);
    for party in [&campus, &phone, &home, &laptop, &new] {
        party.sync();
    }
    agree(&phone, &[&laptop, &home, &campus, &new], "medications", 2);
    agree(&phone, &[&laptop, &home, &campus, &new], "plan", 2);
}

/// Runs `sync` and kills it at this request; false when it ended before it came so far.
fn killed_at(proxy: &Proxy, person: &Person, request: usize, moment: Moment) -> bool {
    let (hit, go_on) = proxy.stop_at(request, moment);
    let mut command = person.cli.command(&person.whole(&["sync"]));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let reached = loop {
        match hit.recv_timeout(Duration::from_millis(20)) {
            Ok(()) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
            Err(RecvTimeoutError::Timeout) if child.try_wait().unwrap().is_some() => break false,
            Err(RecvTimeoutError::Timeout) => {}
        }
    };
    // SIGKILL: the program cannot tidy up.
    let _ = child.kill();
    let _ = child.wait();
    drop(go_on);
    proxy.pass();
    reached
}

#[test]
fn whoever_is_killed_in_an_exchange_completes_it_the_next_time_and_nothing_comes_twice() {
    let proxy = Proxy::start();
    let folder = tempfile::tempdir().unwrap();
    let authority = proxy.authority();
    let relay = Relay::start_with(folder.path(), NOW, &["--authority", &authority]);
    proxy.lead_to(relay.authority());
    let mut stage = Stage::new(NOW);
    stage.relay = relay;
    let url = proxy.url();
    let home = stage.organisation_at("home", "Elm Street Surgery", "gp", &url);
    let phone = stage.student_at("phone", "Ada Example", &url);
    phone.meet(&home);
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.sync();
    home.sync();
    let mut entries = 0;
    for (person, other) in [(&phone, &home), (&home, &phone)] {
        for request in 1..=4 {
            let mut any = false;
            for moment in [Moment::Before, Moment::After, Moment::Midway] {
                entries += 2;
                let item = format!("item=M{entries}");
                let _ = person.record(&phone, "medications", &[&item]);
                let item = format!("item=N{entries}");
                let _ = other.record(&phone, "medications", &[&item]);
                other.sync();
                let reached = killed_at(&proxy, person, request, moment);
                println!("{} at {request} {moment:?}: {reached}", person.name);
                any |= reached;
                person.sync();
                other.sync();
                agree(&phone, &[&home], "medications", entries);
                let seen = phone.section(&phone, "medications");
                assert_eq!(seen["entries"].as_array().unwrap().len(), entries, "nothing twice");
            }
            if !any {
                assert!(request > 1, "an exchange is at least one request");
                break;
            }
        }
    }
    let again = phone.sync();
    assert_eq!((&again["sent"], &again["received"]), (&0.into(), &0.into()), "all has arrived");
}
