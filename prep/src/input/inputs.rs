//! The inputs of a run: opened, checked, and described before they are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;
use schemas::{Page, ShardFolder};
use tracing::info;

use super::dump::{DumpInfo, DumpInput, check_rereadable};
use super::fingerprint::InputFingerprint;
use super::plan::{Plan, PlannedPart};
use super::position::ReadPosition;
use super::settings::{InputSelection, InputSettings};
use crate::number_format::counted;
use crate::source::{BytesRead, MultistreamIndex, SiteInfo};
use crate::wikitext::ChineseVariant;

/// The inputs, in the order in which they are read.
pub struct Inputs {
    /// The inputs.
    pub opened: Vec<OpenedInput>,
    /// The wikis that the pages are from, by language.
    pub sites: BTreeMap<String, SiteInfo>,
    /// Size of all inputs on disk, in bytes; inputs of unknown size count 0.
    pub bytes: u64,
    /// How many of these bytes were read.
    pub bytes_read: BytesRead,
    /// The part of a plan that they are.
    pub planned: Option<PlannedPart>,
}

/// One input.
pub enum OpenedInput {
    /// A dump.
    Dump {
        /// The dump.
        input: Box<DumpInput>,
        /// Language of its wiki.
        lang: String,
        /// Its path as given.
        path: String,
    },
    /// A folder of pages.
    Pages {
        /// The folder.
        folder: Box<ShardFolder>,
        /// Its path as given.
        path: PathBuf,
        /// Where its bytes are counted.
        bytes_read: BytesRead,
    },
}

impl OpenedInput {
    /// Whether only one thread can decode it, from its start.
    pub(super) fn is_serial(&self) -> bool {
        matches!(self, Self::Dump { input, .. } if input.is_serial)
    }

    /// Size on disk in bytes.
    fn bytes(&self) -> u64 {
        match self {
            Self::Dump { input, .. } => input.bytes,
            Self::Pages { folder, .. } => folder.manifest().shards.iter().map(|shard| shard.bytes).sum(),
        }
    }
}

impl Inputs {
    /// Opens the inputs and reads their heads; bzip2 is decoded on `threads` threads.
    ///
    /// # Errors
    /// An input that does not exist or is neither a dump nor a complete folder of pages, an index that does not fit its dump, a dump of
    /// unknown language, a plan that cannot be used, or an input that can be read only once where it is to be read twice.
    pub fn open(settings: &InputSettings, threads: usize) -> anyhow::Result<Self> {
        match &settings.selection {
            InputSelection::Paths { paths, indexes } => Self::open_paths(paths, indexes, settings, threads),
            InputSelection::PlannedPart { plan, part } => Self::open_planned(plan, *part, settings, threads),
        }
    }

    /// Opens the same inputs for another pass.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn reopen(&self, settings: &InputSettings, threads: usize) -> anyhow::Result<Self> {
        let paths = self.opened.iter().map(|input| match input {
            OpenedInput::Dump { input, .. } => input.path.clone(),
            OpenedInput::Pages { path, .. } => path.clone(),
        });
        // The pages are compared with their indexes once.
        Self::open_paths(&paths.collect::<Vec<_>>(), &[], settings, threads)
    }

    fn new() -> Self {
        Self { opened: Vec::new(), sites: BTreeMap::new(), bytes: 0, bytes_read: BytesRead::default(), planned: None }
    }

    fn open_paths(paths: &[PathBuf], indexes: &[PathBuf], settings: &InputSettings, threads: usize) -> anyhow::Result<Self> {
        let mut inputs = Self::new();
        let dumps = paths.iter().filter(|path| !path.is_dir()).count();
        ensure!(
            indexes.is_empty() || indexes.len() == dumps,
            "--index is given {} times for {}; give one for each dump, in the order of the dumps",
            indexes.len(),
            counted(dumps as u64, "dump")
        );
        let mut indexes = indexes.iter();
        check_distinct(paths)?;
        for path in paths {
            if path.is_dir() {
                inputs.open_folder(path)?;
                continue;
            }
            if settings.resolve_redirects {
                check_rereadable(path, "--resolve-redirects")?;
            }
            let input = DumpInput::open(path, threads, &inputs.bytes_read)?;
            let input = input.with_index(indexes.next().map(|index| MultistreamIndex::read(index, path)).transpose()?);
            let lang = inputs.register_site(&input.site, path, settings.lang.as_deref())?;
            inputs.push_dump(input, lang, path.display().to_string());
        }
        inputs.bytes = inputs.opened.iter().map(OpenedInput::bytes).sum();
        Ok(inputs)
    }

    fn open_planned(path: &Path, part: usize, settings: &InputSettings, threads: usize) -> anyhow::Result<Self> {
        let (plan, hash) = Plan::read(path)?;
        let name = path.display();
        let ranges =
            plan.parts.get(part).with_context(|| format!("{name} has parts 0 to {}, but --part is {part}", plan.parts.len() - 1))?;
        let mut inputs = Self::new();
        // All dumps of the plan are registered, so that the manifests of all parts record the same sites.
        let mut langs = Vec::new();
        for dump in &plan.dumps {
            langs.push(inputs.register_site(&dump.site, Path::new(&dump.input.path), settings.lang.as_deref())?);
        }
        for range in ranges {
            let dump = &plan.dumps[range.dump];
            let input = DumpInput::planned(dump, range, threads, &inputs.bytes_read)?;
            inputs.push_dump(input, langs[range.dump].clone(), dump.input.path.clone());
        }
        inputs.bytes = inputs.opened.iter().map(OpenedInput::bytes).sum();
        let parts = plan.parts.len();
        inputs.planned = Some(PlannedPart { plan: hash, part, parts, dumps: plan.dumps.into_iter().map(|dump| dump.input).collect() });
        Ok(inputs)
    }

    fn push_dump(&mut self, input: DumpInput, lang: String, path: String) {
        info!(target: "inputs", input = path, kind = "dump", format = input.format, lang, dbname = input.site.dbname, bytes = input.bytes, "opened");
        self.opened.push(OpenedInput::Dump { input: Box::new(input), lang, path });
    }

    fn open_folder(&mut self, path: &Path) -> anyhow::Result<()> {
        let folder = ShardFolder::open::<Page>(path)?;
        let sites = folder.manifest().config.get("sites").cloned().unwrap_or_default();
        let sites: BTreeMap<String, BTreeMap<i32, String>> =
            serde_json::from_value(sites).with_context(|| format!("{}: manifest's config.sites", path.display()))?;
        let langs = sites.keys().cloned().collect::<Vec<_>>().join(",");
        info!(target: "inputs", input = %path.display(), kind = "pages", lang = langs, rows = folder.manifest().rows(), "opened");
        for (lang, namespaces) in sites {
            let site = SiteInfo { lang: lang.clone(), namespaces, ..SiteInfo::default() };
            self.sites.entry(lang).or_insert(site);
        }
        self.opened.push(OpenedInput::Pages { folder: Box::new(folder), path: path.to_owned(), bytes_read: self.bytes_read.clone() });
        Ok(())
    }

    /// Registers the wiki of a dump, and returns its language: the one asked for, the one that the dump states, or the one in the database's
    /// name.
    fn register_site(&mut self, site: &SiteInfo, path: &Path, lang: Option<&str>) -> anyhow::Result<String> {
        let stated = if site.lang.is_empty() { site.dbname.strip_suffix("wiki").unwrap_or_default() } else { &site.lang };
        let lang = lang.unwrap_or(stated).to_owned();
        let what = if site.is_fragment { " begins with a page, without the head of its dump, and" } else { "" };
        ensure!(!lang.is_empty(), "{}{what} does not say its language; give it with --lang", path.display());
        self.sites.entry(lang.clone()).or_insert_with(|| site.clone());
        Ok(lang)
    }

    /// Moves to a position where an earlier run stopped. The inputs before it count as read; `finished` are those that the run read to
    /// their end.
    ///
    /// # Errors
    /// An input that can be read only once, cannot be opened, or has changed before the position.
    pub fn seek(&mut self, to: &ReadPosition, finished: &[InputFile]) -> anyhow::Result<()> {
        let is_open = |number: usize| to.open.iter().any(|open| open.input == number);
        let mut read = self.opened.iter().take(to.next_input).enumerate().filter(|(number, _)| !is_open(*number));
        read.try_for_each(|(_, input)| {
            self.bytes_read.add(input.bytes());
            match input {
                OpenedInput::Dump { input, path, .. } => match finished.iter().find(|read| read.path == *path) {
                    Some(read) => check_rereadable(&input.path, "--resume").and_then(|()| input.check_unchanged(read)),
                    None => Ok(()),
                },
                OpenedInput::Pages { .. } => Ok(()),
            }
        })?;
        // Formats without seek points are decoded again from the start: those read side by side on a thread each.
        std::thread::scope(|scope| {
            let inputs = self.opened.iter_mut().enumerate();
            let seeking = inputs.filter_map(|(number, input)| {
                let position = &to.open.iter().find(|open| open.input == number)?.within;
                let OpenedInput::Dump { input, path, .. } = input else { return None };
                Some(scope.spawn(move || {
                    check_rereadable(&input.path, "--resume")?;
                    input.seek(position.clone())?;
                    info!(target: "inputs", input = path, ?position, "resumed");
                    Ok(())
                }))
            });
            let seeking: Vec<_> = seeking.collect();
            seeking.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Paths of the folders of pages.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.opened.iter().filter_map(|input| match input {
            OpenedInput::Pages { path, .. } => Some(path.as_path()),
            OpenedInput::Dump { .. } => None,
        })
    }

    /// What identifies the inputs: one fingerprint for each dump and for each shard of a folder.
    pub fn fingerprints(&self) -> Vec<InputFingerprint> {
        let mut fingerprints = Vec::new();
        for input in &self.opened {
            match input {
                OpenedInput::Dump { input, path, .. } => {
                    fingerprints.push(InputFingerprint { path: path.clone(), bytes: input.bytes, blake3: None });
                }
                OpenedInput::Pages { folder, path, .. } => fingerprints.extend(folder.manifest().shards.iter().map(|shard| {
                    let path = path.join(&shard.file).display().to_string();
                    InputFingerprint { path, bytes: shard.bytes, blake3: Some(shard.blake3.clone()) }
                })),
            }
        }
        fingerprints
    }

    /// The script that text of the inputs was converted to, now or when a folder was made. `variant`: the one asked for.
    ///
    /// # Errors
    /// Inputs that were converted to different scripts.
    pub fn script_of_text(&self, variant: Option<ChineseVariant>) -> anyhow::Result<ChineseVariant> {
        let mut found: Option<(ChineseVariant, String)> = None;
        for input in &self.opened {
            let (script, path) = match input {
                OpenedInput::Dump { lang, path, .. } => (variant.unwrap_or(ChineseVariant::default_of(lang)), path.clone()),
                OpenedInput::Pages { folder, path, .. } => (script_of_folder(folder)?, path.display().to_string()),
            };
            match &found {
                _ if script == ChineseVariant::Unconverted => {}
                Some((other, other_path)) => ensure!(
                    *other == script,
                    "{other_path} is in {other} and {path} in {script}, and names are looked for in one script; read them in two runs"
                ),
                None => found = Some((script, path)),
            }
        }
        Ok(found.map_or(ChineseVariant::Unconverted, |(script, _)| script))
    }

    /// The multistream indexes that the dumps are compared with.
    pub fn indexes(&self) -> impl Iterator<Item = InputFile> {
        self.opened.iter().filter_map(|input| match input {
            OpenedInput::Dump { input, .. } => input.index().map(|index| index.input),
            OpenedInput::Pages { .. } => None,
        })
    }

    /// What workers need to know about each input, by its number.
    pub fn infos(&self) -> Vec<DumpInfo> {
        let info = |input: &OpenedInput| match input {
            OpenedInput::Dump { path, lang, input } => input.info(path, lang),
            OpenedInput::Pages { path, .. } => DumpInfo::none(path.display().to_string()),
        };
        self.opened.iter().map(info).collect()
    }
}

/// Refuses an input that is given twice, be it under two names: its rows would be there twice.
fn check_distinct(paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut known: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    for path in paths {
        // What does not exist, or is a pipe, is reported when it is opened.
        let Ok(canonical) = path.canonicalize() else { continue };
        if let Some(first) = known.insert(canonical, path) {
            let also = if first == path { String::new() } else { format!(", also as {}", first.display()) };
            bail!("{} is given twice{also}", path.display());
        }
    }
    Ok(())
}

/// The script that text of a folder of pages was converted to: the one asked for, of whatever language, or else that of its wikis.
fn script_of_folder(folder: &ShardFolder) -> anyhow::Result<ChineseVariant> {
    let config = &folder.manifest().config;
    let asked: Option<ChineseVariant> = serde_json::from_value(config["variant"].clone()).context("`variant` of the manifest")?;
    let mut defaults = config["sites"].as_object().into_iter().flatten().map(|(lang, _)| ChineseVariant::default_of(lang));
    let of_sites = || defaults.find(|script| *script != ChineseVariant::Unconverted);
    Ok(asked.or_else(of_sites).unwrap_or(ChineseVariant::Unconverted))
}
