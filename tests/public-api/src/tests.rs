use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/public-api.txt");

static API: LazyLock<Result<String, String>> = LazyLock::new(|| {
    // <target>/debug/deps/<this test>
    let target: PathBuf = env::current_exe().unwrap().ancestors().nth(3).unwrap().into();
    super::public_api(&target).map_err(|error| error.to_string())
});

/// A change of the public API is a change of the file.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting of the product")]
fn the_committed_list_is_the_public_api() {
    let api = API.as_ref().unwrap();
    if env::var_os("REGENERATE").is_some() {
        fs::write(COMMITTED, api).unwrap();
    }
    let committed = fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(api.lines().count() > 1_000, "the list is too short to be true");
    let (now, before): (BTreeSet<_>, BTreeSet<_>) = (api.lines().collect(), committed.lines().collect());
    let added = now.difference(&before).map(|line| format!("+ {line}\n"));
    let removed = before.difference(&now).map(|line| format!("- {line}\n"));
    let changes: String = removed.chain(added).collect();
    assert!(
        *api == committed,
        "docs/public-api.txt is not the public API: run `REGENERATE=1 cargo test --package auditrail-public-api` and commit the \
         result\n{changes}"
    );
}

/// A type that stands in a public signature has a public path.
#[test]
fn what_stands_in_signatures_can_be_named() {
    let api = API.as_ref().unwrap();
    let declared: BTreeSet<_> = api.lines().filter_map(declared).collect();
    let named = api.lines().flat_map(paths).filter(|path| path.starts_with("auditrail::"));
    let hidden: BTreeSet<_> = named.filter(|path| !declared.contains(path)).collect();
    assert!(hidden.is_empty(), "not re-exported: {hidden:#?}");
}

/// The path of the item of that line.
fn declared(line: &str) -> Option<&str> {
    let item = line.split("pub ").nth(1)?;
    paths(item).find(|path| path.starts_with("auditrail"))
}

fn paths(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    words.map(|word| word.trim_end_matches(':')).filter(|path| path.contains("::"))
}
