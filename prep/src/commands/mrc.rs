//! `prep mrc`: annotated corpora to triples.
//!
//! The files are read twice: once to tell scheme and language and to find what is wrong, once to write. So what cannot be read, a label
//! without a question and, with `--strict`, a malformed line or element end the run before there is an output folder, and memory does not
//! grow with the input. Standard input and pipes cannot be read twice and are refused.
//!
//! The readers are in [`corpora`](crate::corpora).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;
use schemas::{Counter, Manifest, Origin, Query, QuerySet, ShardWriter, Span, Triple};

use crate::PROGRAM;
use crate::cli::{Common, MrcArgs};
use crate::corpora::broken::Broken;
use crate::corpora::context;
use crate::corpora::read::format::{Format, Reading};
use crate::corpora::read::survey::Survey;
use crate::corpora::scheme::Scheme;
use crate::corpora::sentence::{Item, Sentence, SentenceReader};
use crate::number_format::counted_entities;
use crate::run::checkpoint::{self, Settings, Start};
use crate::source::{BytesRead, InputStream};

/// What the rows are made by: the settings with everything told from the files filled in.
struct Plan<'a> {
    /// Files, each with the name that ids and `doc` give it.
    files: Vec<(PathBuf, String)>,
    formats: &'a [Format],
    reading: Reading<'a>,
    queries: &'a QuerySet,
    ignored: &'a [String],
    scheme: Scheme,
    lang: String,
}

/// What came of the run.
#[derive(Default)]
struct Counts {
    sentences: Counter,
    /// Lines and elements.
    parts: BTreeMap<&'static str, Counter>,
    entities: Counter,
    repaired: Counter,
    broken: Broken,
    /// Questions of the set that an MRC JSON file does not ask a sentence.
    added: Counter,
    triples: Counter,
    by_label: Vec<u64>,
}

/// Runs `prep mrc`.
///
/// # Errors
/// Files that cannot be read as what they are, a label that the query set lacks, no usable sentence at all, or an output that cannot
/// be written. With `--strict`, the first malformed line or element.
pub fn run(args: &MrcArgs, common: &Common) -> anyhow::Result<()> {
    let asked = args.queries.as_deref().map(QuerySet::load).transpose()?;
    let files = documents(&args.inputs)?;
    let reading = Reading {
        scheme: args.scheme.0,
        columns: args.columns.clone(),
        offsets: args.offsets,
        known: asked.as_ref().map_or(&[], |set| &set.queries),
    };
    refuse_ignored(asked.as_ref(), &args.ignore_label)?;
    let survey = Survey::of(&files, args.format.0, &reading, args.strict)?;
    let queries = asked.clone().map_or_else(|| survey.queries(), Ok)?;
    refuse_ignored(Some(&queries), &args.ignore_label)?;
    survey.check_labels(&queries, &args.ignore_label)?;
    let scheme = reading.scheme.unwrap_or_else(|| survey.evidence.scheme());
    let lang = args.lang.clone().unwrap_or_else(|| told_language(&survey, &queries));
    let plan = Plan { files, formats: &survey.formats, reading, queries: &queries, ignored: &args.ignore_label, scheme, lang };

    // There are no units: what did not end begins anew.
    let (program, command, config) = (PROGRAM.to_owned(), "mrc".to_owned(), plan.config(args));
    let settings = Settings { program, command, config, gazetteers: survey.inputs.clone(), inputs: Vec::new() };
    if let Start::Complete = Start::find(&args.output, &settings)? {
        checkpoint::say_complete(&args.output.output, common);
        return Ok(());
    }
    let manifest = Manifest::new(PROGRAM, "mrc", settings.config);
    let mut writer = checkpoint::create(&args.output, manifest)?;
    let mut counts = Counts { by_label: vec![0; queries.queries.len()], ..Counts::default() };
    let outcome = plan.write(&survey.inputs, &mut writer, &mut counts);
    let error = outcome.as_ref().err().map(|error| format!("{error:#}"));
    if let Some(report) = counts.broken.report() {
        writer.set_report(report);
    }
    let finished = writer.finish(survey.inputs.clone(), counts.tallies(), error);
    // What stopped the rows comes first: a folder that cannot be closed is most often its consequence.
    outcome?;
    finished?;
    if !common.quiet {
        plan.print_summary(&counts, args);
    }
    Ok(())
}

/// A label that is asked for cannot be left out.
fn refuse_ignored(queries: Option<&QuerySet>, ignored: &[String]) -> anyhow::Result<()> {
    let Some(queries) = queries else { return Ok(()) };
    for label in ignored {
        ensure!(
            queries.position(label).is_none(),
            "label `{label}` of --ignore-label has a question in query set `{}`: every sentence would deny it; leave it out of the set",
            queries.name
        );
    }
    Ok(())
}

/// Each file with its name in the rows: without its folders, unless two files would share it.
fn documents(paths: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let mut files = Vec::with_capacity(paths.len());
    for (at, path) in paths.iter().enumerate() {
        ensure!(!paths[..at].contains(path), "{} is given twice", path.display());
        let meta = std::fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
        ensure!(meta.is_file(), "{} is not a regular file; annotated files are read twice", path.display());
        let shared = paths.iter().filter(|other| name(other) == name(path)).count() > 1;
        let full = path.to_string_lossy().into_owned();
        files.push((path.clone(), if shared { full } else { name(path).unwrap_or(full) }));
    }
    Ok(files)
}

/// The language the tokens tell, or else that of the questions, where it is written with spaces as the tokens are.
fn told_language(survey: &Survey, queries: &QuerySet) -> String {
    let asked = queries.lang.as_str();
    let fallback = if context::has_spaces(asked) { asked } else { "und" };
    survey.scripts.lang().unwrap_or(fallback).to_owned()
}

impl Plan<'_> {
    fn config(&self, args: &MrcArgs) -> serde_json::Value {
        let tagged = self.has_tags();
        serde_json::json!({
            "formats": self.formats,
            "scheme": tagged.then_some(self.scheme),
            "scheme_from": tagged.then_some(if self.reading.scheme.is_some() { "--scheme" } else { "tags" }),
            "columns": tagged.then(|| self.reading.columns.to_string()),
            "offsets": self.reading.offsets,
            "lang": self.lang,
            "lang_from": if args.lang.is_some() { "--lang" } else { "tokens" },
            "join": if context::has_spaces(&self.lang) { " " } else { "" },
            "ignore_label": args.ignore_label,
            "strict": args.strict,
            "queries": self.queries,
        })
    }

    fn has_tags(&self) -> bool {
        self.formats.contains(&Format::Conll)
    }

    fn write(&self, inputs: &[InputFile], writer: &mut ShardWriter<Triple>, counts: &mut Counts) -> anyhow::Result<()> {
        for (((path, doc), format), input) in self.files.iter().zip(self.formats).zip(inputs) {
            let mut stream = InputStream::open(path, BytesRead::default())?;
            let mut reader = format.reader(&mut stream, &self.reading);
            let result = self.write_document(doc, reader.as_mut(), writer, counts).with_context(|| path.display().to_string());
            counts.sentences.add(reader.sentences());
            let (name, parts) = reader.parts();
            counts.parts.entry(name).or_default().add(parts);
            drop(reader);
            result?;
            ensure!(stream.input() == *input, "{} changed while it was read; run again", path.display());
        }
        Ok(())
    }

    fn write_document(
        &self,
        doc: &str,
        reader: &mut dyn SentenceReader,
        writer: &mut ShardWriter<Triple>,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        while let Some(item) = reader.next_item()? {
            let Item::Sentence(sentence) = item else { continue };
            for triple in self.triples(doc, sentence, counts) {
                writer.write(triple)?;
                counts.triples.keep();
            }
        }
        Ok(())
    }

    /// One triple for each label of the set, in its order.
    fn triples(&self, doc: &str, sentence: Sentence, counts: &mut Counts) -> Vec<Triple> {
        let Sentence { number, body, questions, .. } = sentence;
        let (text, entities) = body.resolve(self.scheme, context::has_spaces(&self.lang));
        let mut spans: Vec<Vec<Span>> = vec![Vec::new(); self.queries.queries.len()];
        for entity in entities {
            if entity.broken.is_some() {
                counts.repaired.keep();
            }
            let Some(label) = self.queries.position(&entity.label) else {
                debug_assert!(self.ignored.contains(&entity.label), "the survey refuses other labels");
                counts.entities.skip(&format!("ignored label {}", entity.label));
                continue;
            };
            let (start, end) = (entity.chars.start, entity.chars.end);
            let slice = schemas::char_slice(&text, start, end).expect("entities lie in their text");
            if slice.trim().is_empty() {
                counts.entities.skip("only white space");
                continue;
            }
            let (Ok(at) | Err(at)) = spans[label].binary_search_by_key(&(start, end), |span| (span.start, span.end));
            if spans[label].get(at).is_some_and(|span| (span.start, span.end) == (start, end)) {
                counts.entities.skip("given twice");
                continue;
            }
            counts.entities.keep();
            counts.by_label[label] += 1;
            let span = Span { start, end, text: slice.to_owned(), origin: Origin::Gold, score: None };
            if let Some(prefixes) = entity.broken {
                counts.broken.add((doc, number, &entity.label), &span, prefixes);
            }
            spans[label].insert(at, span);
        }
        if !questions.is_empty() {
            let asked = |query: &&Query| questions.iter().any(|(label, _)| *label == query.label);
            let added = self.queries.queries.iter().filter(|query| !asked(query)).count();
            (0..added).for_each(|_| counts.added.keep());
        }
        let rows = self.queries.queries.iter().zip(spans).map(|(query, spans)| Triple {
            id: format!("{doc}:{number}:{}", query.label),
            doc: doc.to_owned(),
            sentence: number,
            lang: self.lang.clone(),
            label: query.label.clone(),
            query: query.text.clone(),
            context: text.clone(),
            impossible: spans.is_empty(),
            spans,
        });
        rows.collect()
    }

    fn print_summary(&self, counts: &Counts, args: &MrcArgs) {
        let told = |given: bool, from: &str| if given { String::new() } else { format!(" (told from the {from})") };
        let joined = if context::has_spaces(&self.lang) { "one space" } else { "nothing" };
        if self.has_tags() {
            eprintln!("scheme     {}{}", self.scheme, told(self.reading.scheme.is_some(), "tags"));
        }
        eprintln!("language   {}{}, tokens joined by {joined}", self.lang, told(args.lang.is_some(), "tokens"));
        eprintln!("sentences  {}", counts.sentences);
        eprintln!("entities   {}", counts.entities);
        for (query, count) in self.queries.queries.iter().zip(&counts.by_label) {
            eprintln!("  {:<20} {count}", query.label);
        }
        if counts.repaired.seen > 0 {
            eprintln!(
                "repaired   {} whose tags break scheme {}, listed in the manifest",
                counted_entities(counts.repaired.seen),
                self.scheme
            );
        }
        if counts.added.seen > 0 {
            eprintln!("added      {} questions that the files do not ask, each without an answer", counts.added.seen);
        }
        eprintln!("triples    {} in {}", counts.triples.out, args.output.output.display());
    }
}

impl Counts {
    fn tallies(&self) -> BTreeMap<String, Counter> {
        let named = [
            ("sentences", &self.sentences),
            ("entities", &self.entities),
            ("repaired entities", &self.repaired),
            ("questions added", &self.added),
            ("triples", &self.triples),
        ];
        named
            .into_iter()
            .chain(self.parts.iter().map(|(name, tally)| (*name, tally)))
            .map(|(name, tally)| (name.to_owned(), tally.clone()))
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_names_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("x")).unwrap();
        let paths = ["a.txt", "b.txt", "x/a.txt"].map(|name| dir.path().join(name));
        paths.iter().for_each(|path| std::fs::write(path, "").unwrap());
        let names: Vec<String> = documents(&paths).unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, [paths[0].display().to_string(), "b.txt".to_owned(), paths[2].display().to_string()]);
        let twice = documents(&[paths[1].clone(), paths[1].clone()]).unwrap_err().to_string();
        assert!(twice.ends_with("b.txt is given twice"), "{twice}");
        let folder = documents(&[dir.path().to_owned()]).unwrap_err().to_string();
        assert!(folder.ends_with("annotated files are read twice"), "{folder}");
    }
}
