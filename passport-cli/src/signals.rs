//! Being asked to end.

/// Completes when somebody asks the program to end: SIGINT or SIGTERM.
///
/// # Errors
/// Returns why signals cannot be received.
#[cfg(unix)]
pub(crate) fn ending() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when somebody asks the program to end.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
pub(crate) fn ending() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a signal to wait for, it ends when it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    })
}

/// Tells once when somebody asks the program to end, for a program that is not asynchronous.
///
/// # Errors
/// Returns why signals cannot be received.
pub(crate) fn tell(told: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Asked for before this returns, so that no signal is missed.
    let ending = runtime.block_on(async { ending() })?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(ending);
        told();
    })?;
    Ok(())
}
