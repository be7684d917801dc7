//! What the clusters of stage 3 hold, and a map of their answers.

use std::collections::BTreeMap;

use anyhow::Result;
use plotters::prelude::*;

use super::canvas::{GREY, SIZE, TEXT, colour, picture, text, truncate};
use super::cluster_summary::{ClusterSummary, by_frequency, count_by_frequency};
use super::tsne;
use crate::cluster::cluster_file::PlotRow;

/// Clusters or labels that a picture shows at most; the rest are counted.
const MAX_SHOWN: usize = 40;

/// Mentions that are shown of a cluster, and chars of each.
const SURFACE_FORMS: (usize, usize) = (4, 14);

/// Height of a line of a list in pixels.
const LINE: i32 = 22;

/// A bar for each cluster, largest first, divided by the labels of its answers, beside its most frequent surface forms.
///
/// # Errors
/// Drawing fails.
pub fn sizes(name: &str, clusters: &[ClusterSummary]) -> Result<String> {
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for (label, count) in clusters.iter().flat_map(|cluster| &cluster.labels) {
        *labels.entry(label).or_default() += count;
    }
    let labels = by_frequency(labels);
    let answers: usize = clusters.iter().map(|cluster| cluster.size).sum();
    let shown = clusters.len().min(MAX_SHOWN);
    let mut title = format!("{answers} answers in {} clusters: {name}", clusters.len());
    if shown < clusters.len() {
        title += &format!("; the {shown} largest");
    }
    let height = (shown as i32 * LINE + 130).max(300) as u32;
    picture(&title, (SIZE.0 + 150, height), |area| {
        legend(area, &labels, labels.len(), 8)?;
        let (left, top, width) = (60, 34, 420);
        let most = clusters.first().map_or(1, |cluster| cluster.size) as f64;
        for (line, cluster) in clusters.iter().take(shown).enumerate() {
            let y = top + line as i32 * LINE;
            text(area, &format!("{:>3}", cluster.cluster), (12, y + 3), TEXT, &GREY)?;
            let of: BTreeMap<&str, usize> = cluster.labels.iter().map(|(label, count)| (label.as_str(), *count)).collect();
            let mut done = 0;
            for (number, (label, _)) in labels.iter().enumerate() {
                let Some(count) = of.get(label) else { continue };
                let x = |answers: usize| left + (answers as f64 / most * f64::from(width)).round() as i32;
                let corners = [(x(done), y), (x(done + count), y + LINE - 5)];
                area.draw(&Rectangle::new(corners, colour(number, labels.len()).filled()))?;
                done += count;
            }
            text(area, &cluster.size.to_string(), (left + width + 12, y + 3), TEXT, &BLACK)?;
            let surface_forms: Vec<String> =
                cluster.surface_forms.iter().take(SURFACE_FORMS.0).map(|(form, _)| truncate(form, SURFACE_FORMS.1)).collect();
            text(area, &surface_forms.join(" · "), (left + width + 78, y + 3), TEXT, &GREY)?;
        }
        Ok(())
    })
}

/// A legend in one line: coloured squares with the first `most` names.
fn legend<N: AsRef<str>>(area: &super::canvas::Area<'_>, names: &[(N, usize)], count: usize, most: usize) -> Result<()> {
    let mut x = 60;
    for (number, (name, _)) in names.iter().take(most).enumerate() {
        let name = truncate(name.as_ref(), 16);
        area.draw(&Rectangle::new([(x, 4), (x + 12, 16)], colour(number, count).filled()))?;
        text(area, &name, (x + 18, 4), TEXT, &BLACK)?;
        // Chars of Chinese and Japanese are twice as wide.
        x += 40 + name.chars().map(|c| if c.is_ascii() { 9 } else { 15 }).sum::<i32>();
    }
    if names.len() > most {
        text(area, &format!("and {} more", names.len() - most), (x, 4), TEXT, &GREY)?;
    }
    Ok(())
}

/// A map of the answers whose vectors were stored: similar ones lie together.
pub struct AnswerMap<'a> {
    rows: Vec<&'a PlotRow>,
    points: Vec<[f32; 2]>,
}

impl<'a> AnswerMap<'a> {
    /// Lays out the rows that have vectors; `None` if there are too few.
    pub fn new(rows: &'a [PlotRow]) -> Option<Self> {
        let (rows, vectors): (Vec<&PlotRow>, Vec<&[f32]>) =
            rows.iter().filter_map(|row| row.vector.as_deref().map(|vector| (row, vector))).unzip();
        let points = tsne::tsne(&vectors)?;
        Some(Self { rows, points })
    }

    /// The map coloured by cluster.
    ///
    /// # Errors
    /// Drawing fails.
    pub fn by_cluster(&self, name: &str) -> Result<String> {
        let clusters = count_by_frequency(self.rows.iter().map(|row| row.cluster));
        let named = |cluster: u32| {
            let surface_forms = count_by_frequency(self.rows.iter().filter(|row| row.cluster == cluster).map(|row| row.text.as_str()));
            let surface_forms: Vec<String> = surface_forms.into_iter().take(2).map(|(form, _)| truncate(form, 12)).collect();
            format!("{cluster:>2}  {}", surface_forms.join(" · "))
        };
        let groups: Vec<(u32, String)> = clusters.iter().map(|(cluster, _)| (*cluster, named(*cluster))).collect();
        self.draw(&format!("Answers by cluster: {name}"), &groups, |row| row.cluster)
    }

    /// The map coloured by label.
    ///
    /// # Errors
    /// Drawing fails.
    pub fn by_label(&self, name: &str) -> Result<String> {
        let labels = count_by_frequency(self.rows.iter().map(|row| row.label.as_str()));
        let groups: Vec<(&str, String)> =
            labels.iter().map(|(label, count)| (*label, format!("{} {count}", truncate(label, 20)))).collect();
        self.draw(&format!("Answers by label: {name}"), &groups, |row| row.label.as_str())
    }

    fn draw<K: PartialEq + Copy>(&self, title: &str, groups: &[(K, String)], of: impl Fn(&'a PlotRow) -> K) -> Result<String> {
        let title = format!("{title}; t-SNE of {} answers", self.rows.len());
        let height = SIZE.1.max(120 + groups.len().min(MAX_SHOWN) as u32 * LINE as u32);
        picture(&title, (SIZE.0 + 150, height), |area| {
            let (map, list) = area.split_horizontally(SIZE.0 - 160);
            let bounds = |at: usize| {
                let values = self.points.iter().map(|point| point[at]);
                let (low, high) = values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)));
                let margin = (high - low).max(1e-6) * 0.04;
                low - margin..high + margin
            };
            let mut chart = ChartBuilder::on(&map).margin(8).build_cartesian_2d(bounds(0), bounds(1))?;
            // Distances have a meaning, coordinates have none: a frame without numbers.
            chart.configure_mesh().disable_mesh().disable_axes().draw()?;
            let (width, height) = map.dim_in_pixel();
            let frame = [(8, 8), (width as i32 - 8, height as i32 - 8)];
            map.draw(&Rectangle::new(frame, GREY.mix(0.5)))?;
            let dots = self.rows.iter().zip(&self.points).map(|(row, point)| {
                let number = groups.iter().position(|(key, _)| *key == of(row)).unwrap_or(groups.len());
                Circle::new((point[0], point[1]), 3, colour(number, groups.len()).mix(0.75).filled())
            });
            chart.draw_series(dots)?;
            for (line, (_, name)) in groups.iter().take(MAX_SHOWN).enumerate() {
                let y = 10 + line as i32 * LINE;
                list.draw(&Circle::new((14, y + 7), 6, colour(line, groups.len()).filled()))?;
                text(&list, name, (28, y), TEXT, &BLACK)?;
            }
            if groups.len() > MAX_SHOWN {
                text(&list, &format!("and {} more", groups.len() - MAX_SHOWN), (28, 10 + MAX_SHOWN as i32 * LINE), TEXT, &GREY)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cluster_summary::{ClusterCounts, SAMPLE};
    use super::*;

    fn rows(count: usize) -> Vec<PlotRow> {
        (0..count)
            .map(|at| PlotRow {
                text: ["北京", "Ödön & Co", "Oslo"][at % 3].to_owned(),
                label: ["LOC", "ORG", "LOC"][at % 3].to_owned(),
                cluster: (at % 3 * 7) as u32,
                vector: Some(vec![(at % 3) as f32, (at as f32 * 0.7).sin() * 0.1, 1.0]),
            })
            .collect()
    }

    #[test]
    fn pictures_show_what_clusters_hold() {
        let mut counts = ClusterCounts::new(60, SAMPLE, 1);
        rows(60).into_iter().for_each(|row| counts.add(row));
        let (clusters, rows) = counts.finish();
        let svg = sizes("run", &clusters).unwrap();
        for text in ["60 answers in 3 clusters: run", "Ödön &amp; Co", "北京", "ORG"] {
            assert!(svg.contains(text), "{text}");
        }
        let map = AnswerMap::new(&rows).unwrap();
        let (by_cluster, by_label) = (map.by_cluster("run").unwrap(), map.by_label("run").unwrap());
        assert_eq!(by_cluster.matches("<circle").count(), 63, "one for each answer, and three in the list");
        assert!(by_label.contains("LOC 40") && by_label.contains("ORG 20"));
        assert_eq!(AnswerMap::new(&rows).unwrap().by_cluster("run").unwrap(), by_cluster, "the same each time");
    }

    #[test]
    fn few_vectors_make_no_map() {
        assert!(AnswerMap::new(&rows(3)).is_none() && AnswerMap::new(&[]).is_none());
        assert!(sizes("run", &[]).is_ok());
    }
}
