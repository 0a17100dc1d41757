//! Plots as SVG that can be read without seeing colours, and aloud.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// Left, right, top and bottom of where points are.
const AREA: (f64, f64, f64, f64) = (80.0, 540.0, 60.0, 360.0);
/// Colours that people with any colour vision can tell apart (Okabe and Ito), with dashes.
const STYLES: [(&str, &str); 4] =
    [("#0072b2", ""), ("#d55e00", "8 4"), ("#009e73", "2 3"), ("#000000", "12 3 2 3")];

/// A named line of points.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is drawn.
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    /// What the plot shows, in sentences, for whoever does not see it.
    pub(crate) description: String,
    pub(crate) x: Axis<'a>,
    pub(crate) y: Axis<'a>,
    pub(crate) series: Vec<Series>,
}

/// An axis.
pub(crate) struct Axis<'a> {
    pub(crate) label: &'a str,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// Each step is so many times the last, and not so much more.
    pub(crate) logarithmic: bool,
    pub(crate) ticks: Vec<f64>,
}

impl Axis<'_> {
    fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let scale = |v: f64| if self.logarithmic { v.ln() } else { v };
        let share = (scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from));
        from + share.clamp(0.0, 1.0) * (to - from)
    }
}

/// Draws a chart into `docs/plots`.
pub(crate) fn draw(name: &str, chart: &Chart<'_>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/plots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), svg(chart)).unwrap();
    println!("drawn: docs/plots/{name}");
}

fn svg(chart: &Chart<'_>) -> String {
    let (left, right, top, bottom) = AREA;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-labelledby=\"title description\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"description\">{}</desc>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{left}\" y=\"30\" font-size=\"17\" font-weight=\"bold\">{}</text>\n",
        chart.title, chart.description, chart.title
    );
    for tick in &chart.x.ticks {
        let x = chart.x.place(*tick, left, right);
        let _ = writeln!(
            out,
            "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#dddddd\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 20.0,
            told(*tick)
        );
    }
    for tick in &chart.y.ticks {
        let y = chart.y.place(*tick, bottom, top);
        let _ = writeln!(
            out,
            "<path d=\"M{left} {y:.1}H{right}\" stroke=\"#dddddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            y + 5.0,
            told(*tick)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
         <text x=\"20\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 20 {:.1})\">{}</text>",
        f64::midpoint(left, right),
        bottom + 44.0,
        chart.x.label,
        f64::midpoint(top, bottom),
        f64::midpoint(top, bottom),
        chart.y.label
    );
    for (n, series) in chart.series.iter().enumerate() {
        line(&mut out, chart, n, series);
    }
    out.push_str("</svg>\n");
    out
}

fn line(out: &mut String, chart: &Chart<'_>, n: usize, series: &Series) {
    let (left, right, top, bottom) = AREA;
    let (colour, dash) = STYLES[n % STYLES.len()];
    let place =
        |(x, y): &(f64, f64)| (chart.x.place(*x, left, right), chart.y.place(*y, bottom, top));
    let points: Vec<(f64, f64)> = series.points.iter().map(place).collect();
    let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" \
         stroke-dasharray=\"{dash}\"/>",
        path.join(" ")
    );
    if points.len() <= 12 {
        for (x, y) in &points {
            let _ =
                writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>");
        }
    }
    // In a column at the right, so that names never lie on each other.
    let y = top + 12.0 + 26.0 * f64::from(u32::try_from(n).unwrap());
    let _ = writeln!(
        out,
        "<path d=\"M{:.1} {y:.1}h30\" stroke=\"{colour}\" stroke-width=\"2.5\" \
         stroke-dasharray=\"{dash}\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        right + 14.0,
        right + 50.0,
        y + 5.0,
        series.name
    );
}

/// A number as a tick is labelled.
fn told(value: f64) -> String {
    if value >= 1e6 {
        format!("{} million", value / 1e6)
    } else if value >= 1000.0 {
        format!("{},000", value / 1000.0)
    } else {
        format!("{value}")
    }
}
