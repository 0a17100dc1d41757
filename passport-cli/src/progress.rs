//! Shows that something is going on, to people only.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::output::Output;

/// Time between two frames of the spinner.
const FRAME: Duration = Duration::from_millis(120);

/// A spinner with a few words; it goes away by itself when dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts one on standard error; silent unless that is a terminal and talk is wanted.
    pub(crate) fn start(output: Output, what: &'static str) -> Self {
        let shown = std::io::stderr().is_terminal() && !output.is_quiet() && !output.is_json();
        let bar = ProgressBar::new_spinner();
        if shown {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(FRAME);
        } else {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_message(what);
        Self { bar }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_for_programs() {
        let progress = Progress::start(Output::new(true, false), "asking the relay");
        assert!(progress.bar.is_hidden());
    }
}
