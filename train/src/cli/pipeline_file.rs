//! The file of `train pipeline`: the options of several stages, in TOML.
//!
//! ```toml
//! out = "runs"            # the runs are runs/esi, runs/nee, runs/fet and runs/finetune
//! encoder = "tiny"        # what the first stage starts from; each other one starts from the stage before
//! seed = 7                # options of all stages, by their names on the command line
//! [esi]                   # a stage without a table is left out
//! data = "esi"
//! lr = 1e-3               # options of this stage
//! [nee]
//! data = "nee"
//! [fet]                   # without data: the last round of nee
//! [finetune]
//! data = "gold/train"
//! dev = "gold/dev"
//! ```

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::resolve_stage::{esi, fet, finetune, nee};
use super::run_args::PipelineArgs;
use super::stage_args::{FetArgs, NeeArgs, StageArgs};
use crate::config::{PipelineConfig, TrainConfig, UsageError};

/// The stages in their order; a table each.
const STAGES: [&str; 4] = ["esi", "nee", "fet", "finetune"];

/// Options of the first stage alone: the others start from the run before.
const FIRST_STAGE_ONLY: [&str; 3] = ["encoder", "vocab", "lowercase"];

/// Options that the pipeline sets itself.
const RESERVED: [&str; 3] = ["out", "overwrite", "init"];

/// Reads the file and resolves the settings of its stages.
///
/// # Errors
/// [`UsageError`] for what is wrong in the file, by line, table and key; the file cannot be read.
pub fn read(args: &PipelineArgs) -> Result<PipelineConfig> {
    let path = &args.file;
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut stages = parse(&text).map_err(|mistake| UsageError::new(format!("{}{}", path.display(), mistake.describe(&text))))?;
    // Threads are started once, for all stages.
    let of_file = stages.iter().map(|stage| stage.threads).max().unwrap_or(0);
    let threads = if args.threads > 0 { args.threads } else { of_file };
    for stage in &mut stages {
        stage.threads = threads;
        stage.quiet |= args.quiet;
    }
    Ok(PipelineConfig { stages, threads, quiet: args.quiet })
}

/// What is wrong in the file.
#[derive(Debug)]
struct Mistake {
    /// Bytes of the file.
    place: Option<Range<usize>>,
    table: Option<&'static str>,
    message: String,
}

impl Mistake {
    fn new(place: Option<Range<usize>>, message: impl Into<String>) -> Self {
        Self { place, table: None, message: message.into() }
    }

    /// What follows the file's name in a message: line, table, message.
    fn describe(&self, text: &str) -> String {
        let line = self.place.as_ref().map(|place| text[..place.start].matches('\n').count() + 1);
        let line = line.map_or(String::new(), |line| format!(", line {line}"));
        let table = self.table.map_or(String::new(), |table| format!(" [{table}]:"));
        format!("{line}:{table} {}", self.message)
    }
}

impl From<toml::de::Error> for Mistake {
    fn from(error: toml::de::Error) -> Self {
        Self::new(error.span(), error.message())
    }
}

fn parse(text: &str) -> Result<Vec<TrainConfig>, Mistake> {
    let mut common = with_dashes(DeTable::parse(text)?.into_inner());
    let out = match take(&mut common, "out") {
        Some((_, value)) if value.get_ref().is_str() => PathBuf::from(value.get_ref().as_str().unwrap_or_default()),
        Some((_, value)) => {
            let message = format!("`out` is {}, expected a string, the folder of the runs", a(value.get_ref().type_str()));
            return Err(Mistake::new(Some(value.span()), message));
        }
        None => return Err(Mistake::new(None, "`out` is missing: the folder of the runs")),
    };
    let tables: Vec<_> = STAGES.into_iter().filter_map(|stage| Some((stage, take(&mut common, stage)?))).collect();
    if tables.is_empty() {
        return Err(Mistake::new(None, format!("it has none of the tables {}", STAGES.map(|stage| format!("[{stage}]")).join(" "))));
    }
    check_keys(&common, &options::<StageArgs>(), "an option of every stage; options of one stage belong into its table")?;
    let mut stages: Vec<TrainConfig> = Vec::new();
    let mut before: Option<(&str, PathBuf)> = None;
    for (name, (_, value)) in tables {
        let run = out.join(name);
        let stage = stage(name, value, &common, &run, before.as_ref().map(|(name, run)| (*name, run.as_path())));
        stages.push(stage.map_err(|mistake| Mistake { table: Some(name), ..mistake })?);
        before = Some((name, run));
    }
    Ok(stages)
}

/// The settings of a stage with its own options and those of all stages; `before` is the stage that it starts from.
fn stage(
    name: &str,
    value: Spanned<DeValue<'_>>,
    common: &DeTable<'_>,
    run: &Path,
    before: Option<(&str, &Path)>,
) -> Result<TrainConfig, Mistake> {
    let place = value.span();
    let DeValue::Table(own) = value.into_inner() else { return Err(Mistake::new(Some(place), "expected a table")) };
    let own = with_dashes(own);
    let known = match name {
        "nee" => options::<NeeArgs>(),
        "fet" => options::<FetArgs>(),
        _ => options::<StageArgs>(),
    };
    check_keys(&own, &known, &format!("an option of {name}, which `train {name} --help` lists"))?;
    if before.is_some()
        && let Some((key, _)) = own.iter().find(|(key, _)| FIRST_STAGE_ONLY.contains(&key.get_ref().as_ref()))
    {
        let message = format!("`{}` is an option of the first stage: this one starts from the run before", key.get_ref());
        return Err(Mistake::new(Some(key.span()), message));
    }
    let mut options = common.clone();
    if before.is_some() {
        for key in FIRST_STAGE_ONLY {
            take(&mut options, key);
        }
    }
    for (key, value) in own {
        take(&mut options, key.get_ref());
        options.insert(key, value);
    }

    let mut args: StageArgs = deserialize(&options, &place)?;
    args.common = deserialize(&options, &place)?;
    run.clone_into(&mut args.out);
    args.init = before.map(|(_, run)| run.to_owned());
    if args.data.as_os_str().is_empty() {
        args.data = match before {
            Some(("nee", run)) if name == "fet" => run.to_owned(),
            _ => return Err(Mistake::new(Some(place), "`data` is missing: the folder of triples to train on")),
        };
    }
    let resolved = match name {
        "esi" => esi(args),
        "nee" => nee(NeeArgs { stage: args, ..deserialize(&options, &place)? }),
        "fet" => fet(FetArgs { stage: args, ..deserialize(&options, &place)? }),
        _ => finetune(args),
    };
    resolved.map_err(|error| Mistake::new(Some(place), error.to_string()))
}

/// The options of a struct of arguments, by their names on the command line.
fn options<A: Args>() -> BTreeSet<String> {
    let command = A::augment_args(clap::Command::new("stage"));
    command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect()
}

/// Checks that all keys are known and none is the pipeline's own.
fn check_keys(table: &DeTable<'_>, known: &BTreeSet<String>, expected: &str) -> Result<(), Mistake> {
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if RESERVED.contains(&name) {
            return Err(Mistake::new(
                Some(key.span()),
                format!("`{name}` is set by the pipeline; only `out`, before all tables, is given"),
            ));
        }
        if !known.contains(name) {
            return Err(Mistake::new(Some(key.span()), format!("`{name}` is not {expected}")));
        }
    }
    Ok(())
}

/// Reads options of a type out of a table that may hold others too. `table_place` is where the table is in the file.
fn deserialize<T: DeserializeOwned>(options: &DeTable<'_>, table_place: &Range<usize>) -> Result<T, Mistake> {
    T::deserialize(Spanned::new(table_place.clone(), options.clone()).into_deserializer()).map_err(|error| {
        let place = error.span();
        let is_at = |value: &Spanned<DeValue<'_>>| place.as_ref().is_some_and(|place| value.span().contains(&place.start));
        let key = options.iter().find(|(_, value)| is_at(value)).map_or(String::new(), |(key, _)| format!("`{}`: ", key.get_ref()));
        // serde names Rust's types.
        let message = error.message().replace("expected f64", "expected a number").replace("expected f32", "expected a number");
        let message = message.replace("expected usize", "expected a whole number").replace("expected u64", "expected a whole number");
        Mistake::new(place, format!("{key}{}", message.trim_end()))
    })
}

/// The table with its keys as on the command line: `eval_every` means `eval-every`.
fn with_dashes(table: DeTable<'_>) -> DeTable<'_> {
    table.into_iter().map(|(key, value)| (Spanned::new(key.span(), key.into_inner().replace('_', "-").into()), value)).collect()
}

/// Removes an entry by its key.
fn take<'i>(table: &mut DeTable<'i>, key: &str) -> Option<(Range<usize>, Spanned<DeValue<'i>>)> {
    let found = table.keys().find(|found| found.get_ref() == key)?.clone();
    let value = table.remove(&found)?;
    Some((found.span(), value))
}

/// A noun with its article.
fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command::Cli;
    use crate::cli::resolve::resolve;
    use crate::config::Config;
    use crate::stage::settings::{InitialWeights, RelabelMode, Stage};
    use clap::{CommandFactory, Parser};

    #[test]
    fn each_stage_starts_from_the_one_before() {
        let text = "out = 'runs'\nencoder = 'tiny'\nlowercase = true\nseed = 7\n[esi]\ndata = 'a'\n[nee]\ndata = 'b'\nseed = 8\n\
            relabel_growth = true\n[fet]\n";
        let stages = parse(text).unwrap();
        let [esi, nee, fet] = &stages[..] else { panic!() };
        assert_eq!((esi.settings.seed, nee.settings.seed, fet.settings.seed), (7, 8, 7));
        assert_eq!(esi.settings.initial, InitialWeights::Tiny { vocab: None, lowercase: true });
        assert_eq!(nee.settings.initial, InitialWeights::Run("runs/esi".into()));
        assert!(matches!(nee.settings.stage, Stage::Nee(relabel) if relabel.growth));
        assert_eq!((fet.settings.data.as_path(), fet.run.as_path()), (Path::new("runs/nee"), Path::new("runs/fet")));
    }

    #[test]
    fn a_mistake_is_told_by_line_table_and_key() {
        let check = |text: &str, expected: &str| {
            let message = parse(text).unwrap_err().describe(text);
            assert_eq!(message, expected);
        };
        check("[esi]\ndata = 'a'", ": `out` is missing: the folder of the runs");
        check("out = 3\n[esi]", ", line 1: `out` is an integer, expected a string, the folder of the runs");
        check("out = 'runs'", ": it has none of the tables [esi] [nee] [fet] [finetune]");
        check("out = 'runs'\nesi = 3", ", line 2: [esi]: expected a table");
        check("out = 'runs'\n\n[esi]\nencoder = 'tiny'", ", line 3: [esi]: `data` is missing: the folder of triples to train on");
        check("out = 'runs'\n[esi]\ndata = 'a'", ", line 2: [esi]: --encoder is missing: the weights to start from, or `tiny`");
        check(
            "out = 'runs'\n[esi]\ndata = 'a'\nspeed = 3",
            ", line 4: [esi]: `speed` is not an option of esi, which `train esi --help` lists",
        );
        check("out = 'runs'\n[esi]\nout = 'b'", ", line 3: [esi]: `out` is set by the pipeline; only `out`, before all tables, is given");
        check(
            "out = 'runs'\nclusters = 3\n[fet]",
            ", line 2: `clusters` is not an option of every stage; options of one stage belong into its table",
        );
        check(
            "out = 'runs'\nencoder = 'tiny'\n[esi]\ndata = 'a'\nlr = 'fast'",
            ", line 5: [esi]: `lr`: invalid type: string \"fast\", expected a number",
        );
        check(
            "out = 'runs'\nencoder = 'tiny'\nepochs = 1.5\n[esi]\ndata = 'a'",
            ", line 3: [esi]: `epochs`: invalid type: floating point `1.5`, expected a whole number",
        );
        check(
            "out = 'runs'\nencoder = 'tiny'\n[nee]\ndata = 'a'\nrelabel = 'none'",
            ", line 5: [nee]: `relabel`: unknown variant `none`, expected one of `replace`, `union`, `keep`",
        );
        check(
            "out = 'runs'\nencoder = 'tiny'\n[esi]\ndata = 'a'\n[nee]\ndata = 'b'\nencoder = 'c'",
            ", line 7: [nee]: `encoder` is an option of the first stage: this one starts from the run before",
        );
        check(
            "out = 'runs'\nencoder = 'tiny'\n[esi]\ndata = 'a'\nbatch = 8\nmax-tokens = 900",
            ", line 3: [esi]: --batch cannot be used with --max-tokens",
        );
        assert!(parse("out = 'runs\n").unwrap_err().describe("out = 'runs\n").starts_with(", line 1: "));
    }

    /// A value of each option that differs from its default: on the command line and in the file.
    const VALUES: &[(&str, &str, &str)] = &[
        ("data", "d", "'d'"),
        ("dev", "e", "'e'"),
        ("test", "t", "'t'"),
        ("encoder", "tiny", "'tiny'"),
        ("vocab", "v.txt", "'v.txt'"),
        ("lowercase", "", "true"),
        ("nested", "", "true"),
        ("recipe", "tuned", "'tuned'"),
        ("lr", "1e-3", "1e-3"),
        ("epochs", "2", "2"),
        ("warmup", "0.5", "0.5"),
        ("eval-every", "7", "7"),
        ("save-every", "6", "6"),
        ("max-steps", "5", "5"),
        ("patience", "4", "4"),
        ("batch", "3", "3"),
        ("max-tokens", "900", "900"),
        ("device", "cuda:1", "'cuda:1'"),
        ("devices", "cuda:1,cuda:2", "'cuda:1,cuda:2'"),
        ("accumulate", "2", "2"),
        ("max-length", "90", "90"),
        ("dropout", "0", "0"),
        ("positive-weight", "2.5", "2.5"),
        ("weight-decay", "0.25", "0.25"),
        ("clip", "2", "2"),
        ("tensorboard", "", "true"),
        ("seed", "9", "9"),
        ("precision", "bf16", "'bf16'"),
        ("threads", "3", "3"),
        ("quiet", "", "true"),
        ("relabel-threshold", "0.25", "0.25"),
        ("relabel-growth", "", "true"),
        ("relabel", "union", "'union'"),
        ("unlabelled", "u", "'u'"),
        ("unlabelled-confidence", "0.5", "0.5"),
        ("restart", "", "true"),
        ("shuffle-buffer", "77", "77"),
        ("noise-weighting", "", "true"),
        ("clusters", "5", "5"),
        ("gamma", "1", "1"),
        ("clustering", "pic", "'pic'"),
        ("cluster-iterations", "8", "8"),
        ("cluster-start", "random", "'random'"),
        ("pca", "16", "16"),
        ("pool", "max", "'max'"),
        ("cluster-head", "reset", "'reset'"),
    ];

    /// Options that others exclude or need, with those.
    fn needs(option: &str) -> &'static [&'static str] {
        match option {
            "vocab" | "lowercase" => &["encoder"],
            "patience" => &["dev"],
            _ => &[],
        }
    }

    /// The settings of a stage with these options, from the command line and from the file.
    fn both(stage: &str, options: &[&str]) -> [TrainConfig; 2] {
        let run = format!("runs/{stage}");
        let mut line: Vec<String> = ["train", stage, "--out", &run].map(str::to_owned).to_vec();
        let mut file = format!("out = 'runs'\n[{stage}]\n");
        let mut given: BTreeSet<&str> = options.iter().flat_map(|option| needs(option)).chain(options).copied().collect();
        given.extend(["data", "encoder"]);
        for (name, on_line, in_file) in VALUES.iter().filter(|(name, ..)| given.contains(name)) {
            line.push(if on_line.is_empty() { format!("--{name}") } else { format!("--{name}={on_line}") });
            file += &format!("{name} = {in_file}\n");
        }
        let Config::Train(of_line) = resolve(Cli::try_parse_from(line).unwrap()).unwrap() else { panic!("{stage} is not a stage") };
        let of_file = parse(&file).unwrap_or_else(|mistake| panic!("{}\n{file}", mistake.describe(&file)));
        [*of_line, of_file[0].clone()]
    }

    #[test]
    fn every_option_means_the_same_in_the_file_as_on_the_command_line() {
        for stage in STAGES {
            let [plain, of_file] = both(stage, &[]);
            assert_eq!(plain, of_file, "defaults of {stage}");
            let command = Cli::command();
            let options: Vec<&str> = command.find_subcommand(stage).unwrap().get_arguments().filter_map(|arg| arg.get_long()).collect();
            for option in options.into_iter().filter(|option| !RESERVED.contains(option) && *option != "help") {
                assert!(VALUES.iter().any(|(name, ..)| *name == option), "add a value of --{option} to this test");
                let [of_line, of_file] = both(stage, &[option]);
                assert_eq!(of_line, of_file, "{stage} --{option}");
                assert!(of_line != plain || ["data", "encoder"].contains(&option), "{stage} --{option} changes nothing");
            }
        }
    }

    #[test]
    fn a_recipe_gives_what_is_not_given() {
        let text = "out = 'runs'\nencoder = 'tiny'\nrecipe = 'tuned'\n[esi]\ndata = 'a'\nlr = 1e-3\n[nee]\ndata = 'b'\nunlabelled = 'c'\n";
        let stages = parse(text).unwrap();
        let [esi, nee] = &stages[..] else { panic!() };
        assert_eq!((esi.settings.lr, esi.settings.epochs, nee.settings.lr, nee.settings.epochs), (1e-3, 1, 5e-5, 2));
        assert!(matches!(nee.settings.stage, Stage::Nee(relabel) if relabel.mode == RelabelMode::Keep && relabel.restart));
        // Without other sentences there is nothing to relabel.
        let nee = |options: &str| parse(&format!("out = 'runs'\nencoder = 'tiny'\nrecipe = 'tuned'\n[nee]\ndata = 'b'\n{options}"));
        assert_eq!(nee("").unwrap()[0].settings.epochs, 1);
        assert!(nee("epochs = 2").unwrap_err().message.starts_with("--relabel keep changes nothing without --unlabelled"));
        let union = &nee("epochs = 3\nrelabel = 'union'").unwrap()[0].settings;
        assert!(matches!(union.stage, Stage::Nee(relabel) if relabel.mode == RelabelMode::Union) && union.epochs == 3);
    }

    #[test]
    fn devices_may_be_a_list() {
        let devices = |value: &str| parse(&format!("out = 'runs'\nencoder = 'tiny'\n[esi]\ndata = 'd'\ndevices = {value}\n"));
        assert_eq!(devices("['cuda:0', 'cuda:1']").unwrap()[0], devices("'cuda:0,cuda:1'").unwrap()[0]);
        let message = devices("3").unwrap_err().message;
        assert!(message.starts_with("`devices`: devices in a list or separated by commas"), "{message}");
    }
}
