//! What a relay carries: `cargo bench -p passport-tests --bench load [-- WHAT]`.
//!
//! | what | measures |
//! |---|---|
//! | `single` | durable writes of one envelope from 200 clients, beside the disk's own rate |
//! | `batch` | envelopes in requests of 100 |
//! | `idle` | the latency of a write while 5,000 live connections are held |
//! | `grow` | what a sync costs against what is stored; draws `docs/plots/relay-cost.svg` |
//! | `soak MINUTES` | a bounded load, with a kill and a backup in it; draws `relay-memory.svg` |
//!
//! Without WHAT, the first three. The relay is a process of its own, started from this program,
//! with its database on the disk of the build. Only ratios within one run mean something.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints and may panic"
)]

mod client;
mod disk;
mod grow;
mod plot;
mod rates;
mod relay;
mod soak;
mod work;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    relay::raise_open_files();
    if let ["relay", file, address] = words.as_slice() {
        return relay::run(std::path::Path::new(file), address);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match words.as_slice() {
            [] => {
                rates::single().await;
                rates::batch().await;
                rates::idle().await;
            }
            ["single"] => rates::single().await,
            ["batch"] => rates::batch().await,
            ["idle"] => rates::idle().await,
            ["grow"] => grow::measure().await,
            ["soak", minutes] => soak::measure(minutes.parse().unwrap()).await,
            other => panic!("what is {other:?}?"),
        }
    });
}
