//! `README.md` and the pages in `docs/`: their links lead somewhere, their promises have tests, their excerpts are real.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        let text = prose(&read(&page));
        for target in links(&text) {
            seen += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let is_there = file.exists() && (anchor.is_empty() || anchors(&read(&file)).contains(anchor));
            if !is_there {
                wrong.push(format!("{}: {target}", shown(&page)));
            }
        }
    }
    assert!(seen > 200, "{seen}");
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

/// A downloaded crate has no repository around it, so what the README and the pages link to must be in it, or in that of the
/// server, which is a package of its own.
#[test]
fn what_is_linked_is_in_the_package() {
    let included: Vec<_> = [root(), root().join("server")].iter().flat_map(|package| included(package)).collect();
    for page in pages().into_iter().filter(|page| shown(page) == "README.md" || shown(page).starts_with("docs/")) {
        let text = prose(&read(&page));
        for target in links(&text).into_iter().filter(|target| !target.starts_with('#')) {
            let file = page.parent().unwrap().join(target.split('#').next().unwrap()).canonicalize().unwrap();
            let is_in = included.iter().any(|path| file.starts_with(path) && !is_of_another_package(&file, path));
            assert!(is_in, "{}: {target} is not in the package: see `include` in Cargo.toml", shown(&page));
        }
    }
}

/// cargo leaves out folders that have a manifest of their own.
fn is_of_another_package(file: &Path, included: &Path) -> bool {
    file.ancestors().take_while(|folder| folder.starts_with(included)).any(|folder| folder.join("Cargo.toml").exists())
}

/// What `include` names in the manifest of a package.
fn included(package: &Path) -> Vec<PathBuf> {
    let manifest = read(&package.join("Cargo.toml"));
    let include = manifest.lines().find_map(|line| line.strip_prefix("include = ")).unwrap();
    include.split('"').filter_map(|path| path.strip_prefix('/')).map(|path| package.join(path)).collect()
}

#[test]
fn the_readme_is_one_screen_and_more() {
    let lines = read(&root().join("README.md")).lines().count();
    assert!(lines <= 175, "README.md has {lines} lines, 175 are the most: move what is long to docs/");
}

/// A line of the README for each section of the page, and a test for each row of the page.
#[test]
fn promises_are_held_by_tests() {
    let readme = read(&root().join("README.md"));
    let listed: Vec<_> = links(&readme).into_iter().filter_map(|link| link.strip_prefix("docs/promises.md#")).collect();
    let page = root().join("docs/promises.md");
    let text = read(&page);
    let sections: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).map(slug).collect();
    assert_eq!(listed, sections, "the promises of README.md are not the sections of docs/promises.md");

    let mut rows = 0;
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise ")) {
        let (_, tests) = row.trim_end_matches('|').rsplit_once('|').unwrap();
        let tests: Vec<_> = links(tests).into_iter().filter(|link| link.ends_with(".rs")).collect();
        assert!(!tests.is_empty(), "no test holds: {row}");
        for test in tests {
            let code = fs::read_to_string(page.parent().unwrap().join(test)).unwrap_or_default();
            assert!(!code.is_empty(), "docs/promises.md names {test}, which is not there");
        }
        rows += 1;
    }
    assert!(rows > 50, "{rows}");
}

/// Every row of the comparison with others is there, and every test that it names; a row without a test says why.
#[test]
fn coverage_is_shown_by_tests() {
    let text = read(&root().join("docs/coverage.md"));
    let visible = visible(&text);
    let rows: Vec<_> = visible.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
    let numbers: Vec<_> = rows.iter().filter_map(|row| row.split('|').nth(1)?.trim().parse::<u32>().ok()).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains(" | ")) {
        let has_reason =
            ["Later", "later", "Not taken", "Not by default", "what it has"].iter().any(|it| line.contains(it));
        assert!(has_reason || line.contains(".rs"), "neither a test nor a reason: {line}");
    }
    let mut named = 0;
    for line in visible.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_end_matches('|').split(" | ").collect();
        let Some(tests) = cells.get(3) else { panic!("a row with fewer cells: {line}") };
        let tests: Vec<_> = tests.split('`').filter(|word| word.contains(".rs")).collect();
        named += tests.len();
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or((test, ""));
            let code = fs::read_to_string(root().join(file)).unwrap_or_default();
            let is_there = code.contains(&format!("fn {name}(")) || code.contains(&format!("\"{name}\""));
            assert!(
                !code.is_empty() && (name.is_empty() || is_there),
                "docs/coverage.md names {test}, which is not there"
            );
        }
    }
    assert!(named > 60, "{named}");
}

/// A page without what is commented out.
fn visible(text: &str) -> String {
    let mut parts = text.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("-->").map_or("", |(_, after)| after))
}

/// Excerpts that cannot be compiled by themselves are lines of an example.
#[test]
fn excerpts_are_from_examples() {
    let example = read(&root().join("examples/weather/mod.rs"));
    let lines: BTreeSet<_> = example.lines().map(str::trim).collect();
    let page = read(&root().join("docs/wrap.md"));
    let excerpts: Vec<_> =
        page.split("```rust,ignore\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!excerpts.is_empty());
    for line in excerpts.iter().flat_map(|excerpt| excerpt.lines()) {
        assert!(lines.contains(line.trim()), "not in examples/weather/mod.rs: {line}");
    }
}

#[test]
fn the_index_has_every_page() {
    let index = read(&root().join("docs/README.md"));
    let linked: BTreeSet<_> =
        links(&index).into_iter().map(|link| link.split('#').next().unwrap().to_owned()).collect();
    for page in files(&root().join("docs")).into_iter().filter(|page| page.extension().is_some_and(|kind| kind == "md"))
    {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(name == "README.md" || linked.contains(name), "docs/README.md does not list {name}");
    }
}

/// There is no release, so nothing can be installed by its name.
#[test]
fn no_page_says_that_there_is_a_release() {
    for page in pages() {
        let text = read(&page);
        for released in
            ["cargo install auditrail", "cargo add auditrail", "docs.rs/auditrail", "crates.io/crates/auditrail"]
        {
            assert!(!text.contains(released), "{}: {released}", shown(&page));
        }
    }
}

/// Phrases that a reader stumbles over. Names in code spans, such as those of tests, are not prose.
#[test]
fn pages_are_in_plain_english() {
    for page in pages() {
        for line in prose(&read(&page)).lines() {
            let line: String = line.to_lowercase().split('`').step_by(2).collect();
            let stumble = STUMBLES.iter().find(|phrase| line.contains(**phrase));
            assert_eq!(stumble, None, "{}: {line}", shown(&page));
        }
    }
}

const STUMBLES: [&str; 16] = [
    "whoever",
    "whomever",
    "is no message",
    "is no mcp",
    " at once",
    "all the same,",
    "behind it,",
    "somebody",
    "nobody is",
    "waked",
    " beside ",
    "but for ",
    " goes by ",
    "stands in ",
    " is told of",
    "anew",
];

fn pages() -> Vec<PathBuf> {
    let names = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "collector-config/README.md",
        "server/README.md",
        "tests/README.md",
        "tests/peers/README.md",
    ];
    let mut pages: Vec<_> = names.into_iter().map(|name| root().join(name)).collect();
    for folder in ["docs", "docs/adr"] {
        pages.extend(
            files(&root().join(folder)).into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "md")),
        );
    }
    pages
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

/// What stands outside of fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The targets of links that stay in the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    text.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#').trim())).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().display().to_string()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap()
}
