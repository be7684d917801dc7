//! Reads the files of a gazetteer.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use anyhow::Context;
use crossbeam_channel::bounded;
use schemas::Counter;
use schemas::manifest::InputFile;

use super::lookup::{Gazetteer, MentionFinder};
use super::matcher::NameMatcherBuilder;
use super::name_file::{NameFile, NamesRead};
use super::name_table::NameTable;
use super::names_folder::chars_before_comma;
use super::options::GazetteerOptions;
use crate::interner::CapacityError;

/// What was read.
#[derive(Debug, Default)]
pub struct LoadSummary {
    /// The files, stop lists last, with their sizes and hashes.
    pub inputs: Vec<InputFile>,
    /// Names in the files; `out` are the distinct ones.
    pub names: Counter,
    /// Files of which every name is a number: most likely the column of another thing.
    pub numeric_files: Vec<PathBuf>,
}

/// Reads the files of a gazetteer and its stop lists. Where running text will be searched, the matcher is built on a second thread
/// while names are read.
///
/// # Errors
/// A file that cannot be read or is malformed, see [`NameFile::read`]; more than 4 GiB of names.
pub fn load(options: GazetteerOptions) -> anyhow::Result<(Gazetteer, LoadSummary)> {
    let mut summary = LoadSummary::default();
    let (mut stop_names, stop_list_inputs) = read_stop_lists(&options)?;
    read_no_names(&options, &mut stop_names)?;
    let (names, mention_finder) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let (sender, batches) = bounded::<NameBatch>(BATCHES_IN_FLIGHT);
        let builder = options.min_mention_chars.map(|min_chars| {
            let (stop_names, korean_particles) = (&stop_names, options.korean_particles);
            scope.spawn(move || build_mention_finder(batches, min_chars, stop_names, korean_particles))
        });
        // Sending fails where no thread receives: names are only looked up, or the builder failed, which `join` reports.
        let names = read_names(&options, &mut summary, |batch| drop(sender.send(batch)));
        drop(sender);
        let finder = builder.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok((names?, finder.transpose().context("gazetteers")?))
    })?;
    let (titles, chars_before_comma) = read_titles(&options)?;
    summary.inputs.extend(stop_list_inputs);
    let folder_labels =
        options.folders.folders.iter().flat_map(|_| (0..=options.folders.labels.len()).chain(0..=options.folders.labels.len()));
    let label_of_file = options.files.iter().map(|(label, _)| *label).chain(folder_labels).collect();
    let files = options.files.len();
    let other_label = (!options.folders.folders.is_empty()).then_some(options.folders.labels.len());
    let GazetteerOptions { normalizer, ambiguous, .. } = options;
    let gazetteer = Gazetteer {
        normalizer,
        names,
        titles,
        chars_before_comma,
        label_of_file,
        other_label,
        files,
        ambiguous,
        stop_names,
        mention_finder,
    };
    Ok((gazetteer, summary))
}

/// Names that were read one after another.
#[derive(Debug, Default)]
struct NameBatch {
    text: String,
    /// For each name, its number and where it ends in `text`.
    names: Vec<(u32, usize)>,
}

/// Bytes of names in a batch.
const BATCH_BYTES: usize = 64 << 10;
/// Batches that wait for the builder of the matcher at most.
const BATCHES_IN_FLIGHT: usize = 8;

fn read_stop_lists(options: &GazetteerOptions) -> anyhow::Result<(HashSet<String>, Vec<InputFile>)> {
    let mut stop_names = HashSet::new();
    let mut inputs = Vec::new();
    for path in &options.stop_lists {
        let file = NameFile { path: path.clone(), column: None };
        let read = file.read(options.encoding, |name| {
            stop_names.insert(options.normalizer.normalize_name(name).into_owned());
            Ok(())
        })?;
        inputs.push(read.input);
    }
    Ok((stop_names, inputs))
}

/// Adds names to a table, and passes those that are new on in batches.
struct NameSink<'a, F> {
    options: &'a GazetteerOptions,
    names: NameTable,
    batch: NameBatch,
    pass_on: F,
}

impl<F: FnMut(NameBatch)> NameSink<'_, F> {
    /// Adds a name of a file; says in `counter` what becomes of it.
    ///
    /// # Errors
    /// There are more names than a table takes.
    fn add(&mut self, name: &str, file: usize, counter: &mut Counter) -> anyhow::Result<()> {
        let name = self.options.normalizer.normalize_name(name);
        if name.is_empty() {
            counter.skip("empty");
            return Ok(());
        }
        let number = u32::try_from(self.names.len())?;
        if !self.names.add(&name, file)? {
            counter.skip("duplicate");
            return Ok(());
        }
        counter.keep();
        self.batch.text.push_str(&name);
        self.batch.names.push((number, self.batch.text.len()));
        if self.batch.text.len() >= BATCH_BYTES {
            (self.pass_on)(std::mem::take(&mut self.batch));
        }
        Ok(())
    }
}

/// Reads all files, and passes names that are new on in batches.
fn read_names(options: &GazetteerOptions, summary: &mut LoadSummary, pass_on: impl FnMut(NameBatch)) -> anyhow::Result<NameTable> {
    let mut sink = NameSink { options, names: NameTable::default(), batch: NameBatch::default(), pass_on };
    for (file, (_, name_file)) in options.files.iter().enumerate() {
        let mut is_numeric = true;
        let NamesRead { input, ragged_rows } = name_file.read(options.encoding, |name| {
            is_numeric &= name.chars().all(|c| c.is_numeric() || c.is_whitespace());
            let name = if options.underscores { Cow::Owned(name.replace('_', " ")) } else { Cow::Borrowed(name) };
            sink.add(&name, file, &mut summary.names)
        })?;
        (0..ragged_rows).for_each(|_| summary.names.skip("ragged row"));
        // A file without names is one of numbers too.
        if is_numeric && input.bytes > 0 {
            summary.numeric_files.push(name_file.path.clone());
        }
        summary.inputs.push(input);
    }
    for (folder, names_folder) in options.folders.folders.iter().enumerate() {
        names_folder.for_each_row(&options.folders.sure.langs, |row| {
            let Some(label) = row.label.as_deref() else { return Ok(()) };
            let label = options.folders.position_of_label(label);
            if !options.folders.sure.include(row) {
                summary.names.skip("below --min-share or --min-count");
                return Ok(());
            }
            sink.add(&row.name, options.file_of_folder(folder, label, false), &mut summary.names)
        })?;
        summary.inputs.extend(names_folder.inputs());
    }
    let NameSink { mut names, batch, mut pass_on, .. } = sink;
    pass_on(batch);
    names.build_filter();
    Ok(names)
}

/// Adds the texts that are no names, as folders of names have them.
fn read_no_names(options: &GazetteerOptions, stop_names: &mut HashSet<String>) -> anyhow::Result<()> {
    for folder in &options.folders.folders {
        folder.for_each_row(&options.folders.sure.langs, |row| {
            if row.label.is_none() {
                stop_names.insert(options.normalizer.normalize_name(&row.name).into_owned());
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The titles of folders of names, and the chars of those whose name ends before a comma.
fn read_titles(options: &GazetteerOptions) -> anyhow::Result<(NameTable, HashMap<u32, u32>)> {
    let (mut titles, mut before_comma) = (NameTable::default(), HashMap::new());
    for (folder, names_folder) in options.folders.folders.iter().enumerate() {
        names_folder.for_each_row(&options.folders.sure.langs, |row| {
            let (Some(label), Some(title)) = (row.label.as_deref(), &row.title) else { return Ok(()) };
            let label = options.folders.position_of_label(label);
            let title = options.normalizer.normalize_name(title);
            titles.add(&title, options.file_of_folder(folder, label, true))?;
            if let (Some(chars), Some(number)) = (chars_before_comma(row), titles.number(&title)) {
                before_comma.insert(number, chars);
            }
            Ok(())
        })?;
    }
    titles.build_filter();
    Ok((titles, before_comma))
}

/// A finder of the names that have enough chars and are on no stop list.
fn build_mention_finder(
    batches: impl IntoIterator<Item = NameBatch>,
    min_chars: usize,
    stop_names: &HashSet<String>,
    korean_particles: bool,
) -> Result<MentionFinder, CapacityError> {
    let mut builder = NameMatcherBuilder::default();
    let mut name_numbers = Vec::new();
    for NameBatch { text, names } in batches {
        let mut start = 0;
        for (number, end) in names {
            let name = &text[std::mem::replace(&mut start, end)..end];
            let is_long_enough = name.chars().nth(min_chars.saturating_sub(1)).is_some();
            if is_long_enough && !stop_names.contains(name) {
                builder.add(name)?;
                name_numbers.push(number);
            }
        }
    }
    Ok(MentionFinder { matcher: builder.build().with_korean_particles(korean_particles), name_numbers })
}
