//! The order inside rooms. A room is a folder of `src` or `server/src`, its members are the files and folders in it, its
//! `mod.rs` is the door:
//!
//! 1. The door declares, re-exports and documents; nothing is defined in it.
//! 2. No file of a room imports by way of the room's own door: it names the sibling that defines what it wants.
//! 3. The members of a room import one another one way: there is no circle.
//!
//! Every room is held to this, new ones too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{SERVER, group, modules, path_of};

/// A file of a room.
struct File {
    module: Vec<String>,
    is_door: bool,
    code: String,
}

#[test]
fn rooms_are_in_order() {
    let files: Vec<_> = modules().into_iter().map(|(path, module)| file(module, &path)).collect();
    let rooms: Vec<_> = files.iter().filter(|file| file.is_door).map(|door| &door.module).collect();
    let faults: Vec<_> = rooms.iter().flat_map(|room| faults(room, &files)).collect();
    assert!(rooms.len() > 40, "{} rooms", rooms.len());
    assert!(faults.is_empty(), "rooms are not in order (see tests/architecture/rooms.rs):\n{}", faults.join("\n"));
}

/// A checker that finds nothing proves nothing.
#[test]
fn planted_disorder_is_found() {
    let planted = |files: &[(&str, bool, &str)]| {
        let parsed = |(module, is_door, text): &(&str, bool, &str)| File {
            module: path_of(module),
            is_door: *is_door,
            code: code_of(text),
        };
        faults(&path_of("proxy"), &files.iter().map(parsed).collect::<Vec<_>>())
    };
    let door = (
        "proxy",
        true,
        "//! Docs.\n#[cfg(feature = \"a\")]\nmod one;\npub(super) mod two;\npub use self::{one::One, two::Two};\n",
    );
    let two = ("proxy::two", false, "pub(super) struct Two;");

    let fine = [door, ("proxy::one", false, "use super::two::{self, Two};\nuse crate::record::Key;"), two];
    assert_eq!(planted(&fine), Vec::<String>::new());
    let tested = [door, ("proxy::one", false, "fn f() {}\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), two];
    assert_eq!(planted(&tested), Vec::<String>::new(), "tests are no part of the order");

    let one_way = ("proxy::one", false, "use super::two::Two;");
    for back in ["use super::one::One;", "fn f() -> crate::proxy::one::One { todo!() }", "use super::{one, three};"] {
        let found = planted(&[door, one_way, ("proxy::two", false, back), ("proxy::three", false, "")]);
        assert_eq!(found.len(), 1, "{back}: {found:?}");
        assert!(found[0].contains("circle") && found[0].contains("one -> two"), "{found:?}");
    }
    let inner =
        [door, one_way, ("proxy::two", true, "mod deep;"), ("proxy::two::deep", false, "use crate::proxy::one::One;")];
    assert_eq!(planted(&inner).len(), 1, "a folder is one member of its room");

    for own in ["use super::Two;", "use super::*;", "use crate::proxy::{One, two::Two};", "use super::{Two as Other};"]
    {
        let found = planted(&[door, ("proxy::one", false, own), two]);
        assert_eq!(found.len(), 1, "{own}: {found:?}");
        assert!(found[0].contains("door"), "{found:?}");
    }
    for item in ["struct Shared;", "const A: u8 = 1;", "impl One {}", "fn f() {}", "use self::one::One;"] {
        let text = format!("mod one;\nmod two;\n{item}\n");
        let found = planted(&[("proxy", true, &text), one_way, two]);
        assert_eq!(found.len(), 1, "{item}: {found:?}");
    }
}

/// `crate` is another root there.
#[test]
fn planted_disorder_is_found_in_the_server() {
    let file = |module: &str, text: &str| File { module: path_of(module), is_door: false, code: code_of(text) };
    let one = file("server::proxy::one", "use crate::proxy::two::Two;\nuse auditrail::record::Key;");
    let back = file("server::proxy::two", "use crate::proxy::one::One;");
    let found = faults(&path_of("server::proxy"), &[one, back]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("circle"), "{found:?}");
    let by_the_door = file("server::proxy::one", "use crate::proxy::Two;");
    assert_eq!(faults(&path_of("server::proxy"), &[by_the_door, file("server::proxy::two", "")]).len(), 1);
}

/// What is out of order in that room.
fn faults(room: &[String], files: &[File]) -> Vec<String> {
    let name = room.join("::");
    let inside: Vec<_> = files.iter().filter(|file| file.module.starts_with(room) && file.module != room).collect();
    let members: BTreeSet<_> = inside.iter().map(|file| file.module[room.len()].as_str()).collect();
    let mut faults: Vec<_> = files
        .iter()
        .filter(|file| file.module == room && file.is_door)
        .flat_map(|door| defined(&door.code))
        .map(|item| format!("{name}: the door (mod.rs) defines or uses something itself: `{item}`"))
        .collect();
    let mut arrows = BTreeMap::<&str, BTreeSet<String>>::new();
    for file in &inside {
        let member = file.module[room.len()].as_str();
        for path in paths(&file.code, &file.module).into_iter().filter(|path| path.starts_with(room)) {
            match path.get(room.len()).filter(|first| members.contains(first.as_str())) {
                Some(first) if first == member => {}
                Some(first) => drop(arrows.entry(member).or_default().insert(first.clone())),
                None => faults.push(format!(
                    "{} imports `{}` by the door of its own room: name the file that defines it",
                    file.module.join("::"),
                    path.join("::")
                )),
            }
        }
    }
    faults.extend(circle(arrows).map(|circle| format!("{name}: its members import one another in a circle: {circle}")));
    faults
}

/// The arrows that are left when members that import no other, or that no other imports, are taken away one after the other.
fn circle(mut arrows: BTreeMap<&str, BTreeSet<String>>) -> Option<String> {
    loop {
        let before: usize = arrows.values().map(BTreeSet::len).sum();
        let importing: BTreeSet<_> = arrows.iter().filter(|(_, to)| !to.is_empty()).map(|(from, _)| *from).collect();
        let imported: BTreeSet<_> = arrows.values().flatten().cloned().collect();
        for (from, to) in &mut arrows {
            to.retain(|to| importing.contains(to.as_str()) && imported.contains(*from));
        }
        let after: usize = arrows.values().map(BTreeSet::len).sum();
        if after == 0 {
            return None;
        }
        if after == before {
            let arrows = arrows.iter().flat_map(|(from, to)| to.iter().map(move |to| format!("{from} -> {to}")));
            return Some(arrows.collect::<Vec<_>>().join(", "));
        }
    }
}

/// What of a door is neither a declaration nor a re-export.
fn defined(code: &str) -> Vec<String> {
    let is_allowed = |statement: &str| {
        let (visible, item) = match statement.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => (true, rest.split_once(')').map_or("", |(_, item)| item)),
            Some(rest) => (true, rest),
            None => (false, statement),
        };
        item.trim_start().starts_with("mod ") || (visible && item.trim_start().starts_with("use "))
    };
    let statements = code.split_inclusive(';').map(|statement| without_attributes(statement.trim()));
    statements.filter(|statement| !statement.is_empty() && !is_allowed(statement)).map(str::to_owned).collect()
}

fn without_attributes(mut statement: &str) -> &str {
    while let Some(rest) = statement.strip_prefix("#[") {
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            depth == 0
        });
        statement = end.map_or("", |end| rest[end + 1..].trim_start());
    }
    statement
}

/// The paths that a file names by `crate::`, `super::` or `self::`, from the root of the crate.
fn paths(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
            // `pub(in crate::…)` is no import.
            if !code[..at].ends_with(goes_on) && !code[..at].ends_with("(in ") {
                expand(&code[at..], &[], &mut found);
            }
        }
    }
    found.into_iter().map(|path| resolved(&path, module)).collect()
}

/// All paths of a tree such as `a::{b, c::{self, D}}`.
fn expand(text: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let text = text.trim_start();
    if text.starts_with('{') {
        group(text).into_iter().for_each(|part| expand(part, before, found));
        return;
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = before.to_vec();
    if !name.is_empty() && (name != "self" || before.is_empty()) {
        path.push(name.to_owned());
    }
    let goes_on = |c: char| c.is_alphanumeric() || "_{*".contains(c);
    match rest.strip_prefix("::").filter(|rest| !name.is_empty() && rest.starts_with(goes_on)) {
        Some(rest) => expand(rest, &path, found),
        None => found.push(path),
    }
}

fn resolved(path: &[String], module: &[String]) -> Vec<String> {
    let ups = path.iter().filter(|name| *name == "super").count();
    let names = path.iter().filter(|name| !["crate", "super", "self"].contains(&name.as_str())).cloned();
    match path.first().map(String::as_str) {
        // That of the server's files is its package.
        Some("crate") => module.iter().take(1).filter(|first| *first == SERVER).cloned().chain(names).collect(),
        _ => module.iter().take(module.len().saturating_sub(ups)).cloned().chain(names).collect(),
    }
}

fn file(module: Vec<String>, path: &std::path::Path) -> File {
    let is_door = path.ends_with("mod.rs");
    File { module, is_door, code: code_of(&fs::read_to_string(path).unwrap()) }
}

/// A file without its comments and its tests.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}
