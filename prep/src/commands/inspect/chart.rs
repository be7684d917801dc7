//! Charts of a page: bars as HTML, histograms as SVG. All text is escaped here.

use std::fmt::Write;

use html_escape::encode_text;

use super::count::{Bin, Count, Spread};
use super::mark::printable;
use crate::number_format::grouped;

/// A chart with its title.
#[derive(Debug)]
pub struct Panel {
    /// What is shown.
    pub title: String,
    /// What is to be known beside it; may be empty.
    pub note: String,
    /// The chart.
    pub chart: Chart,
}

/// Kinds of charts.
#[derive(Debug)]
pub enum Chart {
    /// Lying bars with their names.
    Bars(Vec<Bar>),
    /// Standing bars, one a bin.
    Histogram(Vec<Bin>),
}

/// A lying bar.
#[derive(Debug)]
pub struct Bar {
    /// What is counted.
    pub name: String,
    /// How many.
    pub value: u64,
    /// How many of them are in full colour, the rest being pale.
    pub full: u64,
    /// What stands after the bar.
    pub note: String,
}

impl Bar {
    /// A bar of one colour.
    pub fn new(name: &str, value: u64) -> Self {
        Self { name: name.to_owned(), value, full: value, note: grouped(value) }
    }
}

impl Panel {
    /// Bars of counts.
    pub fn counts<'a>(title: &str, note: String, counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> Self {
        let bars = counts.into_iter().map(|(name, count)| Bar::new(name, *count)).collect();
        Self { title: title.to_owned(), note, chart: Chart::Bars(bars) }
    }

    /// Bars of the most frequent texts.
    pub fn most(title: &str, note: String, counts: &[Count]) -> Self {
        Self::counts(title, note, counts.iter().map(|count| (&count.text, &count.count)))
    }

    /// A histogram of lengths.
    pub fn lengths(title: &str, spread: Option<Spread>, bins: Option<&Vec<Bin>>) -> Self {
        let note = spread.map(|spread| spread.to_string()).unwrap_or_default();
        Self { title: title.to_owned(), note, chart: Chart::Histogram(bins.cloned().unwrap_or_default()) }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        match &self.chart {
            Chart::Bars(bars) => bars.is_empty(),
            Chart::Histogram(bins) => bins.is_empty(),
        }
    }

    /// The panel as HTML.
    pub fn html(&self) -> String {
        let chart = match &self.chart {
            Chart::Bars(bars) => self::bars(bars),
            Chart::Histogram(bins) => histogram(bins, &self.title),
        };
        let note = if self.note.is_empty() { String::new() } else { format!("<p class=\"note\">{}</p>", plain(&self.note)) };
        format!("<section class=\"panel\"><h2>{}</h2>{note}{chart}</section>\n", plain(&self.title))
    }
}

fn bars(bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1) as f64;
    let mut html = String::from("<div class=\"bars\">");
    for bar in bars {
        let (full, rest) = (bar.full as f64 * 100.0 / most, bar.value.saturating_sub(bar.full) as f64 * 100.0 / most);
        let name = plain(&bar.name);
        let _ = write!(
            html,
            "<div class=\"name\" title=\"{}\" dir=\"auto\">{name}</div><div class=\"bar\"><i style=\"width:{full:.2}%\"></i>\
             <b style=\"width:{rest:.2}%\"></b></div><div class=\"value\">{}</div>",
            quoted(&bar.name),
            plain(&bar.note)
        );
    }
    html + "</div>"
}

/// Size of a histogram in units of its picture.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;
/// Room for the numbers above and below.
const MARGIN: f64 = 22.0;

fn histogram(bins: &[Bin], title: &str) -> String {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let step = WIDTH / bins.len().max(1) as f64;
    let base = HEIGHT + MARGIN;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\"><title>{}</title>",
        base + MARGIN,
        quoted(title),
        plain(title)
    );
    for (at, bin) in bins.iter().enumerate() {
        let height = bin.count as f64 / most as f64 * HEIGHT;
        let _ = write!(
            svg,
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{}: {}</title></rect>",
            at as f64 * step + step * 0.05,
            base - height,
            step * 0.9,
            range(bins, at),
            grouped(bin.count)
        );
    }
    let _ = write!(svg, "<line x1=\"0\" y1=\"{base}\" x2=\"{WIDTH}\" y2=\"{base}\"/><text x=\"0\" y=\"14\">most {}</text>", grouped(most));
    let last = bins.len().saturating_sub(1);
    let mut named = vec![0, last / 2, last];
    named.dedup();
    for at in named {
        let (x, anchor) = match at {
            0 => (0.0, "start"),
            at if at == last => (WIDTH, "end"),
            at => ((at as f64 + 0.5) * step, "middle"),
        };
        let _ = write!(svg, "<text x=\"{x:.2}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>", base + 16.0, range(bins, at));
    }
    svg + "</svg>"
}

/// The lengths of a bin; the last one may take all that are longer.
fn range(bins: &[Bin], at: usize) -> String {
    let Some(bin) = bins.get(at) else { return String::new() };
    let wide = bin.to - bin.from > bins[0].to - bins[0].from;
    match (bin.from, bin.to) {
        (from, _) if wide && at > 0 => format!("{} and more", grouped(from)),
        (from, to) if from == to => grouped(from),
        (from, to) => format!("{}–{}", grouped(from), grouped(to)),
    }
}

/// Text between tags. Control characters become spaces, as on a terminal; line ends and tabs stay.
pub fn plain(text: &str) -> String {
    let text: String = text.chars().map(|char| if char.is_control() && !matches!(char, '\n' | '\t') { ' ' } else { char }).collect();
    encode_text(&text).into_owned()
}

/// Text between double quotes.
pub fn quoted(text: &str) -> String {
    html_escape::encode_double_quoted_attribute(&printable(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let panel = Panel::most("<b>", "a & b".to_owned(), &[Count { text: "\"><script>x</script>\u{1b}".to_owned(), count: 3 }]);
        let html = panel.html();
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains('\u{1b}'), "{html}");
        assert!(html.contains("&lt;b&gt;") && html.contains("a &amp; b") && html.contains("title=\"&quot;&gt;&lt;script"), "{html}");
    }

    #[test]
    fn bins_are_named() {
        let bin = |from, to| Bin { from, to, count: 1 };
        for (bins, at, expected) in
            [(vec![bin(0, 9), bin(10, 19)], 1, "10–19"), (vec![bin(0, 9), bin(10, 1999)], 1, "10 and more"), (vec![bin(3, 3)], 0, "3")]
        {
            assert_eq!(range(&bins, at), expected);
        }
        assert!(histogram(&[], "none").ends_with("</svg>"));
    }
}
