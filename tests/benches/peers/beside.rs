//! Runs programs in turns and sets their figures side by side.
//!
//! What each prints is read for figures: JSON objects, also nested, and `name=number`. In turns,
//! so that a machine that slows down slows everybody down; only ratios within one run mean
//! something.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

/// The figures of one program in one round, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

/// A program to run, and what to call it.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) command: String,
}

/// What is compared.
pub(crate) struct Measure {
    /// The name under which programs print it.
    pub(crate) name: &'static str,
    /// What it is, with its unit.
    pub(crate) words: &'static str,
}

/// The least, the median and the most of one program's figures.
#[derive(Clone, Copy)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

/// What everybody's runs came to, by measure and program.
pub(crate) struct Compared<'a> {
    peers: &'a [Peer],
    measures: &'a [Measure],
    runs: Vec<Vec<Figures>>,
}

impl<'a> Compared<'a> {
    /// Runs everybody in turns, so many rounds.
    pub(crate) fn run(peers: &'a [Peer], measures: &'a [Measure], rounds: usize) -> Self {
        let mut runs: Vec<Vec<Figures>> = peers.iter().map(|_| Vec::new()).collect();
        for round in 1..=rounds {
            for (peer, runs) in peers.iter().zip(&mut runs) {
                eprintln!("round {round} of {rounds}: {}", peer.name);
                let output = Command::new("sh").args(["-c", &peer.command]).output().unwrap();
                let printed = figures(&String::from_utf8_lossy(&output.stdout));
                if printed.is_empty() {
                    eprintln!("  no figures: {}", String::from_utf8_lossy(&output.stderr).trim());
                } else {
                    eprintln!("  {printed:?}");
                    runs.push(printed);
                }
            }
        }
        Self { peers, measures, runs }
    }

    fn spreads(&self, measure: &Measure) -> Vec<Option<Spread>> {
        self.runs.iter().map(|runs| Spread::of(runs, measure.name)).collect()
    }

    /// A table in Markdown: medians, and how ours compares with each other's.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("| measure |");
        self.peers.iter().for_each(|p| write!(text, " {} |", p.name).unwrap());
        writeln!(text, "\n|---|{}", "---|".repeat(self.peers.len())).unwrap();
        for measure in self.measures {
            let spreads = self.spreads(measure);
            let ours = spreads.first().copied().flatten();
            if spreads.iter().all(Option::is_none) {
                continue;
            }
            write!(text, "| {} |", measure.words).unwrap();
            for (at, spread) in spreads.into_iter().enumerate() {
                match (spread, ours) {
                    (None, _) => write!(text, " – |"),
                    (Some(s), Some(ours)) if at > 0 => {
                        write!(text, " {} ({:.2}×) |", s.words(), ours.median / s.median)
                    }
                    (Some(s), _) => write!(text, " **{}** |", s.words()),
                }
                .unwrap();
            }
            writeln!(text).unwrap();
        }
        text
    }

    /// A plot for each measure that two or more have, with its file's name.
    pub(crate) fn plots(&self) -> Vec<(String, String)> {
        let plot = |measure: &Measure| {
            let spreads = self.spreads(measure);
            let bar = |(peer, spread): (&Peer, Option<Spread>)| Some((peer.name, spread?.median));
            let bars: Vec<_> = self.peers.iter().zip(spreads).filter_map(bar).collect();
            (bars.len() > 1).then(|| (format!("{}.svg", measure.name), svg(measure.words, &bars)))
        };
        self.measures.iter().filter_map(plot).collect()
    }
}

impl Spread {
    fn of(runs: &[Figures], measure: &str) -> Option<Self> {
        let mut values: Vec<f64> = runs.iter().filter_map(|r| r.get(measure).copied()).collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        Some(Self { least, median: values[values.len() / 2], most })
    }

    fn words(self) -> String {
        let Self { least, median, most } = self;
        format!("{} ({} to {})", short(median), short(least), short(most))
    }
}

/// With three significant digits, or whole.
fn short(number: f64) -> String {
    match number {
        n if n < 1.0 => format!("{n:.3}"),
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// The figures in what a program printed; the last of a name counts.
fn figures(printed: &str) -> Figures {
    let mut found = Figures::new();
    for line in printed.lines() {
        match serde_json::from_str(line.trim()) {
            Ok(json) => collect(&json, &mut found),
            Err(_) => found.extend(line.split_whitespace().filter_map(|word| {
                let (name, number) = word.split_once('=')?;
                Some((name.to_owned(), number.parse().ok()?))
            })),
        }
    }
    found
}

fn collect(json: &serde_json::Value, found: &mut Figures) {
    for (name, value) in json.as_object().into_iter().flatten() {
        match value.as_f64() {
            Some(number) => drop(found.insert(name.clone(), number)),
            None => collect(value, found),
        }
    }
}

/// Horizontal bars with the figures beside them; the same in words for who cannot see it.
fn svg(title: &str, bars: &[(&str, f64)]) -> String {
    const LEFT: f64 = 150.0;
    const WIDE: f64 = 400.0;
    let most = bars.iter().map(|b| b.1).fold(f64::MIN_POSITIVE, f64::max);
    let height = 40 + 30 * bars.len();
    let told: Vec<String> = bars.iter().map(|(name, v)| format!("{name} {}", short(*v))).collect();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 660 {height}\" role=\"img\" \
         aria-labelledby=\"title figures\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"figures\">{}</desc>\n\
         <rect width=\"660\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"24\" font-weight=\"bold\" fill=\"#111\">{title}</text>\n",
        told.join("; ")
    );
    for (at, (name, value)) in bars.iter().enumerate() {
        let y = 40 + 30 * at;
        let (wide, fill) = (value / most * WIDE, if at == 0 { "#0b5fa5" } else { "#767b84" });
        writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#111\">{name}</text>\n\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{wide:.1}\" height=\"20\" fill=\"{fill}\"/>\n\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#111\">{}</text>",
            LEFT - 8.0,
            y + 15,
            LEFT + wide + 6.0,
            y + 15,
            short(*value),
        )
        .unwrap();
    }
    text + "</svg>\n"
}
