//! Log lines on standard error, for whoever asked for them with `-v`.

use tracing_subscriber::filter::LevelFilter;

/// Starts logging: errors when quiet, else warnings and one level more for each `-v`.
pub(crate) fn start(quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    // A second start in one process changes nothing.
    let _ = lines.with_ansi(false).without_time().try_init();
}
