//! Arguments to settings. What contradicts itself or makes no sense is a usage error, before any input is opened.

use std::num::NonZeroUsize;

use schemas::QuerySet;
use schemas::query_set::QuerySetError;

use super::command::{Cli, Command, CommonArgs};
use super::corpora::{ExportArgs, MrcArgs};
use super::names::{NamesArgs, NamesCommand, NamesPagesArgs, NamesWikidataArgs};
use super::output::OutputArgs;
use super::pages::{DumpArgs, EsiArgs, InputArgs, NeeArgs, PagesArgs, TripleArgs};
use super::queries::{QueriesArgs, QueriesCommand};
use crate::config::checks::VerifyConfig;
#[cfg(feature = "inspect")]
use crate::config::checks::{InspectConfig, ReportKind};
use crate::config::corpora::{ExportConfig, MrcConfig, check_ignored_labels};
use crate::config::names::{KnownListConfig, NamesConfig, NamesPagesConfig, NamesWikidataConfig};
use crate::config::pages::{EsiConfig, GazetteerConfig, NeeConfig, PageJobConfig};
use crate::config::plan::{MergeConfig, PlanConfig};
use crate::config::queries::QueriesConfig;
use crate::config::{CommandConfig, Config, Runtime, UsageError};
use crate::corpora::read::corpus_reader::MalformedRule;
use crate::input::settings::{InputSelection, InputSettings};
use crate::label::buckets::Buckets;
use crate::label::nee::MatchIn;
use crate::label::sentences::SentenceRules;
use crate::names::wikidata::entity::NameSelection;
use crate::run::output::{OutputMode, OutputSettings};
use crate::run::page_settings::PageSettings;

/// Resolves a command line.
///
/// # Errors
/// [`UsageError`] for arguments that contradict each other or are out of range, and for an unknown query set or label; another error for a
/// query set that cannot be read.
pub fn resolve(cli: Cli) -> anyhow::Result<Config> {
    let command = match cli.command {
        Command::Pages(args) => CommandConfig::Pages(page_job(args)?),
        Command::Esi(args) => CommandConfig::Esi(esi(args)?),
        Command::Nee(args) => CommandConfig::Nee(Box::new(nee(*args)?)),
        Command::Names(args) => CommandConfig::Names(names(args)?),
        Command::Plan(args) => {
            CommandConfig::Plan(PlanConfig { inputs: args.inputs, parts: args.parts, output: args.output, overwrite: args.overwrite })
        }
        Command::Merge(args) => CommandConfig::Merge(MergeConfig { dirs: args.dirs, output: args.output, overwrite: args.overwrite }),
        Command::Mrc(args) => CommandConfig::Mrc(Box::new(mrc(args)?)),
        Command::Export(args) => CommandConfig::Export(export(args)),
        Command::Queries(args) => CommandConfig::Queries(queries(args)?),
        #[cfg(feature = "inspect")]
        Command::Inspect(args) => CommandConfig::Inspect(InspectConfig {
            dir: args.dir,
            label: args.label,
            samples: args.sample,
            tokenizer: args.tokenizer,
            report: match args.html {
                Some(path) => ReportKind::Html(path),
                None if args.json => ReportKind::Json,
                None => ReportKind::Text,
            },
        }),
        Command::Verify(args) => CommandConfig::Verify(VerifyConfig { dir: args.dir }),
    };
    Ok(Config { command, runtime: runtime(&cli.common) })
}

fn runtime(args: &CommonArgs) -> Runtime {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Runtime {
        threads: args.threads.filter(|&threads| threads > 0).unwrap_or_else(cores),
        memory: args.memory.0,
        log_level: args.log_level.into(),
        quiet: args.quiet,
        timings: args.timings,
    }
}

fn output(args: OutputArgs) -> OutputSettings {
    let mode = match (args.overwrite, args.resume) {
        (true, _) => OutputMode::Overwrite,
        (false, true) => OutputMode::Resume,
        (false, false) => OutputMode::Create,
    };
    OutputSettings { dir: args.output, mode }
}

fn page_job(args: PagesArgs) -> anyhow::Result<PageJobConfig> {
    let PagesArgs { inputs: InputArgs { inputs, plan, part }, output: output_args, dump } = args;
    let DumpArgs { index, lang, namespace, variant, with, templates, report, strict, unit, skip_damaged, resolve_redirects } = dump;
    let selection = match (plan, part) {
        (Some(plan), Some(part)) => InputSelection::PlannedPart { plan, part },
        _ => InputSelection::Paths { paths: inputs, indexes: index },
    };
    check(!(resolve_redirects && matches!(selection, InputSelection::PlannedPart { .. })), || {
        "--resolve-redirects needs all redirects, and a part of a plan has some of them; make pages of the parts, merge them, and resolve in \
         `prep esi` or `prep nee`"
            .to_owned()
    })?;
    Ok(PageJobConfig {
        inputs: InputSettings { selection, lang, resolve_redirects, skip_damaged },
        pages: PageSettings { namespaces: namespace, variant, extra_segments: with, templates, strict },
        output: output(output_args),
        report,
        unit_bytes: unit.0,
    })
}

/// The settings of sentences.
fn rules(args: &TripleArgs, max_unknown: Option<usize>, buckets: Option<Buckets>) -> anyhow::Result<SentenceRules> {
    check(args.max_chars > 0, || "--max-chars is 0, expected at least 1".to_owned())?;
    Ok(SentenceRules { min_entities: args.min_entities, max_chars: args.max_chars, no_holes: args.no_holes, max_unknown, buckets })
}

fn esi(args: EsiArgs) -> anyhow::Result<EsiConfig> {
    let rules = rules(&args.triples, None, None)?;
    let queries = args.queries.as_deref().map(|name| query_set("--queries", name)).transpose()?;
    if let Some(set) = &queries {
        check(set.queries.len() == 1, || {
            format!(
                "query set `{}` has {} labels, expected one: in stage 1 every link is a span of the same label",
                set.name,
                set.queries.len()
            )
        })?;
    }
    Ok(EsiConfig { repeat_mentions: args.triples.repeat_mentions, job: page_job(args.triples.pages)?, queries, rules })
}

fn nee(args: NeeArgs) -> anyhow::Result<NeeConfig> {
    let rules = rules(&args.triples, args.max_unknown, args.buckets)?;
    let queries = query_set("--queries", &args.queries)?;
    let repeat_mentions = args.triples.repeat_mentions;
    check(!repeat_mentions || args.matching != MatchIn::Mentions, || {
        "--repeat-mentions repeats what links mention, and --match mentions ignores links; expected --match anchors or both".to_owned()
    })?;
    let family_label = args.family_names.as_deref().map(|label| label_position(&queries, label, "--family-names")).transpose()?;
    let gazetteers = args.gazetteer.into_iter().map(|given| {
        let label = label_position(&queries, &given.label, &format!("--gazetteer {}={}", given.label, given.file))?;
        Ok(GazetteerConfig { label, file: given.file })
    });
    check((0.0..=1.0).contains(&args.min_share), || format!("--min-share is {}, expected 0 to 1", args.min_share))?;
    Ok(NeeConfig {
        gazetteers: gazetteers.collect::<anyhow::Result<_>>()?,
        names: args.names,
        min_share: args.min_share,
        min_count: args.min_count,
        job: page_job(args.triples.pages)?,
        queries,
        repeat_mentions,
        rules,
        matching: args.matching,
        ambiguous: args.ambiguous,
        ignore_case: args.ignore_case,
        nfkc: !args.no_nfkc,
        encoding: args.encoding,
        underscores: args.underscores,
        min_length: args.min_length,
        family_label,
        stop: args.stop,
    })
}

fn mrc(args: MrcArgs) -> anyhow::Result<MrcConfig> {
    let queries = args.queries.as_deref().map(|name| query_set("--queries", name)).transpose()?;
    if let Some(queries) = &queries {
        check_ignored_labels(&args.ignore_label, queries)?;
    }
    Ok(MrcConfig {
        inputs: args.inputs,
        output: output(args.output),
        queries,
        format: args.format.0,
        columns: args.columns,
        offsets: args.offsets,
        text_field: args.text_field,
        label_field: args.label_field,
        sentence_field: args.sentence_field,
        class_names: args.labels,
        scheme: args.scheme.0,
        only_label: args.label,
        lang: args.lang,
        join: args.join.0,
        ignored_labels: args.ignore_label,
        malformed: match (args.strict, args.skip_malformed) {
            (true, _) => MalformedRule::Strict,
            (false, true) => MalformedRule::Skip,
            (false, false) => MalformedRule::EndAtForm,
        },
    })
}

fn export(args: ExportArgs) -> ExportConfig {
    ExportConfig {
        dir: args.dir,
        format: args.format,
        output: args.output,
        overwrite: args.overwrite,
        scheme: args.scheme.0,
        flat: args.flat,
        tokens: args.tokens.0,
    }
}

fn queries(args: QueriesArgs) -> anyhow::Result<QueriesConfig> {
    Ok(match args.command {
        QueriesCommand::List => QueriesConfig::List,
        QueriesCommand::Show { name } => QueriesConfig::Show(query_set("prep queries show", &name)?),
        QueriesCommand::Import { file, output, name } => QueriesConfig::Import { file, output, name },
    })
}

fn names(args: NamesArgs) -> anyhow::Result<NamesConfig> {
    match args.command {
        NamesCommand::Pages(args) => names_pages(args),
        NamesCommand::Wikidata(args) => Ok(NamesConfig::Wikidata(names_wikidata(args))),
    }
}

fn names_wikidata(args: NamesWikidataArgs) -> NamesWikidataConfig {
    let NamesWikidataArgs { dump, output: output_args, types, lang, wiki, unit } = args;
    let wiki = wiki.unwrap_or_else(|| format!("{}wiki", lang.replace('-', "_")));
    NamesWikidataConfig { dump, output: output(output_args), types, selection: NameSelection { lang, wiki }, unit_bytes: unit.0 }
}

fn names_pages(args: NamesPagesArgs) -> anyhow::Result<NamesConfig> {
    let known = args.known.into_iter().map(|given| match given.split_once('=') {
        Some((list, file)) if !list.is_empty() && !file.is_empty() => Ok(KnownListConfig { list: list.to_owned(), file: file.to_owned() }),
        _ => Err(UsageError::new(format!("--known {given}: expected LIST=FILE, as in given-names=first-names.txt"))),
    });
    let known = known.collect::<Result<_, _>>()?;
    Ok(NamesConfig::Pages(NamesPagesConfig {
        dirs: args.dirs,
        output: output(args.output),
        types: args.types,
        known,
        encoding: args.encoding,
    }))
}

/// A built-in query set, or the one in a file. An unknown name is a usage error.
fn query_set(option: &str, name: &str) -> anyhow::Result<QuerySet> {
    QuerySet::load(name).map_err(|error| match error {
        QuerySetError::Unknown { .. } => UsageError::new(format!("{option}: {error}")).into(),
        error => error.into(),
    })
}

/// The position of a label that an option names.
fn label_position(set: &QuerySet, label: &str, option: &str) -> anyhow::Result<usize> {
    let unknown = || {
        let known: Vec<&str> = set.labels().collect();
        UsageError::new(format!("{option}: query set `{}` has no label `{label}`, expected one of {}", set.name, known.join(", ")))
    };
    Ok(set.position(label).ok_or_else(unknown)?)
}

fn check(is_right: bool, message: impl FnOnce() -> String) -> anyhow::Result<()> {
    if is_right { Ok(()) } else { Err(UsageError::new(message()).into()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::Parser;

    use super::*;

    fn resolved(line: &str) -> anyhow::Result<Config> {
        resolve(Cli::try_parse_from(line.split(' ')).unwrap())
    }

    #[test]
    fn contradictions_are_usage_errors() {
        let check = |line: &str, expected: &str| {
            let error = resolved(line).unwrap_err();
            assert!(error.is::<UsageError>(), "{line}: {error:#}");
            assert!(error.to_string().contains(expected), "{line}: {error}");
        };
        check("prep esi d -o o --queries en_conll03", "has 4 labels, expected one");
        check("prep esi d -o o --queries nothing", "--queries: no query set and no file is named `nothing`");
        check("prep esi d -o o --max-chars 0", "--max-chars is 0, expected at least 1");
        check("prep esi --plan p --part 0 -o o --resolve-redirects", "--resolve-redirects needs all redirects");
        let nee = "prep nee d -o o --queries en_conll03 --gazetteer";
        check(&format!("{nee} CITY=x.txt"), "--gazetteer CITY=x.txt: query set `en_conll03` has no label `CITY`, expected one of ORG, PER");
        check(&format!("{nee} PER=x.txt --repeat-mentions --family-names CITY"), "--family-names: query set");
        check(&format!("{nee} PER=x.txt --repeat-mentions --match mentions"), "expected --match anchors or both");
        check("prep mrc f -o o --queries en_conll03 --ignore-label PER", "label `PER` of --ignore-label has a query");
        check("prep queries show nothing", "prep queries show: no query set");
    }

    #[test]
    fn defaults_are_filled_in() {
        let Config { command: CommandConfig::Pages(pages), runtime } = resolved("prep pages a.xml b.xml -o out").unwrap() else { panic!() };
        assert!(matches!(&pages.inputs.selection, InputSelection::Paths { paths, indexes } if paths.len() == 2 && indexes.is_empty()));
        assert_eq!((pages.pages.namespaces, pages.unit_bytes, pages.output.mode), (vec![0], 1 << 30, OutputMode::Create));
        assert!(runtime.threads > 0 && runtime.memory == 512 << 20 && runtime.log_level == tracing::Level::WARN);
        let Config { command: CommandConfig::Mrc(mrc), .. } = resolved("prep mrc f -o o --format auto --scheme bmes --resume").unwrap()
        else {
            panic!()
        };
        assert_eq!((mrc.format, mrc.scheme.is_some(), mrc.output.mode), (None, true, OutputMode::Resume));
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
