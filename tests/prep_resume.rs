//! Stopped and resumed runs: the folder equals that of an uninterrupted run, byte for byte.
//!
//! No test depends on how fast the machine is. A run is killed when its folder shows that it has come so far; if it ended before
//! the test looked, it is started anew.
#![allow(clippy::unwrap_used)]

mod common;
mod dump_common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Run, manifest, run};
use dump_common::{PREP, bzip2, gzip, prep, text, write};

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn page(id: usize, random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(40) {
        let (a, b) = (random.below(500), random.below(500));
        text += &format!("'''Word{a}''' lies near [[Place {b}|the place {b}]], says Name{b}. ");
        if random.below(5) == 0 {
            text += "\n\n";
        }
    }
    // Some have issues, for --report, and some are malformed.
    if id.is_multiple_of(50) {
        text += "{{unclosed [[link";
    }
    let page = dump_common::page(id, &text);
    if id.is_multiple_of(70) { page.replace("<ns>0</ns>", "") } else { page }
}

fn dump(pages: std::ops::Range<usize>) -> Vec<u8> {
    let mut random = Random(pages.start as u64 + 1);
    dump_common::dump(pages.map(|id| page(id, &mut random))).into_bytes()
}

/// Everything in a folder, by path.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn relative(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    contents(dir).into_iter().map(|(path, bytes)| (path.strip_prefix(dir).unwrap().to_owned(), bytes)).collect()
}

/// Dumps of several kinds, a gazetteer, and the command that reads them.
struct Scene {
    dir: tempfile::TempDir,
    args: Vec<String>,
}

impl Scene {
    fn new() -> Self {
        // In memory where there is such a folder: a disk takes its time to sync each unit.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let streams: Vec<u8> = dump(1000..1800).chunks(150_000).flat_map(bzip2).collect();
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(String::from_utf8(dump(3000..3100)).unwrap().encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let inputs = [
            write(dir.path(), "one.xml.bz2", &bzip2(&dump(0..800))),
            write(dir.path(), "many.xml.bz2", &streams),
            // These three are read side by side.
            write(dir.path(), "utf16.xml.zst", &zstd::encode_all(utf16.as_slice(), 1).unwrap()),
            write(dir.path(), "gzip.xml.gz", &gzip(&dump(5000..5300))),
            write(dir.path(), "zstd.xml.zst", &zstd::encode_all(dump(6000..6200).as_slice(), 1).unwrap()),
            write(dir.path(), "plain.xml", &dump(4000..4300)),
        ];
        let names: String = (0..400).map(|n| format!("Place {n}\nName{}\n", n + 50)).collect();
        let names = write(dir.path(), "names.txt", names.as_bytes());
        let mut args: Vec<String> =
            ["nee", "--queries", "en_conll03", "--match", "both", "--buckets", "1-2,3+", "--unit", "100K", "-q"].map(str::to_owned).into();
        args.push(format!("--gazetteer=LOC={}", names.display()));
        args.extend(inputs.iter().map(|path| path.display().to_string()));
        Self { dir, args }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(PREP);
        command.args(&self.args).arg("-o").arg(self.path(out)).arg(format!("--report={}.jsonl", self.path(out).display())).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(&self, out: &str, more: &[&str]) -> Run {
        let args: Vec<String> = self.command(out, more).get_args().map(|arg| arg.to_str().unwrap().to_owned()).collect();
        run(PREP, args)
    }
}

#[test]
fn fifty_kills_change_nothing() {
    let scene = Scene::new();
    scene.run("whole", &["--threads", "1"]).ok();
    let expected = relative(&scene.path("whole"));
    let shards = expected.keys().filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).count();
    assert!(shards > 10, "several units: {shards} shards");
    assert!(!expected.contains_key(Path::new("_progress.json")));

    let mut random = Random(7);
    let (mut kills, mut rounds) = (0, 0);
    while kills < 50 {
        let out = format!("round{rounds}");
        rounds += 1;
        let dir = scene.path(&out);
        loop {
            let threads = (1 + random.below(4)).to_string();
            let mut child = scene.command(&out, &["--resume", "--threads", &threads]).spawn().unwrap();
            // One in four is killed while it opens its inputs, the others some checkpoints later than the last one.
            let pages = if random.below(4) == 0 { 0 } else { checkpointed_pages(&dir) + 1 + random.below(600) };
            if !wait_for(&mut child, || pages == 0 || checkpointed_pages(&dir) >= pages) {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                break;
            }
            // One in four is asked to stop by Ctrl-C.
            if random.below(4) == 0 {
                signal(&child, "INT");
                let output = child.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() || output.status.code().is_none() || said.contains("--resume"), "{said}");
            } else {
                child.kill().unwrap();
                child.wait().unwrap();
            }
            kills += 1;
        }
        assert!(relative(&dir) == expected, "{out} after {kills} kills");
        let report = |out: &str| fs::read(scene.path(&format!("{out}.jsonl"))).unwrap();
        assert!(report(&out) == report("whole"), "the report of {out} after {kills} kills");
        scene.run(&out, &["--resume"]).ok();
        fs::remove_dir_all(&dir).unwrap();
    }
}

/// Pages of the units that are done, as the checkpoint in a folder says; 0 without a checkpoint.
fn checkpointed_pages(dir: &Path) -> u64 {
    let Ok(checkpoint) = fs::read(dir.join("_progress.json")) else { return 0 };
    let checkpoint: serde_json::Value = serde_json::from_slice(&checkpoint).unwrap();
    checkpoint["state"]["counters"]["pages"]["in"].as_u64().unwrap_or(0)
}

/// Waits until `reached` holds. False if the process has ended before.
fn wait_for(child: &mut Child, reached: impl Fn() -> bool) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if reached() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

/// Starts a command that writes the folder `dir` and kills it once `reached` holds, so that an unfinished run is left there.
fn kill_when(dir: &Path, mut command: impl FnMut() -> Command, reached: impl Fn() -> bool) {
    loop {
        let mut child = command().spawn().unwrap();
        if wait_for(&mut child, &reached) {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        if dir.join("_progress.json").is_file() {
            return;
        }
        assert!(status.success() || status.code().is_none(), "neither killed nor successful: {status}");
        // It ended first.
        fs::remove_dir_all(dir).unwrap();
    }
}

/// Kills a run of the scene once some units are done.
fn killed(scene: &Scene, out: &str) {
    let dir = scene.path(out);
    kill_when(&dir, || scene.command(out, &[]), || checkpointed_pages(&dir) > 200);
}

#[test]
fn what_has_changed_is_refused() {
    let scene = Scene::new();
    killed(&scene, "out");
    let out = scene.path("out");
    let before = relative(&out);
    scene.run("out", &[]).fails(&["holds a run that did not end", "--resume", "--overwrite"]);
    scene.run("out", &["--resume", "--max-chars", "300"]).fails(&["max_chars was 400, is 300"]);
    let larger = Scene { args: scene.args.iter().map(|arg| arg.replace("100K", "1M")).collect(), ..Scene::new() };
    run(PREP, larger.args.iter().map(String::as_str).chain(["--resume", "-o", text(&out)])).fails(&["unit was 102400, is 1048576"]);
    let another = write(scene.dir.path(), "another.xml", &dump(0..5));
    scene.run("out", &["--resume", text(&another)]).fails(&["inputs were", "another.xml"]);
    prep(&["esi", text(&scene.path("one.xml.bz2")), "-o", text(&out), "--resume"]).fails(&["started by `prep nee`, this is `prep esi`"]);
    let edit = |file: &str, change: &dyn Fn(&mut Vec<u8>), expected: &[&str]| {
        let path = scene.path(file);
        let was = fs::read(&path).unwrap();
        let mut bytes = was.clone();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        scene.run("out", &["--resume"]).fails(expected);
        fs::write(&path, was).unwrap();
    };
    edit("names.txt", &|bytes| bytes.extend(b"Another\n"), &["names.txt had", "bytes, has"]);
    edit("one.xml.bz2", &|bytes| bytes.push(0), &["one.xml.bz2 had", "bytes, has"]);
    edit("one.xml.bz2", &|bytes| bytes[30_000] ^= 1, &["one.xml.bz2: the ", "which the stopped run read, have changed"]);
    let saved = String::from_utf8(before[Path::new("_progress.json")].clone()).unwrap();
    fs::write(out.join("_progress.json"), saved.replace("\"prep 0", "\"prep 99.0")).unwrap();
    scene.run("out", &["--resume"]).fails(&["started by prep 99.0", "this is prep 0"]);
    fs::write(out.join("_progress.json"), &saved).unwrap();
    assert!(relative(&out) == before, "what is refused is left alone");
    scene.run("out", &["--resume"]).ok();
    scene.run("whole", &[]).ok();
    assert!(relative(&out) == relative(&scene.path("whole")));
    // A folder that is complete.
    let args: Vec<String> = scene
        .args
        .iter()
        .filter(|arg| *arg != "-q")
        .cloned()
        .chain(["-o".to_owned(), text(&out).to_owned(), "--resume".to_owned()])
        .collect();
    assert!(run(PREP, args).ok().stderr.contains("is complete: nothing to do"));
    scene.run("out", &["--resume", "--max-chars", "300"]).fails(&["max_chars was 400, is 300"]);
    scene.run("out", &[]).fails(&["not empty"]);
    fs::write(out.join("thesis.txt"), "mine").unwrap();
    fs::remove_file(out.join("_manifest.json")).unwrap();
    scene.run("out", &["--resume"]).fails(&["thesis.txt", "will not overwrite"]);
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let scene = Scene::new();
    let checkpoint = scene.path("out").join("_progress.json");
    let mut child = loop {
        let mut child = scene.command("out", &["--overwrite"]).spawn().unwrap();
        if wait_for(&mut child, || checkpoint.is_file()) {
            // Halted, so that it cannot end before the other one starts.
            signal(&child, "STOP");
            if child.try_wait().unwrap().is_none() && checkpoint.is_file() {
                break child;
            }
            signal(&child, "CONT");
        }
        assert!(child.wait().unwrap().success());
    };
    let second = scene.run("out", &["--resume"]);
    signal(&child, "CONT");
    assert!(child.wait().unwrap().success());
    second.fails(&["another run is writing to"]);
}

#[test]
fn a_run_on_a_folder_of_pages_is_resumed() {
    let scene = Scene::new();
    let pages = scene.path("pages");
    let inputs = [scene.path("one.xml.bz2"), scene.path("many.xml.bz2")];
    prep(&["pages", text(&inputs[0]), text(&inputs[1]), "-o", text(&pages), "--unit", "50K", "-q"]).ok();
    // A batch is a row group, and each shard has one.
    assert!(manifest(&pages).shards.len() > 20);
    let args = |out: &str| ["esi", text(&pages), "--unit", "50K", "-q", "--resume", "-o", text(&scene.path(out))].map(str::to_owned);
    run(PREP, args("whole")).ok();
    assert!(manifest(&scene.path("whole")).shards.len() > 5);
    for round in 0..3 {
        let out = format!("out{round}");
        let dir = scene.path(&out);
        let command = || {
            let mut command = Command::new(PREP);
            command.args(args(&out));
            command
        };
        kill_when(&dir, command, || dir.join(format!("part-0000{round}.parquet")).is_file());
        run(PREP, args(&out)).ok();
        assert!(relative(&dir) == relative(&scene.path("whole")));
    }
}

/// Runs a shell line with `$PREP` and `$OUT`.
fn shell(scene: &Scene, line: &str) -> Run {
    let args: Vec<String> = scene.args.iter().map(|arg| format!("'{arg}'")).collect();
    let prep = format!("'{PREP}' {} -o '{}'", args.join(" "), text(&scene.path("out")));
    run("sh", ["-c", &line.replace("PREP", &prep).replace("OUT", text(&scene.path("out")))])
}

/// A file that may not grow further fails as on a full disk.
#[test]
fn a_run_that_cannot_write_on_is_resumed() {
    let scene = Scene::new();
    scene.run("whole", &[]).ok();
    shell(&scene, "trap '' XFSZ; ulimit -f 8; exec PREP").fails(&["part-", "File too large", "--resume"]);
    assert!(!manifest(&scene.path("out")).complete);
    scene.run("out", &["--resume"]).ok();
    assert!(relative(&scene.path("out")) == relative(&scene.path("whole")));
}

mod mount {
    use super::*;

    #[test]
    #[ignore = "needs to mount a small tmpfs: Linux with unprivileged user namespaces (`unshare -rm true` succeeds)"]
    fn a_run_on_a_full_disk_is_resumed() {
        let unshare = run("unshare", ["-rm", "true"]);
        assert_eq!(unshare.code, 0, "this test mounts a small tmpfs, but `unshare -rm true` fails: {}", unshare.stderr);
        let scene = Scene::new();
        scene.run("whole", &[]).ok();
        fs::create_dir(scene.path("out")).unwrap();
        let line = "exec unshare -rm sh -c \"mount -t tmpfs -o size=400k none 'OUT' || exit 9; PREP; echo ended with $?; ls -A 'OUT'; \
                    mount -o remount,size=100m 'OUT'; PREP --resume && cp -r 'OUT' 'OUT.kept'\"";
        let said = shell(&scene, &line.replace("$?", "\\$?")).ok();
        assert!(said.stderr.contains("No space left") && said.stderr.contains("--resume"), "{}", said.stderr);
        assert!(
            said.stdout.contains("ended with 1") && said.stdout.contains("_progress.json") && !said.stdout.contains(".tmp"),
            "{}",
            said.stdout
        );
        assert!(relative(&scene.path("out.kept")) == relative(&scene.path("whole")));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let scene = Scene::new();
    let input = scene.path("plain.xml");
    prep(&["pages", text(&input), "-o", "/dev/null/out"]).fails(&["cannot create /dev/null/out"]);
    prep(&["pages", text(&input), "-o", text(&scene.path("o")), "--report", "/dev/null/x"]).fails(&["cannot write /dev/null/x"]);
    prep(&["pages", text(&input), "-o", text(&scene.path("full")), "--report", "/dev/full"]).fails(&["/dev/full", "No space left"]);
}
