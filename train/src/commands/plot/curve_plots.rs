//! Loss, learning rate and scores by step.

use anyhow::Result;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use super::canvas::{GREY, PALETTE, SIZE, TEXT, picture, short_number};
use super::history::{History, downsampled, smoothed};

/// Height of the learning rate's chart in pixels.
const RATE_HEIGHT: u32 = 150;

/// Lowest loss on the logarithmic axis.
const MIN_LOSS: f64 = 1e-6;

/// The loss and its smoothed curve, on a logarithmic axis, above the learning rate.
///
/// # Errors
/// Drawing fails.
pub fn loss(name: &str, history: &History) -> Result<String> {
    let above_zero = |points: Vec<(f64, f64)>| points.into_iter().map(|(step, loss)| (step, loss.max(MIN_LOSS))).collect::<Vec<_>>();
    let (points, smooth) = (above_zero(downsampled(&history.losses)), above_zero(downsampled(&smoothed(&history.losses))));
    let rates = downsampled(&history.rates);
    picture(&format!("Loss: {name}"), SIZE, |area| {
        let (upper, lower) = area.split_vertically(area.dim_in_pixel().1 - RATE_HEIGHT);
        let (least, most) = points.iter().fold((f64::MAX, MIN_LOSS), |(least, most), point| (least.min(point.1), most.max(point.1)));
        let mut chart = ChartBuilder::on(&upper)
            .margin_right(20)
            .x_label_area_size(20)
            .y_label_area_size(80)
            .build_cartesian_2d(steps(history), LogAxis(least * 0.9, most * 1.1))?;
        chart
            .configure_mesh()
            .label_style(("sans-serif", TEXT))
            .y_desc("loss")
            .x_label_formatter(&|step| short_number(*step, 0))
            .y_label_formatter(&|loss| short_number(*loss, 6))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GREY.mix(0.25))
            .draw()?;
        epochs(&mut chart, history, (least * 0.9, most * 1.1))?;
        let [colour, ..] = PALETTE;
        let (faint, bold) = (colour.mix(0.35).stroke_width(1), colour.stroke_width(3));
        chart.draw_series(LineSeries::new(points, faint))?;
        chart.draw_series(LineSeries::new(smooth, bold))?;

        let most = rates.iter().map(|rate| rate.1).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let mut chart = ChartBuilder::on(&lower)
            .margin_right(20)
            .margin_top(10)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d(steps(history), 0.0..most * 1.1)?;
        chart
            .configure_mesh()
            .label_style(("sans-serif", TEXT))
            .x_desc("step")
            .y_desc("learning rate")
            .y_labels(3)
            .x_label_formatter(&|step| short_number(*step, 0))
            .y_label_formatter(&|rate| if *rate == 0.0 { "0".to_owned() } else { format!("{rate:.0e}") })
            .light_line_style(TRANSPARENT)
            .bold_line_style(GREY.mix(0.25))
            .draw()?;
        chart.draw_series(LineSeries::new(rates, PALETTE[1].stroke_width(2)))?;
        Ok(())
    })
}

/// Precision, recall and F1 on dev, with the best F1 marked.
///
/// # Errors
/// Drawing fails.
pub fn f1(name: &str, history: &History) -> Result<String> {
    let best = history.best();
    let mut title = format!("Scores on dev: {name}");
    if let Some(best) = best {
        title += &format!("; best F1 {:.4} at step {}", best.scores[2], best.step);
    }
    if let Some(test) = history.test {
        title += &format!("; test {test:.4}");
    }
    picture(&title, SIZE, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin_right(20)
            .x_label_area_size(44)
            .y_label_area_size(80)
            .build_cartesian_2d(steps(history), 0.0..1.0)?;
        chart
            .configure_mesh()
            .label_style(("sans-serif", TEXT))
            .x_desc("step")
            .y_labels(11)
            .x_label_formatter(&|step| short_number(*step, 0))
            .y_label_formatter(&|score| format!("{score:.1}"))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GREY.mix(0.25))
            .draw()?;
        epochs(&mut chart, history, (0.0, 1.0))?;
        for ((number, name), colour) in ["precision", "recall", "F1"].into_iter().enumerate().zip([PALETTE[0], PALETTE[1], PALETTE[2]]) {
            let points: Vec<(f64, f64)> = history.evaluations.iter().map(|at| (at.step, at.scores[number])).collect();
            let width = if number == 2 { 3 } else { 1 };
            let line = move |x: i32, y: i32| PathElement::new(vec![(x, y), (x + 22, y)], colour.stroke_width(width));
            let series = LineSeries::new(points.iter().copied(), colour.stroke_width(width));
            chart.draw_series(series)?.label(name).legend(move |(x, y)| line(x, y));
            let dots = points.into_iter().map(|point| Circle::new(point, if number == 2 { 3 } else { 2 }, colour.filled()));
            chart.draw_series(dots)?;
        }
        if let Some(best) = best {
            chart.draw_series([Circle::new((best.step, best.scores[2]), 8, PALETTE[2].stroke_width(2))])?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .label_font(("sans-serif", TEXT))
            .background_style(WHITE.mix(0.85))
            .border_style(GREY)
            .draw()?;
        Ok(())
    })
}

fn steps(history: &History) -> std::ops::Range<f64> {
    let last = history.losses.last().map_or(0.0, |point| point.0).max(history.evaluations.last().map_or(0.0, |at| at.step));
    0.0..last.max(1.0)
}

/// A thin line at the end of each epoch, for at most 40 epochs.
fn epochs<'a, Y: Ranged<ValueType = f64>>(
    chart: &mut ChartContext<'a, SVGBackend<'_>, Cartesian2d<plotters::coord::types::RangedCoordf64, Y>>,
    history: &History,
    (low, high): (f64, f64),
) -> Result<()> {
    if history.epochs.len() > 40 {
        return Ok(());
    }
    let lines = history.epochs.iter().map(|&step| PathElement::new(vec![(step, low), (step, high)], GREY.mix(0.4)));
    chart.draw_series(lines)?;
    Ok(())
}

/// A logarithmic axis with marks at 1, 2 and 5 times powers of ten.
struct LogAxis(f64, f64);

impl Ranged for LogAxis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value / self.0).ln() / (self.1 / self.0).ln();
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let powers = self.0.log10().floor() as i32..=self.1.log10().ceil() as i32;
        let within = |value: &f64| (self.0..=self.1).contains(value);
        let marks = |of: &[f64]| -> Vec<f64> {
            powers.clone().flat_map(|power| of.iter().map(move |mark| mark * 10f64.powi(power))).filter(within).collect()
        };
        let fine = marks(&[1.0, 2.0, 5.0]);
        if fine.len() <= hint.max_num_points() { fine } else { marks(&[1.0]) }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.0..self.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::coord::ranged1d::BoldPoints;

    #[test]
    fn a_logarithmic_axis_has_round_marks() {
        let axis = LogAxis(0.03, 1.5);
        let marks: Vec<String> = axis.key_points(BoldPoints(10)).into_iter().map(|mark| short_number(mark, 6)).collect();
        assert_eq!(marks, ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!((axis.map(&0.03, (400, 0)), axis.map(&1.5, (400, 0))), (400, 0));
        assert_eq!(axis.key_points(BoldPoints(2)).len(), 2);
    }

    #[test]
    fn a_run_of_one_step_can_be_drawn() {
        let mut history = History { losses: vec![(1.0, 0.0)], rates: vec![(1.0, 0.0)], ..History::default() };
        assert!(loss("run", &history).unwrap().contains("learning rate"));
        history.evaluations.push(super::super::history::EvaluationPoint { step: 1.0, scores: [0.0, 0.5, 1.0] });
        assert!(f1("run", &history).unwrap().contains("best F1 1.0000 at step 1"));
    }
}
