//! `passport relay serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use passport_sync::relay::{self, Clock, RelayConfig};
use passport_sync::store::SqliteStore;
use passport_sync::tls::Identity;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::relay::store::{self, Store};
use crate::rng::os_rng;
use crate::signals;

/// Runs a relay: a mailbox for sealed envelopes, which it cannot open
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport relay serve --store sqlite:/var/lib/passport/relay.sqlite\n\
\x20 passport relay serve --authority relay.example:7700 --listen 0.0.0.0:7700\n\
\x20 passport relay serve --tls-cert fullchain.pem --tls-key privkey.pem")]
pub(crate) struct Serve {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    listen: SocketAddr,
    /// Where it keeps the envelopes; in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Store>,
    /// A PEM file with the relay's certificate and those that lead to its authority; with
    /// --tls-key, the relay speaks https. Both are read anew at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// A PEM file with the certificate's key
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The host and port by which clients reach it, if that is not the address it listens on,
    /// for example behind a proxy; can be given several times
    #[arg(long = "authority", value_name = "HOST:PORT")]
    authorities: Vec<String>,
}

impl Serve {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { listen, store, tls_cert, tls_key, authorities } = self;
        let tls = match (tls_cert, tls_key) {
            (Some(cert), Some(key)) => Some(Arc::new(Identity::load(&cert, &key)?)),
            _ => None,
        };
        if store.is_none() {
            std::fs::create_dir_all(app.home().dir()).map_err(|source| {
                let dir = app.home().dir().display();
                CliError::user(format!("{dir} cannot be made")).caused_by(source)
            })?;
        }
        let path = store::file(app, store);
        let store = SqliteStore::open(&path, &mut os_rng()?).map_err(|source| {
            CliError::user(format!("{} cannot be used as a store", path.display()))
                .caused_by(source)
        })?;
        let config = RelayConfig { authorities, tls: tls.clone(), ..RelayConfig::default() };
        let clock = app.clock();
        let failed = |said: &str, source: std::io::Error| CliError::user(said).caused_by(source);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|e| failed("the relay cannot start", e))?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind(listen).await.map_err(|e| {
                failed(&format!("{listen} cannot be listened on"), e)
                    .hint("is another relay running? choose another port with --listen")
            })?;
            let bound = listener.local_addr().map_err(|e| failed("there is no address", e))?;
            // Asked for before anybody is told, so that no signal is missed.
            let ending = signals::ending().map_err(|e| failed("signals cannot be received", e))?;
            let scheme = if tls.is_some() { "https" } else { "http" };
            let address = format!("{scheme}://{bound}");
            app.output().say("The relay listens; stop it with Ctrl-C.");
            app.output().answer(&json!({ "listening": address }), |_| address.clone())?;
            if let Some(tls) = tls {
                reload_when_told(tls).map_err(|e| failed("signals cannot be received", e))?;
            }
            let clock: Clock = Arc::new(move || clock.now());
            relay::serve(listener, config, Arc::new(store), clock, ending)
                .await
                .map_err(|e| failed("the relay stopped", e))
        })
    }
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
