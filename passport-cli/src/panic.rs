//! What a user sees of our bugs: where, never what was being worked on.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Runs the program; a panic anywhere in it becomes a short report and exit code 70.
///
/// The panic's message is left out, because it may quote the record.
pub(crate) fn guarded(json: bool, run: impl FnOnce() -> ExitCode) -> ExitCode {
    std::panic::set_hook(Box::new(move |panic| {
        let report = report(panic);
        let text = if json { report.to_json() } else { report.to_text() };
        // When even this cannot be written there is nobody left to tell.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(ExitCode::Bug)
}

fn report(panic: &PanicHookInfo<'_>) -> CliError {
    let place = panic.location().map_or_else(
        || "an unknown place".to_owned(),
        |l| format!("{}:{}", l.file().rsplit("/src/").next().unwrap_or_default(), l.line()),
    );
    let version = env!("CARGO_PKG_VERSION");
    CliError::new(ExitCode::Bug, format!("this is a bug in passport {version}, at {place}"))
        .hint("what was saved before is still saved; `passport status` shows it")
        .hint("please report the line above; it holds nothing of your record")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_with_the_code_for_our_bugs() {
        let code = guarded(false, || panic!("Ada takes sertraline"));
        let _ = std::panic::take_hook();
        assert_eq!(code, ExitCode::Bug);
    }
}
