//! The inputs of a run, opened to see what they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;
use schemas::{Page, QuerySet, ShardFolder};

use super::plan::{Plan, PlannedDump, PlannedRange};
use super::read::{Position, Within};
use crate::cli::{Common, DumpArgs, InputArgs};
use crate::number_format::counted;
use crate::run::checkpoint::Known;
use crate::run::settings::{Config, PlannedPart};
use crate::source::{BytesRead, FilePart, InputStream, MultistreamIndex, PageSplitter, PageXml, SiteInfo, check_unchanged};
use crate::wikitext::{ChineseVariant, TemplateTable};

/// Inputs, opened and known to be what they should be.
pub(crate) struct Sources {
    pub sources: Vec<Source>,
    pub sites: BTreeMap<String, SiteInfo>,
    /// Bytes of all inputs, as they are on disk.
    pub bytes: u64,
    /// How many of them were read.
    pub progress: BytesRead,
    /// The user's templates with the built-in ones, and the hash of the file.
    pub templates: Option<(TemplateTable, String)>,
    /// The part of a plan that they are.
    planned: Option<PlannedPart>,
}

/// One of them.
pub(crate) enum Source {
    Dump { input: DumpInput, site: SiteInfo, lang: String, path: String },
    Pages { folder: ShardFolder, path: PathBuf, progress: BytesRead },
}

impl Source {
    /// Bytes as they are on disk.
    fn bytes(&self) -> u64 {
        match self {
            Self::Dump { input, .. } => input.bytes,
            Self::Pages { folder, .. } => folder.manifest().shards.iter().map(|shard| shard.bytes).sum(),
        }
    }
}

impl Sources {
    pub fn open(inputs: &InputArgs, args: &DumpArgs, common: &Common) -> anyhow::Result<Self> {
        match (&inputs.plan, inputs.part) {
            (Some(plan), Some(part)) => Self::open_part(plan, part, args, common),
            _ => Self::open_all(&inputs.inputs, args, common),
        }
    }

    fn empty(args: &DumpArgs) -> anyhow::Result<Self> {
        let templates = args.templates.as_deref().map(read_templates).transpose()?;
        let (sources, sites, progress) = (Vec::new(), BTreeMap::new(), BytesRead::default());
        Ok(Self { sources, sites, bytes: 0, progress, templates, planned: None })
    }

    fn open_all(paths: &[PathBuf], args: &DumpArgs, common: &Common) -> anyhow::Result<Self> {
        let mut all = Self::empty(args)?;
        let dumps = paths.iter().filter(|path| !path.is_dir()).count();
        ensure!(
            args.index.is_empty() || args.index.len() == dumps,
            "--index is given {} times for {}; each dump has its own, and they come in the same order",
            args.index.len(),
            counted(dumps as u64, "dump")
        );
        let mut indexes = args.index.iter();
        for path in paths {
            if path.is_dir() {
                all.open_folder(path)?;
                continue;
            }
            if args.resolve_redirects {
                check_twice(path, "--resolve-redirects")?;
            }
            let mut input = DumpInput::open(path, common.decoders(), &all.progress)?;
            input.index = indexes.next().map(|index| MultistreamIndex::read(index, path)).transpose()?;
            let lang = all.meet(&input.site, path, args)?;
            let (site, path) = (input.site.clone(), path.display().to_string());
            all.sources.push(Source::Dump { input, site, lang, path });
        }
        all.bytes = all.sources.iter().map(Source::bytes).sum();
        Ok(all)
    }

    /// Opens what a part of a plan is to read.
    fn open_part(path: &Path, number: usize, args: &DumpArgs, common: &Common) -> anyhow::Result<Self> {
        ensure!(
            !args.resolve_redirects,
            "--resolve-redirects needs all redirects, and a part holds some; make pages of the parts, merge them and resolve in `prep esi` or `prep nee`"
        );
        let (plan, hash) = Plan::read(path)?;
        let name = path.display();
        let ranges = plan.parts.get(number).with_context(|| format!("{name} has parts 0 to {}, not {number}", plan.parts.len() - 1))?;
        let mut all = Self::empty(args)?;
        // All of them, so that every part has the same settings.
        let mut langs = Vec::new();
        for dump in &plan.dumps {
            langs.push(all.meet(&dump.site, Path::new(&dump.input.path), args)?);
        }
        for range in ranges {
            let dump = &plan.dumps[range.dump];
            let input = DumpInput::planned(dump, range, common.decoders(), &all.progress)?;
            let (site, lang, path) = (dump.site.clone(), langs[range.dump].clone(), dump.input.path.clone());
            all.sources.push(Source::Dump { input, site, lang, path });
        }
        all.bytes = all.sources.iter().map(Source::bytes).sum();
        let dumps = plan.dumps.into_iter().map(|dump| dump.input).collect();
        all.planned = Some(PlannedPart { plan: hash, part: number, parts: plan.parts.len(), dumps });
        Ok(all)
    }

    fn open_folder(&mut self, path: &Path) -> anyhow::Result<()> {
        let folder = ShardFolder::open::<Page>(path)?;
        let sites = folder.manifest().config.get("sites").cloned().unwrap_or_default();
        let sites: BTreeMap<String, BTreeMap<i32, String>> =
            serde_json::from_value(sites).with_context(|| format!("{}: manifest's config.sites", path.display()))?;
        for (lang, namespaces) in sites {
            let site = SiteInfo { lang: lang.clone(), namespaces, ..SiteInfo::default() };
            self.sites.entry(lang).or_insert(site);
        }
        self.sources.push(Source::Pages { folder, path: path.to_owned(), progress: self.progress.clone() });
        Ok(())
    }

    /// Takes in what a dump says of its wiki, and tells its language.
    fn meet(&mut self, site: &SiteInfo, path: &Path, args: &DumpArgs) -> anyhow::Result<String> {
        let told = if site.lang.is_empty() { site.dbname.strip_suffix("wiki").unwrap_or_default() } else { &site.lang };
        let lang = args.lang.clone().unwrap_or_else(|| told.to_owned());
        ensure!(!lang.is_empty(), "{} does not say its language; give it with --lang", path.display());
        self.sites.entry(lang.clone()).or_insert_with(|| site.clone());
        Ok(lang)
    }

    /// The same inputs, to be read another time.
    ///
    /// # Errors
    /// An input that is not any more what it was.
    pub fn again(&self, args: &DumpArgs, common: &Common) -> anyhow::Result<Self> {
        // The indexes were read already.
        let args = DumpArgs { index: Vec::new(), ..args.clone() };
        Self::open_all(&self.paths().collect::<Vec<_>>(), &args, common)
    }

    fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.sources.iter().map(|source| match source {
            Source::Dump { input, .. } => input.path.clone(),
            Source::Pages { path, .. } => path.clone(),
        })
    }

    /// What is known of the inputs before they are read.
    pub fn known(&self) -> Vec<Known> {
        let mut known = Vec::new();
        for source in &self.sources {
            match source {
                Source::Dump { input, path, .. } => known.push(Known { path: path.clone(), bytes: input.bytes, blake3: None }),
                Source::Pages { folder, path, .. } => known.extend(folder.manifest().shards.iter().map(|shard| {
                    let path = path.join(&shard.file).display().to_string();
                    Known { path, bytes: shard.bytes, blake3: Some(shard.blake3.clone()) }
                })),
            }
        }
        known
    }

    /// Opens the input of a place there. What lies before it counts as read and must be what was read: `ended` are the inputs that ended.
    ///
    /// # Errors
    /// An input that cannot be opened, or that is not what it was up to there.
    pub fn go_to(&mut self, place: &Position, ended: &[InputFile]) -> anyhow::Result<()> {
        self.progress.add(self.sources.iter().take(place.input).map(Source::bytes).sum());
        for source in self.sources.iter().take(place.input) {
            if let Source::Dump { input, path, .. } = source
                && let Some(read) = ended.iter().find(|read| read.path == *path)
            {
                check_twice(&input.path, "--resume")?;
                check_unchanged(&input.part, read)?;
            }
        }
        if let Some(Source::Dump { input, .. }) = self.sources.get_mut(place.input) {
            check_twice(&input.path, "--resume")?;
            input.splitter = Some(Box::new(input.open_from(place.within.clone())?));
        }
        Ok(())
    }

    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| match source {
            Source::Pages { path, .. } => Some(path.as_path()),
            Source::Dump { .. } => None,
        })
    }

    pub fn first_folder(&self) -> String {
        self.folders().next().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Whether the text of some page is Simplified Chinese by conversion.
    pub fn are_simplified(&self, args: &DumpArgs) -> bool {
        self.sources.iter().any(|source| match source {
            Source::Dump { lang, .. } => variant(lang, args) == ChineseVariant::Simplified,
            Source::Pages { folder, .. } => {
                let config = &folder.manifest().config;
                config["sites"].get("zh").is_some() && config["variant"] != "none"
            }
        })
    }

    fn indexes(&self) -> impl Iterator<Item = &MultistreamIndex> {
        self.sources.iter().filter_map(|source| match source {
            Source::Dump { input, .. } => input.index.as_ref(),
            Source::Pages { .. } => None,
        })
    }

    /// What workers need to know of each source.
    pub fn dumps(&self) -> Vec<Dump> {
        self.sources
            .iter()
            .map(|source| match source {
                Source::Dump { path, site, lang, input } => {
                    Dump { path: path.clone(), site: site.clone(), lang: lang.clone(), from: input.part.start.map(|mark| mark.bit / 8) }
                }
                Source::Pages { path, .. } => {
                    Dump { path: path.display().to_string(), site: SiteInfo::default(), lang: String::new(), from: None }
                }
            })
            .collect()
    }

    pub fn config(&self, args: &DumpArgs, queries: Option<Vec<QuerySet>>) -> Config {
        Config {
            namespaces: args.namespace.clone(),
            variant: args.variant,
            with: args.with.clone(),
            templates: self.templates.as_ref().map(|(_, hash)| hash.clone()),
            strict: args.strict,
            skip_damaged: args.skip_damaged,
            unit: args.unit.0,
            queries,
            min_entities: None,
            max_chars: None,
            repeat_mentions: None,
            resolve_redirects: args.resolve_redirects,
            index: self.indexes().map(|index| index.input.clone()).collect(),
            plan: self.planned.clone(),
            nee: None,
            sites: self.sites.iter().map(|(lang, site)| (lang.clone(), site.namespaces.clone())).collect(),
        }
    }
}

/// A dump whose head was read.
pub(crate) struct DumpInput {
    path: PathBuf,
    /// Size of what is read of it; 0 if unknown.
    bytes: u64,
    part: FilePart,
    /// What a plan says its bytes are, where that made it a part.
    expected: Option<InputFile>,
    /// What its index says it holds.
    index: Option<MultistreamIndex>,
    threads: usize,
    progress: BytesRead,
    /// What it says of its wiki.
    pub site: SiteInfo,
    /// Open still, where it cannot be opened twice.
    splitter: Option<Box<PageSplitter<InputStream>>>,
}

impl DumpInput {
    /// A file is closed again until its turn comes, so that many inputs do not take threads and memory all at once.
    fn open(path: &Path, threads: usize, progress: &BytesRead) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let file = path.is_file();
        let stream = if file {
            InputStream::open(path, BytesRead::default())
        } else {
            InputStream::open_with_threads(path, threads, progress.clone())
        }?;
        let splitter = PageSplitter::new(stream).with_context(name)?;
        let site = splitter.site().clone();
        let splitter = (!file).then(|| Box::new(splitter));
        let bytes = if file { std::fs::metadata(path).with_context(name)?.len() } else { 0 };
        Ok(Self {
            path: path.to_owned(),
            bytes,
            part: FilePart::WHOLE,
            expected: None,
            index: None,
            threads,
            progress: progress.clone(),
            site,
            splitter,
        })
    }

    /// A range of a plan's dump.
    fn planned(dump: &PlannedDump, range: &PlannedRange, threads: usize, progress: &BytesRead) -> anyhow::Result<Self> {
        let path = Path::new(&dump.input.path);
        let there = std::fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?.len();
        let planned = dump.input.bytes;
        ensure!(there == planned, "{} has {there} bytes, and had {planned} when the plan was made; make a new one", path.display());
        let expected = Some(InputFile { bytes: range.bytes, blake3: range.blake3.clone(), ..dump.input.clone() });
        let (path, part, site) = (path.to_owned(), range.part.clone(), dump.site.clone());
        Ok(Self { path, bytes: range.bytes, part, expected, index: None, threads, progress: progress.clone(), site, splitter: None })
    }

    /// What it must be when it is read.
    pub fn expected(&self) -> Option<InputFile> {
        self.expected.clone()
    }

    /// What it must hold, by its index.
    pub fn index(&self) -> Option<MultistreamIndex> {
        self.index.clone()
    }

    /// Bit of the file at which the next part begins.
    pub fn until(&self) -> Option<u64> {
        self.part.end_bit
    }

    /// The pages from a place on, unless it was opened before.
    pub fn splitter(self, from: Within) -> anyhow::Result<PageSplitter<InputStream>> {
        match self.splitter {
            Some(splitter) => Ok(*splitter),
            None => self.open_from(from),
        }
    }

    fn open_from(&self, from: Within) -> anyhow::Result<PageSplitter<InputStream>> {
        let name = || self.path.display().to_string();
        let open = |place| InputStream::open_part(&self.path, &self.part, place, self.threads, self.progress.clone());
        match from {
            Within::Xml { offset, pages, place } => {
                let before = place.seek_point.map_or(0, |seek_point| seek_point.offset);
                PageSplitter::resume(open(Some(&place))?, self.site.clone(), before, offset, pages)
            }
            _ => match self.part.start {
                Some(mark) => PageSplitter::resume(open(None)?, self.site.clone(), mark.offset, mark.offset, 0),
                None => PageSplitter::new(open(None)?),
            },
        }
        .with_context(name)
    }
}

/// A dump, as workers need it.
pub(crate) struct Dump {
    pub path: String,
    pub site: SiteInfo,
    pub lang: String,
    /// Byte of the file from which offsets count, where that is not its start.
    from: Option<u64>,
}

impl Dump {
    /// Which page, for a message about it.
    pub fn place(&self, chunk: &PageXml) -> String {
        let xml = String::from_utf8_lossy(&chunk.xml[..chunk.xml.len().min(2000)]);
        let title = xml.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).map(|(title, _)| format!(" ({title})"));
        let from = self.from.map(|byte| format!(" from byte {byte} of the file on")).unwrap_or_default();
        format!("page at byte {} of the XML{from}{}", chunk.offset, title.unwrap_or_default())
    }
}

/// Refuses an input that cannot be read twice.
///
/// # Errors
/// Standard input, a pipe or a device.
fn check_twice(path: &Path, what: &str) -> anyhow::Result<()> {
    let once = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    // What does not exist is an error of its own.
    let twice = once == path.to_string_lossy() && (path.is_file() || !path.exists());
    ensure!(twice, "{what} reads its inputs twice, but {once} can be read only once; save it to a file first");
    Ok(())
}

/// Reads the user's templates.
fn read_templates(path: &Path) -> anyhow::Result<(TemplateTable, String)> {
    let name = || format!("--templates {}", path.display());
    let text = std::fs::read_to_string(path).with_context(name)?;
    let templates = TemplateTable::built_in().with(&text).with_context(name)?;
    Ok((templates, blake3::hash(text.as_bytes()).to_hex().to_string()))
}

/// Which script of Chinese the text of a wiki is in.
pub(crate) fn variant(lang: &str, args: &DumpArgs) -> ChineseVariant {
    args.variant.unwrap_or(ChineseVariant::default_of(lang))
}
