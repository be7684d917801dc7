use super::*;
use crate::cli::command::Cli;
use crate::cli::resolve::resolve;
use crate::config::Config;
use crate::decode::Decoding;
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
    check("out = 'runs'\n[esi]\ndata = 'a'\nspeed = 3", ", line 4: [esi]: `speed` is not an option of esi, which `train esi --help` lists");
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
    ("decoding", "likeliest", "'likeliest'"),
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
    assert_eq!(esi.settings.decoding, Decoding::Likeliest);
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
