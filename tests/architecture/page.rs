//! `ARCHITECTURE.md` and `tests/README.md` name files that exist.

use super::{read, root};

#[test]
fn files_that_the_pages_name_are_there() {
    let files = every_file();
    for (page, fewest) in [("ARCHITECTURE.md", 100), ("tests/README.md", 20)] {
        let named: Vec<_> = named(&read(page)).map(str::to_owned).collect();
        assert!(named.len() > fewest, "{page}: {}", named.len());
        let gone: Vec<_> = named.iter().filter(|name| !files.iter().any(|file| is(file, name))).collect();
        assert!(gone.is_empty(), "{page} names what is not there: {gone:?}");
    }
}

/// A checker that finds nothing proves nothing.
#[test]
fn a_file_that_is_gone_is_found() {
    let text = "`capture/mcp/hold.rs`, `Core::close` and `hold.rs`";
    assert_eq!(named(text).collect::<Vec<_>>(), ["capture/mcp/hold.rs", "hold.rs"]);
    assert!(is("src/proxy/stdio/hold.rs", "hold.rs") && is("src/proxy/stdio/hold.rs", "stdio/hold.rs"));
    assert!(!is("src/proxy/stdio/hold.rs", "old.rs") && !is("src/proxy/stdio/hold.rs", "http/hold.rs"));
}

/// The Rust files that stand in backticks, but for patterns.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") && !name.contains('*'))
}

/// Whether that is the file of that name: the page gives as much of the path as tells it from others.
fn is(file: &str, name: &str) -> bool {
    file.strip_suffix(name).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

fn every_file() -> Vec<String> {
    let mut folders: Vec<_> =
        std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.retain(|path| !path.ends_with("target") && !path.ends_with(".git"));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path().strip_prefix(root()).unwrap().display().to_string()),
            }
        }
    }
    files
}
