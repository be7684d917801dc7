//! Charts of an HTML report: bars as HTML, histograms as SVG.

use maud::{Markup, html};

use super::lengths::{HistogramBin, LengthSummary};
use super::printable::Printable;
use super::top_texts::TextCount;
use crate::number_format::grouped;

/// A chart with its title.
#[derive(Debug)]
pub struct Panel {
    /// What is shown.
    pub title: String,
    /// A line below the title; may be empty.
    pub note: String,
    /// The chart.
    pub chart: Chart,
}

/// A kind of chart with its data.
#[derive(Debug)]
pub enum Chart {
    /// Horizontal bars with names.
    Bars(Vec<Bar>),
    /// Vertical bars, one for each bin.
    Histogram(Vec<HistogramBin>),
}

/// A horizontal bar.
#[derive(Debug)]
pub struct Bar {
    /// What is counted.
    pub name: String,
    /// The length of the bar.
    pub value: u64,
    /// The part of it in full colour; the rest is pale.
    pub emphasised: u64,
    /// Text after the bar.
    pub note: String,
}

impl Panel {
    /// Bars of counts.
    pub fn counts<'a>(title: &str, note: String, counts: impl IntoIterator<Item = (&'a String, &'a u64)>) -> Self {
        let bar = |(name, &value): (&String, &u64)| Bar { name: name.clone(), value, emphasised: value, note: grouped(value) };
        Self { title: title.to_owned(), note, chart: Chart::Bars(counts.into_iter().map(bar).collect()) }
    }

    /// Bars of the most frequent texts.
    pub fn most_frequent(title: &str, note: String, counts: &[TextCount]) -> Self {
        Self::counts(title, note, counts.iter().map(|count| (&count.text, &count.count)))
    }

    /// A histogram of lengths.
    pub fn histogram(title: &str, summary: Option<LengthSummary>, bins: Option<&Vec<HistogramBin>>) -> Self {
        let note = summary.map(|summary| summary.to_string()).unwrap_or_default();
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
    pub fn markup(&self) -> Markup {
        html! {
            section.panel {
                h2 { (Printable(&self.title)) }
                @if !self.note.is_empty() {
                    p.note { (Printable(&self.note)) }
                }
                @match &self.chart {
                    Chart::Bars(bars) => (bars_markup(bars)),
                    Chart::Histogram(bins) => (histogram_markup(bins, &self.title)),
                }
            }
        }
    }
}

fn bars_markup(bars: &[Bar]) -> Markup {
    let longest = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1) as f64;
    let width = |value: u64| format!("width:{:.2}%", value as f64 * 100.0 / longest);
    html! {
        div.bars {
            @for bar in bars {
                div.name title=(Printable(&bar.name)) dir="auto" { (Printable(&bar.name)) }
                div.bar {
                    i style=(width(bar.emphasised)) {}
                    b style=(width(bar.value.saturating_sub(bar.emphasised))) {}
                }
                div.value { (Printable(&bar.note)) }
            }
        }
    }
}

/// Size of a histogram in units of its view box.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;
/// Space for the numbers above and below.
const MARGIN: f64 = 22.0;

fn histogram_markup(bins: &[HistogramBin], title: &str) -> Markup {
    let highest = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let step = WIDTH / bins.len().max(1) as f64;
    let baseline = HEIGHT + MARGIN;
    let height = |bin: &HistogramBin| bin.count as f64 / highest as f64 * HEIGHT;
    let number = |value: f64| format!("{value:.2}");
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (baseline + MARGIN) } role="img" aria-label=(Printable(title)) {
            title { (Printable(title)) }
            @for (at, bin) in bins.iter().enumerate() {
                rect x=(number(at as f64 * step + step * 0.05)) y=(number(baseline - height(bin))) width=(number(step * 0.9))
                    height=(number(height(bin))) {
                    title { (bin_name(bins, at)) ": " (grouped(bin.count)) }
                }
            }
            line x1="0" y1=(baseline) x2=(WIDTH) y2=(baseline) {}
            text x="0" y="14" { "most " (grouped(highest)) }
            @for (at, x, anchor) in axis_labels(bins.len(), step) {
                text x=(number(x)) y=(baseline + 16.0) text-anchor=(anchor) { (bin_name(bins, at)) }
            }
        }
    }
}

/// The bins that are named below the axis, the first, the middle and the last, with their place and alignment.
fn axis_labels(bins: usize, step: f64) -> Vec<(usize, f64, &'static str)> {
    let last = bins.saturating_sub(1);
    let mut named = vec![0, last / 2, last];
    named.dedup();
    let label = |at: usize| match at {
        0 => (0, 0.0, "start"),
        at if at == last => (at, WIDTH, "end"),
        at => (at, (at as f64 + 0.5) * step, "middle"),
    };
    named.into_iter().map(label).collect()
}

/// The lengths of a bin. The last bin may hold all that are longer.
fn bin_name(bins: &[HistogramBin], at: usize) -> String {
    let Some(bin) = bins.get(at) else { return String::new() };
    let is_wider = bin.to - bin.from > bins[0].to - bins[0].from;
    match (bin.from, bin.to) {
        (from, _) if is_wider && at > 0 => format!("{} and more", grouped(from)),
        (from, to) if from == to => grouped(from),
        (from, to) => format!("{}–{}", grouped(from), grouped(to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let counts = [TextCount { text: "\"><script>x</script>\u{1b}".to_owned(), count: 3 }];
        let html = Panel::most_frequent("<b>", "a & b".to_owned(), &counts).markup().into_string();
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains('\u{1b}'), "{html}");
        assert!(html.contains("&lt;b&gt;") && html.contains("a &amp; b") && html.contains("title=\"&quot;&gt;&lt;script"), "{html}");
    }

    #[test]
    fn bins_are_named() {
        let bin = |from, to| HistogramBin { from, to, count: 1 };
        for (bins, at, expected) in
            [(vec![bin(0, 9), bin(10, 19)], 1, "10–19"), (vec![bin(0, 9), bin(10, 1999)], 1, "10 and more"), (vec![bin(3, 3)], 0, "3")]
        {
            assert_eq!(bin_name(&bins, at), expected);
        }
        assert!(histogram_markup(&[], "none").into_string().ends_with("</svg>"));
    }
}
