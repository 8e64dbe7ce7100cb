//! The values of `error.type`: `docs/record.md` lists exactly those that the code can write.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use auditrail::record::error_type;

/// The first column of the table under the heading `error.type`.
#[test]
fn the_page_lists_what_the_code_has() {
    let page = std::fs::read_to_string(root().join("docs/record.md")).unwrap();
    let section = page.split("## `error.type`").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<_> = rows.map(str::to_owned).collect();
    let known: BTreeSet<_> = error_type::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(documented.iter().cloned().collect::<BTreeSet<_>>(), known);
    assert_eq!(documented.len(), known.len(), "each once");
}

/// A literal anywhere else would be one that the page does not know of.
#[test]
fn nobody_writes_another() {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    collect(&root().join("server/src"), &mut files);
    assert!(files.len() > 100, "{}", files.len());
    let literals =
        ["error_type: Some(\"", "error_type: Some(Cow::Borrowed(\"", "ERROR_TYPE, \"", "degraded(\"", "Degraded(\""];
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for literal in literals {
            assert!(!text.contains(literal), "{}: {literal}…: name it in src/record/error_type.rs", file.display());
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All sources but tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}
