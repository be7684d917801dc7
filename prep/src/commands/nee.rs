//! `prep nee`: dumps or folders of pages, and gazetteers, to triples of stage 2 (named entity extraction).

use anyhow::Context;
use schemas::Page;

use super::page_job::{Additions, PageJob};
use crate::config::Runtime;
use crate::config::pages::NeeConfig;
use crate::gazetteer::GazetteerOptions;
use crate::gazetteer::coverage::OTHER_LABELS;
use crate::gazetteer::load::load;
use crate::gazetteer::name_file::NameFile;
use crate::gazetteer::names_folder::{NamesFolder, NamesFolders, SureNames};
use crate::gazetteer::normalizer::Normalizer;
use crate::input::inputs::Inputs;
use crate::label::nee::{self, GazetteerLabeller, MatchIn, RepeatSettings};
use crate::label::triple_sink::TripleSink;
use crate::run::job::JobGazetteer;
use crate::run::manifest_config::{ManifestGazetteer, ManifestNeeConfig, ManifestTripleConfig};
use crate::wikitext::{ScriptConverter, WikitextExtractor, has_dotted_i};

/// Runs `prep nee`.
///
/// # Errors
/// As `prep esi`, and a gazetteer that cannot be read.
pub fn run(config: &NeeConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let job = PageJob::open(&config.job, runtime)?;
    let files = find_files(config)?;
    let labels: Vec<&str> = config.queries.labels().collect();
    let folders = config.names.iter().map(|dir| {
        let folder = NamesFolder::open(dir)?;
        folder.check_labels(&labels).with_context(|| format!("--names {}", dir.display()))?;
        Ok(folder)
    });
    let folders: Vec<NamesFolder> = folders.collect::<anyhow::Result<_>>()?;
    let labels: Vec<&str> = labels.into_iter().chain((!folders.is_empty()).then_some(OTHER_LABELS)).collect();
    let of_folder = |folder: &NamesFolder| {
        let dir = folder.path().display().to_string();
        let names = labels.iter().map(|_| format!("{dir}, names"));
        names.clone().chain(labels.iter().map(|_| format!("{dir}, titles"))).collect::<Vec<_>>()
    };
    let paths = files.iter().map(|(_, file)| file.path.display().to_string()).chain(folders.iter().flat_map(of_folder)).collect();
    let manifest_config = manifest_config(config, &files);
    let (gazetteer, loaded) = load(gazetteer_options(config, files, folders, &job.inputs)?)?;
    for path in &loaded.numeric_files {
        eprintln!(
            "warning: {}: every name is a number; give the column that holds the names, as in FILE:COLUMN or FILE:#2",
            path.display()
        );
    }
    let repeats = config.repeat_mentions.then_some(RepeatSettings { family_label: config.family_label });
    let labeller = GazetteerLabeller { gazetteer: &gazetteer, matching: config.matching, repeats };
    let additions = Additions {
        gazetteer: Some(JobGazetteer { gazetteer: &gazetteer, loaded, labels, paths }),
        partitions: config.rules.buckets.as_ref().map(|buckets| buckets.folders().collect()),
        triples: Some(manifest_config),
    };
    job.run("nee", additions, |page: Page<'_>, extractor: &WikitextExtractor, sink: &mut TripleSink| {
        nee::label_page(&page, extractor, &config.queries.queries, &labeller, &config.rules, sink)
    })
}

/// The files of names, each with the position of its label.
fn find_files(config: &NeeConfig) -> anyhow::Result<Vec<(usize, NameFile)>> {
    let files = config.gazetteers.iter().map(|gazetteer| {
        let label = &config.queries.queries[gazetteer.label].label;
        let file = NameFile::resolve(&gazetteer.file).with_context(|| format!("--gazetteer {label}={}", gazetteer.file))?;
        Ok((gazetteer.label, file))
    });
    files.collect()
}

fn gazetteer_options(
    config: &NeeConfig,
    files: Vec<(usize, NameFile)>,
    folders: Vec<NamesFolder>,
    inputs: &Inputs,
) -> anyhow::Result<GazetteerOptions> {
    let mut langs = inputs.sites.keys();
    let normalizer = Normalizer {
        nfkc: config.nfkc,
        ignore_case: config.ignore_case,
        dotted_i: langs.clone().any(|lang| has_dotted_i(lang)),
        // Names are written in either script, text that was converted in one.
        convert_names: ScriptConverter::to(inputs.script_of_text(config.job.pages.variant)?),
    };
    let sure = SureNames { min_share: config.min_share, min_count: config.min_count, langs: inputs.sites.keys().cloned().collect() };
    Ok(GazetteerOptions {
        files,
        folders: NamesFolders { folders, sure, labels: config.queries.labels().map(str::to_owned).collect() },
        encoding: config.encoding,
        underscores: config.underscores,
        korean_particles: langs.any(|lang| lang == "ko"),
        normalizer,
        ambiguous: config.ambiguous,
        stop_lists: config.stop.clone(),
        min_mention_chars: (config.matching != MatchIn::Anchors).then_some(config.min_length),
    })
}

fn manifest_config(config: &NeeConfig, files: &[(usize, NameFile)]) -> ManifestTripleConfig {
    let label = |position: usize| config.queries.queries[position].label.clone();
    let gazetteers = files.iter().map(|(position, file)| ManifestGazetteer {
        label: label(*position),
        path: file.path.display().to_string(),
        column: file.column.clone(),
    });
    let nee = ManifestNeeConfig {
        gazetteers: gazetteers.collect(),
        names: config.names.iter().map(|dir| dir.display().to_string()).collect(),
        min_share: (!config.names.is_empty()).then_some(config.min_share),
        min_count: (!config.names.is_empty()).then_some(config.min_count),
        matching: config.matching,
        ambiguous: config.ambiguous,
        ignore_case: config.ignore_case,
        nfkc: config.nfkc,
        encoding: config.encoding.name(),
        underscores: config.underscores,
        min_length: config.min_length,
        stop: config.stop.iter().map(|path| path.display().to_string()).collect(),
        family_names: config.family_label.map(label),
        max_unknown: config.rules.max_unknown,
        buckets: config.rules.buckets.clone(),
    };
    ManifestTripleConfig {
        queries: vec![config.queries.clone()],
        min_entities: config.rules.min_entities,
        max_chars: config.rules.max_chars,
        no_holes: config.rules.no_holes,
        repeat_mentions: config.repeat_mentions,
        nee: Some(nee),
    }
}
