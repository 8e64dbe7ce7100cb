//! The import order holds in both packages, between the modules and inside their rooms; the rooms stay small; and
//! `ARCHITECTURE.md` lists the existing modules. The modules of the package `server/` are called `server::…` here.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

#[path = "architecture/page.rs"]
mod page;
#[path = "architecture/rooms.rs"]
mod rooms;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module and what it may import, in the order in which records flow. A module may always import itself. The server reaches
/// the inside of the library by `internals` alone, and nothing else does.
const IMPORTS: [(&str, &[&str]); 16] = [
    ("hex", &[]),
    ("locks", &[]),
    ("record", &[]),
    ("config", &[]),
    ("policy", &["config", "record"]),
    ("identity", &["config", "record"]),
    ("journal", &["record"]),
    ("ship", &["config", "record", "journal"]),
    ("trail", &["config", "identity", "policy", "record", "journal", "ship"]),
    ("capture", &["trail", "identity", "ship", "journal", "policy", "record", "config"]),
    ("serve", &["trail", "record", "journal", "policy", "ship", "config"]),
    ("testing", &["capture", "trail", "ship", "journal", "record", "config"]),
    ("internals", &["capture", "trail", "identity", "ship", "record", "config"]),
    ("server::config", &["internals", "capture", "trail", "identity", "policy", "config"]),
    ("server::proxy", &["internals", "capture", "trail", "identity", "journal", "policy", "record", "config"]),
    (
        "server::cli",
        &[
            "server::proxy",
            "server::config",
            "internals",
            "testing",
            "serve",
            "capture",
            "trail",
            "identity",
            "ship",
            "journal",
            "policy",
            "record",
            "config",
        ],
    ),
];

/// What every module may import: it says nothing of audit trails, as the standard library does not.
const FOUNDATIONS: [&str; 2] = ["hex", "locks"];

/// The second package of the workspace: what operators run.
const SERVER: &str = "server";

/// What `lib.rs` shows at the root, and the module that it comes from. Exported macros are there in any case.
const REEXPORTS: [(&str, &str); 5] = [
    ("Trail", "trail"),
    ("assert_audited", "testing"),
    ("assert_not_audited", "testing"),
    ("__audit_expectation", "testing"),
    ("__audit_key", "testing"),
];

/// Names that say nothing, so that everything ends up there.
const NO_NAMES: [&str; 6] = ["common", "helper", "helpers", "types", "util", "utils"];

const MAX_LINES: usize = 600;

#[test]
fn imports_follow_the_order() {
    let rows = table(&read("ARCHITECTURE.md"));
    let mut wrong = Vec::new();
    for (file, module) in modules() {
        let text = fs::read_to_string(&file).unwrap();
        wrong.extend(violations(&module, &text, &rows).into_iter().map(|what| format!("{}: {what}", shown(&file))));
    }
    assert!(wrong.is_empty(), "the import order is broken (see ARCHITECTURE.md):\n{}", wrong.join("\n"));
}

#[test]
fn architecture_md_tells_what_there_is() {
    let rows = table(&read("ARCHITECTURE.md"));
    for (module, imports) in &rows {
        let path = match module.strip_prefix("server::") {
            Some(module) => root().join(SERVER).join("src").join(module.replace("::", "/")),
            None => root().join("src").join(module.replace("::", "/")),
        };
        let exists = path.join("mod.rs").exists() || path.with_extension("rs").exists();
        assert!(exists, "ARCHITECTURE.md has a row for `{module}`, and src/ has no such module");
        for import in imports {
            let allowed = import == top(module) || allowed(top(module)).contains(&import.as_str());
            assert!(allowed, "ARCHITECTURE.md lets `{module}` import `{import}`, tests/architecture.rs does not");
        }
    }
    let told: BTreeSet<_> = rows.iter().map(|(module, _)| top(module).to_owned()).collect();
    let there: BTreeSet<_> = modules().iter().map(|(_, module)| top(&module.join("::")).to_owned()).collect();
    let ordered: BTreeSet<_> = IMPORTS.iter().map(|(module, _)| (*module).to_owned()).collect();
    assert_eq!(told, there, "the rows of ARCHITECTURE.md are not the modules in src/");
    assert_eq!(ordered, there, "the table in tests/architecture.rs does not have the modules in src/");
}

/// Calls and moments get into the journal by `trail/door/write.rs`, whatever captured them; the trail's own records and the answers
/// for dead processes by the files that are named here.
#[test]
fn records_have_one_door() {
    const APPENDERS: [&str; 5] = [
        "trail::door::write",
        "trail::recording::recorder",
        "trail::recording::shedding",
        "trail::recording::self_reporter",
        "trail::lifecycle::adoption::ends",
    ];
    for (file, module) in modules() {
        let text = fs::read_to_string(&file).unwrap();
        let may_append = module[0] == "journal" || APPENDERS.contains(&module.join("::").as_str());
        let wrong = if may_append { None } else { appended(&text) };
        assert_eq!(wrong, None, "{} appends to the journal: let it open and end calls by the trail", shown(&file));
        let is_door = module == ["trail", "door", "write"];
        assert!(is_door || !text.contains("recorder.write("), "{} passes by trail/door/write.rs", shown(&file));
    }
    assert!(appended("use crate::journal::{Admission, Append};\n").is_some());
    assert!(appended("fn append_text() { attributes.append(name) } // Appended").is_none());
}

/// A line that has to do with what is appended to a journal.
fn appended(text: &str) -> Option<&str> {
    let is_word = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "Append");
    text.lines().find(|line| is_word(line) || line.contains("journal.append("))
}

/// Each test that `docs/threats.md` names is there.
#[test]
fn threats_are_held_by_tests() {
    let text = read("docs/threats.md");
    let named: Vec<_> = text.split('`').filter(|word| word.contains("/") && word.contains(".rs::")).collect();
    assert!(named.len() > 30, "{named:?}");
    for named in named {
        let (file, test) = named.split_once("::").unwrap();
        let is_there = fs::read_to_string(root().join(file)).is_ok_and(|code| code.contains(&format!("fn {test}(")));
        assert!(is_there, "docs/threats.md names {named}, which is not there");
    }
}

#[test]
fn rooms_are_small_and_have_names() {
    let folders = ["src", "tests", "examples", "benches", "fuzz/fuzz_targets"];
    for folder in folders.into_iter().chain(["server/src", "server/tests", "server/benches"]) {
        for file in rust_files(&root().join(folder)) {
            let path = shown(&file);
            if path.contains("/generated/") {
                continue;
            }
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= MAX_LINES, "{path} has {lines} lines, {MAX_LINES} are the most: split it by its ideas");
            let unnamed = path.trim_end_matches(".rs").split('/').find(|part| NO_NAMES.contains(part));
            assert_eq!(unnamed, None, "{path}: name the module after its one job");
        }
    }
}

/// In a binary with `harness = false` nobody collects what is marked `#[test]`, and it would never run.
#[test]
fn no_test_is_forgotten() {
    for (package, known) in [(root().to_owned(), "promise_full"), (root().join(SERVER), "end_to_end")] {
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let own_main =
            manifest.split("[[").filter(|table| table.starts_with("test]]") && table.contains("harness = false"));
        let names: Vec<_> = own_main.filter_map(|table| table.split('"').nth(1)).collect();
        assert!(names.contains(&known), "{names:?}");
        names.into_iter().for_each(|name| nothing_is_marked(&package.join("tests"), name));
    }
}

fn nothing_is_marked(tests: &Path, name: &str) {
    let (file, folder) = (tests.join(format!("{name}.rs")), tests.join(name));
    for file in if file.exists() { vec![file] } else { rust_files(&folder) } {
        let text = fs::read_to_string(&file).unwrap();
        let marked = text.lines().any(|line| line.trim_start().starts_with("#[") && line.contains("test]"));
        let marked = marked || text.lines().any(|line| line.trim_start().starts_with("#[tokio::test"));
        assert!(!marked, "{}: list the test in main instead of marking it", shown(&file));
    }
}

/// The door to the inside holds what the server uses and nothing more, and nobody else goes through it.
#[test]
fn internals_are_for_the_server_alone() {
    let door = read("src/internals.rs");
    let exports = door.lines().filter_map(|line| line.trim_start().strip_prefix("pub use crate::"));
    let shown_as = |path: &str| path.rsplit("::").next().unwrap().rsplit(" as ").next().unwrap().to_owned();
    let listed: Vec<_> = exports
        .flat_map(|export| match export.trim_end_matches(';').split_once("::{") {
            Some((_, names)) => names.trim_end_matches('}').split(", ").map(shown_as).collect(),
            None => vec![shown_as(export.trim_end_matches(';'))],
        })
        .collect();
    assert!(listed.len() > 20, "{listed:?}");
    let code = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let server: Vec<_> = rust_files(&root().join(SERVER).join("src")).iter().map(code).collect();
    for name in listed {
        let is_word = |text: &String| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        assert!(server.iter().any(is_word), "src/internals.rs exports `{name}`, which the server does not use");
    }
    let others = ["tests", "examples", "benches", "compare/src", "fuzz/fuzz_targets", "server/tests", "server/benches"];
    let files = others.iter().flat_map(|folder| rust_files(&root().join(folder)));
    for file in files.filter(|file| shown(file) != "tests/architecture.rs") {
        assert!(!code(&file).contains("auditrail::internals"), "{} uses the inside of the library", shown(&file));
    }
    let version = |manifest: &str| manifest.lines().find_map(|line| line.strip_prefix("version = ")).map(str::to_owned);
    let (library, server) = (version(&read("Cargo.toml")).unwrap(), read("server/Cargo.toml"));
    assert_eq!(version(&server).unwrap(), library, "both packages have one version");
    let exactly = format!("auditrail = {{ path = \"..\", version = \"={}\"", library.trim_matches('"'));
    assert!(server.contains(&exactly), "the server needs the library of exactly its own version: {exactly}");
}

/// A checker that finds nothing proves nothing.
#[test]
fn planted_violations_are_found() {
    let rows =
        table("| module | its job | may import |\n|---|---|---|\n| `capture::mcp` | wraps | record, `trail` |\n");
    let found = |module: &str, text: &str| violations(&path_of(module), text, &rows).len();

    assert_eq!(found("record", "use crate::journal::Journal;"), 1);
    assert_eq!(found("record", "fn f() { let _ = crate::ship::Shipper::new(); }"), 1);
    assert_eq!(found("record", "use crate::Trail;"), 1, "what is shown at the root belongs to its module");
    assert_eq!(found("record", "macro_rules! m { () => { $crate::ship::f() } }"), 1);
    assert_eq!(found("config", "use crate::{\n    config::Notices,\n    record::{Key, Value},\n    trail,\n};"), 2);
    assert_eq!(found("record::names", "use super::super::journal::Journal;"), 1, "by way of super");
    assert_eq!(found("record", "use super::{journal::Journal, record::Key};"), 1);
    assert_eq!(found("serve::receive", "use crate::capture::layer::AuditLayer;"), 1);
    assert_eq!(found("capture", "use crate::*;"), 1, "all is too much");
    assert_eq!(found("capture", "use crate::elsewhere::Thing;"), 1, "not in the table");
    assert_eq!(
        found("capture::mcp::wrapper", "use crate::ship::Shipper;"),
        1,
        "the row of ARCHITECTURE.md is narrower"
    );

    assert_eq!(found("capture::mcp", "use crate::{Trail, capture::layer, record::Key};"), 0);
    assert_eq!(found("trail::core", "use crate::ship::Shipper;\npub(in crate::trail) struct Core;"), 0);
    assert_eq!(found("record::names", "use super::Key;\nuse crate::locks::Mutex;"), 0);
    assert_eq!(found("record", "//! See [`Trail`](crate::Trail).\nuse self::names::Role;"), 0, "a link is no import");

    let rows = table(
        "| module | its job | may import |\n|---|---|---|\n| `server::proxy` | relays | internals, `capture::mcp`, `trail` |\n",
    );
    let found = |module: &str, text: &str| violations(&path_of(module), text, &rows).len();
    assert_eq!(found("trail::core", "use crate::internals::TrailInside;"), 1, "the door is for the server");
    assert_eq!(found("server::proxy::http", "use crate::cli::args;"), 1);
    assert_eq!(found("server::proxy::http", "use super::super::cli::args;"), 1, "by way of super");
    assert_eq!(found("server::proxy::http", "use auditrail::{Trail, serve::Receiver};"), 1);
    assert_eq!(found("server::proxy::http", "use auditrail::record::Key;"), 1, "the row is narrower");
    assert_eq!(found("server::proxy", "use auditrail::*;"), 1, "all is too much");
    assert_eq!(
        found("server::proxy::http", "use crate::proxy::refusal::Refusal;\nuse auditrail::capture::mcp::Tap;"),
        0
    );
    assert_eq!(found("server::proxy", "use auditrail::internals::{TrailInside as _, trail::Core};"), 0);
}

/// The imports of a file of that module which neither the order nor a row of `ARCHITECTURE.md` allows.
fn violations(module: &[String], text: &str, rows: &[(String, Vec<String>)]) -> Vec<String> {
    let name = module.join("::");
    let own = top(&name);
    let row = rows
        .iter()
        .filter(|(row, _)| name == *row || name.starts_with(&format!("{row}::")))
        .max_by_key(|(row, _)| row.len());
    imports(text, module)
        .into_iter()
        .filter(|import| {
            let in_row = row.is_none_or(|(_, imports)| imports.contains(import));
            import != own
                && !FOUNDATIONS.contains(&import.as_str())
                && !(allowed(own).contains(&import.as_str()) && in_row)
        })
        .map(|import| format!("`{own}` must not import `{import}`"))
        .collect()
}

/// The top-level modules that a text reaches by `crate::`, or by as many `super::` as its module is deep, and those of the
/// library that the server reaches by the library's name.
fn imports(text: &str, module: &[String]) -> Vec<String> {
    let is_server = module[0] == SERVER;
    let depth = module.len() - usize::from(is_server);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = lines.join("\n").replace(&vec!["super"; depth].join("::"), "crate");
    match is_server {
        false => names_behind("crate::", &code),
        true => {
            let own = names_behind("crate::", &code).into_iter().map(|name| format!("{SERVER}::{name}"));
            own.chain(names_behind("auditrail::", &code)).collect()
        }
    }
}

/// The names that stand behind that root, as the modules that they are or belong to.
fn names_behind(of_root: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(of_root) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if code[..at].ends_with(|c| is_word(c) || c == ':') {
            continue;
        }
        let rest = &code[at + of_root.len()..];
        let names = if rest.starts_with('{') { group(rest) } else { vec![rest] };
        for name in names {
            let end = name.find(|c| !is_word(c) && c != '*').unwrap_or(name.len());
            let name = &name[..end];
            let module = REEXPORTS.iter().find(|(shown, _)| *shown == name).map_or(name, |(_, module)| module);
            found.push(module.to_owned());
        }
    }
    found
}

/// What stands between the commas of `{a::b, c::{d, e}, …}`, which the text begins with.
fn group(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 1, Vec::new());
    for (at, c) in text.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 || (depth == 1 && c == ',') {
            parts.push(text[start..at].trim());
            start = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    parts.retain(|part| !part.is_empty()); // behind the last comma
    parts
}

fn allowed(module: &str) -> &'static [&'static str] {
    IMPORTS.iter().find(|(name, _)| *name == module).map_or(&[], |(_, imports)| imports)
}

/// The table of modules: `| `module` | … | imports |`, with the top-level modules of the imports.
fn table(markdown: &str) -> Vec<(String, Vec<String>)> {
    let cells = |line: &str| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = markdown
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
        .collect();
    assert!(!rows.is_empty(), "ARCHITECTURE.md has no table whose first column is `module`");
    rows.iter()
        .map(|row| {
            let imports = row.last().unwrap().split(',').map(|import| top(import.trim().trim_matches('`')).to_owned());
            (row[0].trim_matches('`').to_owned(), imports.filter(|import| import != "–").collect())
        })
        .collect()
}

/// The first name of a path, and of one in the server its second, too.
fn top(module: &str) -> &str {
    let names = if module.starts_with("server::") { 2 } else { 1 };
    module.match_indices("::").nth(names - 1).map_or(module, |(end, _)| &module[..end])
}

/// Every file of both packages but their roots, the binary's, and their tests, with the path of its module.
fn modules() -> Vec<(PathBuf, Vec<String>)> {
    let mut modules = Vec::new();
    for (source, package) in [(root().join("src"), None), (root().join(SERVER).join("src"), Some(SERVER.to_owned()))] {
        for file in rust_files(&source) {
            let relative = file.strip_prefix(&source).unwrap().with_extension("");
            let names = relative.iter().map(|part| part.to_str().unwrap().to_owned());
            let mut module: Vec<_> = package.iter().cloned().chain(names).collect();
            module.pop_if(|last| last == "mod");
            let is_root = ["lib", "main"].contains(&relative.to_str().unwrap());
            if !is_root && !module.iter().any(|part| part == "tests" || part == "generated") {
                modules.push((file, module));
            }
        }
    }
    modules
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn path_of(module: &str) -> Vec<String> {
    module.split("::").map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}
