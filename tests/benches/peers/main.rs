//! The same work beside other systems, measured in turns:
//! `cargo bench -p passport-tests --bench peers`.
//!
//! **The work.** 58 bytes of text appended, one change each: 50 whose way from writer to reader is
//! measured one by one, then 1,000 (and once more 4,000) in a row, received live by a second
//! device and cold by a third; the bytes that go each way; a server's memory and disk. 1,000
//! changes sent singly and in tens of 100. 500 channels of 10 changes. Sealing, opening, and
//! taking one of three readers out. Ours has a relay process, vaults on disk, every commit
//! flushed, and everything signed, sealed and padded. One change is *seen* when the reader shows it,
//! and then it is on the disks of the writer and the relay; *kept*, when it is on the reader's too,
//! as the thousands are.
//!
//! **The others** run if a variable says how: `PEER_AUTOMERGE`, `PEER_JAZZ`, `PEER_SUBDUCTION`,
//! `PEER_ATUIN`, `PEER_KEYHIVE`, each a shell command that does that work once with the system's
//! own client library and prints figures under the names of [`MEASURES`], as JSON or
//! `name=number`. Who measures installs them from their registries: npm's
//! `@automerge/automerge-repo-sync-server` with `@automerge/automerge-repo`; npm's `jazz-run` with
//! `cojson`; the crates `subduction_cli`, `atuin-server`, and `keyhive_core` as a library.
//!
//! `PEER_ROUNDS` (5) says how many rounds; `-- write` puts the table and the plots into `docs`;
//! `-- ours` runs ours alone, once, and `-- ours live` and the like a part of it.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark reads the clock, prints and may panic"
)]

mod alone;
mod beside;
mod live;
mod place;

use std::path::Path;

use beside::{Compared, Figures, Measure, Peer};

/// Who else may be there, and the variable that says how to run them.
const OTHERS: [(&str, &str); 5] = [
    ("Automerge", "PEER_AUTOMERGE"),
    ("Jazz", "PEER_JAZZ"),
    ("Subduction", "PEER_SUBDUCTION"),
    ("Atuin", "PEER_ATUIN"),
    ("Keyhive", "PEER_KEYHIVE"),
];

/// What is compared.
const MEASURES: [Measure; 25] = [
    Measure { name: "lat_p50", words: "one change, pushed to seen, median, ms" },
    Measure { name: "lat_p95", words: "one change, pushed to seen, 95th percentile, ms" },
    Measure { name: "kept_p50", words: "one change, pushed to kept by the reader, median, ms" },
    Measure { name: "live_ms", words: "1,000 changes live, ms" },
    Measure { name: "live4_ms", words: "4,000 changes live, ms" },
    Measure { name: "single_ms", words: "1,000 changes sent singly, ms" },
    Measure { name: "batch100_ms", words: "1,000 changes sent in tens of 100, ms" },
    Measure { name: "cold_ms", words: "a cold reader catches up, ms" },
    Measure { name: "A_tx", words: "the writer sends, bytes" },
    Measure { name: "B_rx", words: "a live reader receives, bytes" },
    Measure { name: "C_rx", words: "a cold reader receives, bytes" },
    Measure { name: "C_rx_varied", words: "a cold reader receives, words that vary, bytes" },
    Measure { name: "rss0", words: "server's memory, idle, MB" },
    Measure { name: "rss", words: "server's memory, after 1,000 changes live, MB" },
    Measure { name: "many_rss", words: "server's memory, after 500 channels, MB" },
    Measure { name: "many_ms", words: "500 channels of 10 changes, ms" },
    Measure { name: "kb", words: "server's disk, after 1,000 changes live, KB" },
    Measure { name: "many_kb", words: "server's disk, after 500 channels, KB" },
    Measure { name: "enc_us", words: "seal and sign one change, µs" },
    Measure { name: "dec_us", words: "verify and open one change, µs" },
    Measure { name: "sealed_bytes", words: "one change sealed and signed, bytes" },
    Measure { name: "revoke_ms", words: "take one of three readers out, ms" },
    Measure { name: "first_enc_after_revoke_ms", words: "the first write after that, ms" },
    Measure { name: "write_ms", words: "of 1,000 live: until all are written, ms" },
    Measure { name: "cold4_ms", words: "a cold reader catches up on 4,000, ms" },
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    match wanted.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ours"] => told(&ours()),
        ["ours", part] => told(&one(part)),
        ref rest => beside(rest.contains(&"write")),
    }
}

fn told(figures: &Figures) {
    println!("{}", serde_json::to_string(figures).unwrap());
}

/// All of ours.
fn ours() -> Figures {
    ["live", "counted", "varied", "live4", "batches", "many", "sealing", "revoking"]
        .into_iter()
        .flat_map(one)
        .collect()
}

fn one(part: &str) -> Figures {
    let only = |figures: Figures, names: &[(&str, &str)]| -> Figures {
        let named = |(from, to): &(&str, &str)| Some((String::from(*to), *figures.get(*from)?));
        names.iter().filter_map(named).collect()
    };
    let bytes = [("A_tx", "A_tx"), ("B_rx", "B_rx"), ("C_rx", "C_rx")];
    match part {
        "live" => live::run(1_000, false, false),
        "counted" => only(live::run(1_000, true, false), &bytes),
        "varied" => only(live::run(1_000, true, true), &[("C_rx", "C_rx_varied")]),
        "live4" => {
            let names = [("live_ms", "live4_ms"), ("cold_ms", "cold4_ms"), ("kb", "kb4")];
            only(live::run(4_000, false, false), &names)
        }
        "batches" => alone::batches(),
        "many" => alone::many(),
        "sealing" => alone::sealing(),
        "revoking" => alone::revoking(),
        other => panic!("there is no part {other}"),
    }
}

/// Everybody who is there, in turns.
fn beside(write: bool) {
    let own = std::env::current_exe().unwrap();
    let mut peers = vec![Peer { name: "ours", command: format!("'{}' ours", own.display()) }];
    for (name, variable) in OTHERS {
        match std::env::var(variable) {
            Ok(command) => peers.push(Peer { name, command }),
            Err(_) => println!("{name} is left out: {variable} does not say how to run it."),
        }
    }
    let rounds = std::env::var("PEER_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let compared = Compared::run(&peers, &MEASURES, rounds);
    println!("\n{}", compared.table());
    if write {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        std::fs::create_dir_all(docs.join("plots")).unwrap();
        for (name, plot) in compared.plots() {
            std::fs::write(docs.join("plots").join(name), plot).unwrap();
        }
        let (page, marks) =
            (docs.join("PERFORMANCE.md"), ["<!-- beside: begin -->\n", "<!-- beside: end -->"]);
        let text = std::fs::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once(marks[0]).unwrap();
        let (_, after) = rest.split_once(marks[1]).unwrap();
        let table = compared.table();
        let text = format!("{before}{}\n{table}\n{}{after}", marks[0], marks[1]);
        std::fs::write(&page, text).unwrap();
    }
}
