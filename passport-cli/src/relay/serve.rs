//! `passport relay serve`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use passport_sync::relay::{self, Clock, Metrics, RelayConfig, serve_metrics};
use passport_sync::store::SqliteStore;
use passport_sync::tls::Identity;
use serde_json::json;
use tokio::net::TcpListener;

use super::settings::Settings;
use crate::app::App;
use crate::error::CliError;
use crate::relay::store;
use crate::rng::os_rng;
use crate::signals;

/// Files that are open beside connections: the database, its log, the terminal.
const OTHER_FILES: usize = 100;

/// Runs a relay: a mailbox for sealed envelopes, which it cannot open
///
/// What can be set here can also be set in a file and in the environment: --letter-days is
/// letter-days in the file and `PASSPORT_RELAY_LETTER_DAYS`. A flag counts before the environment,
/// and that before the file.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport relay serve --store sqlite:/var/lib/passport/relay.sqlite\n\
\x20 passport relay serve --authority relay.example:7700 --listen 0.0.0.0:7700\n\
\x20 passport relay serve --tls-cert fullchain.pem --tls-key privkey.pem\n\
\x20 passport relay serve --config /etc/passport-relay/relay.toml --print-config")]
pub(crate) struct Serve {
    /// A TOML file with settings
    #[arg(long, value_name = "FILE", env = "PASSPORT_RELAY_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Prints the settings that hold, as such a file, and does nothing else
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { config, print_config, settings } = self;
        let settings = settings.complete(config.as_deref())?;
        if print_config {
            return app.output().answer(&json!({ "settings": settings }), |_| settings.to_toml());
        }
        let mut config = settings.config()?;
        config.connections_max = config.connections_max.min(connections());
        let (listen, watched) = (settings.listen, settings.metrics);
        if settings.store.is_none() {
            std::fs::create_dir_all(app.home().dir()).map_err(|source| {
                let dir = app.home().dir().display();
                CliError::user(format!("{dir} cannot be made")).caused_by(source)
            })?;
        }
        let path = store::file(app, settings.store);
        let metrics = Arc::clone(&config.metrics);
        let watch = Box::new(move |writes, waiting| metrics.committed(writes, waiting));
        let store = SqliteStore::open_watched(&path, &mut os_rng()?, watch).map_err(|source| {
            CliError::user(format!("{} cannot be used as a store", path.display()))
                .caused_by(source)
        })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed("the relay cannot start", e))?;
        runtime.block_on(async {
            let listener = listen_on(listen, "listen").await?;
            let mut metrics = None;
            if watched.is_some() {
                let listener = listen_on(watched, "metrics").await?;
                let log = PathBuf::from([path.as_os_str(), "-wal".as_ref()].join("".as_ref()));
                metrics = Some(watch_over(listener, &config.metrics, vec![path, log])?);
            }
            serve(app, listener, config, store, metrics).await
        })
    }
}

async fn serve(
    app: &App,
    listener: TcpListener,
    config: RelayConfig,
    store: SqliteStore,
    metrics: Option<String>,
) -> Result<(), CliError> {
    let bound = listener.local_addr().map_err(|e| failed("there is no address", e))?;
    // Asked for before anybody is told, so that no signal is missed.
    let ending = signals::ending().map_err(|e| failed("signals cannot be received", e))?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{bound}");
    app.output().say("The relay listens; stop it with Ctrl-C.");
    let answer = json!({ "listening": address, "metrics": metrics });
    app.output().answer(&answer, |_| address.clone())?;
    if let Some(tls) = config.tls.clone() {
        reload_when_told(tls).map_err(|e| failed("signals cannot be received", e))?;
    }
    let clock = app.clock();
    let clock: Clock = Arc::new(move || clock.now());
    relay::serve(listener, config, Arc::new(store), clock, ending)
        .await
        .map_err(|e| failed("the relay stopped", e))
}

fn failed(said: &str, source: std::io::Error) -> CliError {
    CliError::user(said).caused_by(source)
}

async fn listen_on(
    address: Option<std::net::SocketAddr>,
    setting: &str,
) -> Result<TcpListener, CliError> {
    let address = address.ok_or_else(|| CliError::usage(format!("{setting} has no address")))?;
    TcpListener::bind(address).await.map_err(|e| {
        failed(&format!("{address} cannot be listened on"), e)
            .hint(format!("is another relay running? choose another port with --{setting}"))
    })
}

/// Answers whoever asks for metrics, beside the relay; says where.
fn watch_over(
    listener: TcpListener,
    metrics: &Arc<Metrics>,
    files: Vec<PathBuf>,
) -> Result<String, CliError> {
    let address = listener.local_addr().map_err(|e| failed("there is no address", e))?;
    if !address.ip().is_loopback() {
        tracing::warn!("metrics are served to other machines too");
    }
    let metrics = Arc::clone(metrics);
    tokio::spawn(async move {
        if let Err(error) = serve_metrics(listener, metrics, files).await {
            tracing::error!(%error, "metrics are no longer served");
        }
    });
    Ok(format!("http://{address}/metrics"))
}

/// How many connections this process may have, once it may open as many files as the system
/// lets it.
#[cfg(unix)]
fn connections() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "could not raise the number of files that may be open");
    }
    let files = getrlimit(Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    files.saturating_sub(OTHER_FILES)
}

/// There is no such limit here.
#[cfg(not(unix))]
const fn connections() -> usize {
    usize::MAX - OTHER_FILES
}

/// Reads the certificates anew at each SIGHUP.
#[cfg(unix)]
fn reload_when_told(tls: Arc<Identity>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while told.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("certificates were read anew"),
                Err(error) => tracing::error!(%error, "could not read the certificates anew"),
            }
        }
    });
    Ok(())
}

/// There is no such signal here: new certificates need a restart.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
fn reload_when_told(_tls: Arc<Identity>) -> std::io::Result<()> {
    Ok(())
}
