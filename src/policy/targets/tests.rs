use super::*;

fn found(rules: impl IntoIterator<Item = TargetRule>, subject: TargetSubject<'_>) -> Option<(String, String)> {
    let found = TargetMap::new(rules).unwrap().find(subject)?;
    Some((found.kind.unwrap_or_default(), found.id.unwrap_or_default()))
}

fn some(kind: &str, id: &str) -> Option<(String, String)> {
    Some((kind.to_owned(), id.to_owned()))
}

#[test]
fn the_first_rule_that_matches_counts() {
    let rules = || {
        [
            TargetRule::tool("delete_user").target_type("user"),
            TargetRule::tool("delete_*").target_type("thing").id("any"),
            TargetRule::prompt("delete_user").target_type("prompt"),
            TargetRule::tool("*").target_type("rest"),
        ]
    };
    assert_eq!(found(rules(), TargetSubject::Tool("delete_user")), some("user", ""));
    assert_eq!(found(rules(), TargetSubject::Tool("delete_users")), some("thing", "any"));
    assert_eq!(found(rules(), TargetSubject::Tool("Delete_user")), some("rest", ""));
    assert_eq!(found(rules(), TargetSubject::Prompt("delete_user")), some("prompt", ""));
    assert_eq!(found(rules(), TargetSubject::Prompt("delete_users")), None);
    assert_eq!(found(rules(), TargetSubject::Resource("delete_user")), None);
}

#[test]
fn ids_are_the_segments_that_the_pattern_names() {
    let rules = || {
        [
            TargetRule::route("/cities/{city}").methods(["GET", "HEAD"]).target_type("city").id("{city}"),
            TargetRule::route("/a/{x}/b/{y-2}").target_type("pair").id("{y-2}:{x}"),
            TargetRule::route("/files/{*path}").target_type("file").id("file/{path}"),
            TargetRule::route("/cities/all").target_type("cities"),
            TargetRule::resource("weather://cities/{city}").target_type("city").id("{city}"),
        ]
    };
    let route = |method, path| found(rules(), TargetSubject::Route { method, path });
    assert_eq!(route("GET", "/cities/Lisbon"), some("city", "Lisbon"));
    assert_eq!(route("HEAD", "/cities/S%C3%A3o"), some("city", "S%C3%A3o"));
    assert_eq!(route("GET", "/cities/all"), some("city", "all"));
    assert_eq!(route("POST", "/cities/all"), some("cities", ""));
    assert_eq!(route("PUT", "/a/1/b/2"), some("pair", "2:1"));
    assert_eq!(route("GET", "/files/a/b//c"), some("file", "file/a/b//c"));
    let nothing = [
        "/cities",
        "/cities/",
        "/cities/a/",
        "/cities/a/b",
        "//cities/a",
        "/Cities/a",
        "cities/a",
        "/files/",
        "/files",
        "",
    ];
    for path in nothing {
        assert_eq!(route("GET", path), None, "{path}");
    }
    assert_eq!(route("get", "/cities/Lisbon"), None);
    assert_eq!(found(rules(), TargetSubject::Resource("weather://cities/Lisbon")), some("city", "Lisbon"));
    assert_eq!(found(rules(), TargetSubject::Resource("other://cities/Lisbon")), None);
}

#[test]
fn mistakes_are_told_with_the_rule() {
    let kind = |rule: TargetRule| rule.target_type("x");
    let mistakes = [
        (kind(TargetRule::tool("")), "empty"),
        (kind(TargetRule::tool("a*b")), "`*` stands at the end"),
        (kind(TargetRule::route("cities")), "begins with `/`"),
        (kind(TargetRule::resource("cities/{city}")), "is a URI"),
        (kind(TargetRule::route("/a/{b")), "a segment is"),
        (kind(TargetRule::route("/a/b{c}")), "a segment is"),
        (kind(TargetRule::route("/a?b={c}")), "a segment is"),
        (kind(TargetRule::route("/a/{}")), "the name of a segment"),
        (kind(TargetRule::route("/{a}/{a}")), "have one name"),
        (kind(TargetRule::route("/{*a}/b")), "the last segment"),
        (kind(TargetRule::tool("a")).methods(["GET"]), "only a route"),
        (kind(TargetRule::route("/a")).methods(["get"]), "upper case"),
        (TargetRule::tool("a"), "says nothing"),
        (TargetRule::tool("a").id("b").actions(["READ"]), "an id needs a type"),
        (kind(TargetRule::tool("a")).id(""), "the id is empty"),
        (kind(TargetRule::tool("a")).id("{a}"), "does not have"),
        (kind(TargetRule::route("/{a}")).id("{b}"), "does not have"),
        (kind(TargetRule::route("/{a}")).id("{a"), "braces of an id"),
        (kind(TargetRule::route("/{a}")).id("a}"), "braces of an id"),
        (TargetRule::tool("a").target_type("two words"), "printable"),
        (TargetRule::tool("a").actions([""]), "printable"),
    ];
    for (rule, expected) in mistakes {
        let error = TargetMap::new([kind(TargetRule::tool("first")), rule.clone()]).unwrap_err();
        assert_eq!(error.rule, 2);
        assert!(
            error.to_string().starts_with("target rule 2: ") && error.problem.contains(expected),
            "{rule:?}: {error}"
        );
    }
}

#[test]
fn a_rule_that_is_never_reached_is_a_mistake() {
    let tool = |name: &str| TargetRule::tool(name).target_type("x");
    let route = |path: &str| TargetRule::route(path).target_type("x");
    let hidden = [
        [tool("a"), tool("a")],
        [tool("a*"), tool("ab")],
        [tool("a*"), tool("ab*")],
        [route("/a/{b}"), route("/a/c")],
        [route("/a/{b}"), route("/a/{c}").methods(["GET"])],
        [route("/a/{*b}"), route("/a/b/c")],
        [route("/a").methods(["GET", "PUT"]), route("/a").methods(["PUT"])],
    ];
    for rules in hidden {
        assert!(TargetMap::new(rules.clone()).unwrap_err().problem.contains("earlier rule"), "{rules:?}");
    }
    let reached = [
        [tool("ab"), tool("a*")],
        [tool("a"), TargetRule::prompt("a").target_type("x")],
        [route("/a/c"), route("/a/{b}")],
        [route("/a").methods(["GET"]), route("/a")],
        [route("/a").methods(["GET"]), route("/a").methods(["PUT", "GET"])],
        [route("/a/{b}"), route("/a/{b}/c")],
        [route("/a/{b}"), route("/a/")],
    ];
    for rules in reached {
        TargetMap::new(rules.clone()).unwrap();
    }
}

#[test]
fn reads_are_known_by_their_verbs() {
    for reads in [&["READ"][..], &["tickets:read", "LIST"], &["a:b:List"]] {
        assert!(TargetMap::is_read(reads), "{reads:?}");
    }
    for others in [&[][..], &["READ", "UPDATE"], &["read:tickets"], &["READ_WRITE"], &["GET"], &[""]] {
        assert!(!TargetMap::is_read(others), "{others:?}");
    }
}
