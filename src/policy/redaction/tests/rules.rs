//! Rules by path, key, pattern and detector, and each action.

use serde_json::{Value, json};

use super::keyed::{Keyed, Keyless};
use super::{key, path, redact, redactor};
use crate::policy::redaction::{Action, Context, Detector, Protect as _, RedactionRule, Redactor};

fn after(rules: impl IntoIterator<Item = RedactionRule>, content: &Value) -> (Value, Vec<String>) {
    let redacted = redact(&redactor(rules), &content.to_string());
    (serde_json::from_str(&redacted.text).unwrap(), redacted.paths)
}

#[test]
fn nothing_found_is_nothing_changed() {
    let content = r#" { "a" : [1, 2.5e3, true, null, "x\u0041\n"], "b": {} } "#;
    let redacted = redact(&Redactor::default(), content);
    assert_eq!(redacted.text, content);
    assert_eq!((redacted.paths.len(), redacted.truncated, redacted.digest), (0, false, None));
}

#[test]
fn each_action_does_what_it_says() {
    let value = json!({"a": 1, "name": "Ada", "b": 2});
    let with = |action| after([key("name", action)], &value).0;
    assert_eq!(with(Action::Drop), json!({"a": 1, "b": 2}));
    assert_eq!(with(Action::Mask), json!({"a": 1, "name": "[redacted]", "b": 2}));
    assert_eq!(with(Action::Hash)["name"], Keyed.hash("name", b"Ada"));
    assert_eq!(with(Action::Pseudonymise)["name"], Keyed.pseudonym("name", Some("tenant"), b"Ada").unwrap());
    assert_eq!(with(Action::Encrypt)["name"], Keyed.encrypt("subject", "arguments", b"Ada").unwrap());
    assert_eq!(with(Action::Keep), value);
    // Of the characters, whatever their escapes are; of other values, of their JSON.
    let escaped = redact(&redactor([key("name", Action::Hash)]), r#"{"name":"A\u0064a"}"#).text;
    assert_eq!(escaped, format!("{{\"name\":\"{}\"}}", Keyed.hash("name", b"Ada")));
    let number = after([key("name", Action::Hash)], &json!({"name": [1]})).0;
    assert_eq!(number["name"], Keyed.hash("name", b"[1]"));
}

#[test]
fn what_cannot_be_protected_is_masked() {
    for action in [Action::Pseudonymise, Action::Encrypt] {
        let context = Context::of("arguments").subject(Some("subject"));
        let redacted = redactor([key("name", action)]).redact(br#"{"name":"Ada"}"#, &context, &Keyless);
        assert_eq!(redacted.text, r#"{"name":"[redacted]"}"#);
    }
    let without_subject = Context::of("arguments");
    let redacted = redactor([key("name", Action::Encrypt)]).redact(br#"{"name":"Ada"}"#, &without_subject, &Keyed);
    assert_eq!(redacted.text, r#"{"name":"[redacted]"}"#);
}

#[test]
fn members_are_dropped_with_their_commas() {
    let rule = || [key("x", Action::Drop)];
    for (content, left) in [
        (r#"{"x":1}"#, r"{}"),
        (r#"{"x":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":2, "x":1}"#, r#"{"a":2}"#),
        (r#"{"a":2,"x":1,"b":3}"#, r#"{"a":2,"b":3}"#),
        (r#"{"x":1,"X":[{"x":2}],"a":2}"#, r#"{"a":2}"#),
        (r#"{"x":1,"x":2}"#, r"{}"),
        (r#"{"a":1,"x":1,"x":2}"#, r#"{"a":1}"#),
    ] {
        assert_eq!(redact(&redactor(rule()), content).text, left, "{content}");
    }
    let (left, paths) = after([path("$.a[*]", Action::Drop)], &json!({"a": [1, 2], "b": 3}));
    assert_eq!((left, paths), (json!({"a": [null, null], "b": 3}), vec!["$.a[*]".to_owned()]));
    assert_eq!(redact(&redactor([path("$", Action::Drop)]), r#"{"a":1}"#).text, "null");
}

#[test]
fn paths_match_where_they_say() {
    let content = json!({
        "a": {"b": "x", "c": {"b": "x"}},
        "list": [{"b": "x"}, {"b": "x", "d": "x"}],
        "odd name": {"b.c": "x"},
    });
    for (text, pointers) in [
        ("$.a.b", &["/a/b"][..]),
        ("$.list[*].b", &["/list/0/b", "/list/1/b"]),
        ("$..b", &["/a/b", "/a/c/b", "/list/0/b", "/list/1/b"]),
        ("$.a..b", &["/a/b", "/a/c/b"]),
        ("$..c.b", &["/a/c/b"]),
        ("$.*.b", &["/a/b"]),
        ("$['odd name']['b.c']", &["/odd name/b.c"]),
        ("$[\"a\"].c", &["/a/c"]),
        ("$.list[*]", &["/list/0", "/list/1"]),
        ("$.nothing", &[]),
        ("$.b", &[]),
        ("$.a.c.b.b", &[]),
    ] {
        let mut wanted = content.clone();
        pointers.iter().for_each(|pointer| *wanted.pointer_mut(pointer).unwrap() = json!("[redacted]"));
        assert_eq!(after([path(text, Action::Mask)], &content).0, wanted, "{text}");
    }
}

#[test]
fn keys_match_in_any_case_and_by_beginning_or_end() {
    let content = json!({"Password": 1, "pass\u{77}ord2": 2, "db_PASSWORD": {"x": 3}, "other": 4});
    for (text, touched) in [
        ("password", &["Password"][..]),
        ("pass*", &["Password", "password2"]),
        ("*password", &["Password", "db_PASSWORD"]),
    ] {
        let mut wanted = content.clone();
        touched.iter().for_each(|name| wanted[name] = json!("[redacted]"));
        assert_eq!(after([key(text, Action::Mask)], &content).0, wanted, "{text}");
    }
    let escaped = redact(&redactor([key("password", Action::Mask)]), r#"{"p\u0061ssword":"x"}"#);
    assert_eq!(escaped.text, r#"{"p\u0061ssword":"[redacted]"}"#);
}

#[test]
fn the_first_rule_by_path_or_key_decides() {
    let content = json!({"card": "4111 1111 1111 1111"});
    let first = after([key("card", Action::Keep), path("$.card", Action::Drop)], &content).0;
    assert_eq!(first, content, "kept with all that is in it");
    let first = after([path("$.card", Action::Drop), key("card", Action::Keep)], &content).0;
    assert_eq!(first, json!({}));
    // A detector never saves what a rule for the whole value hides.
    let first = after([RedactionRule::detector(Detector::Card, Action::Mask), key("card", Action::Drop)], &content).0;
    assert_eq!(first, json!({}));
}

#[test]
fn rules_apply_where_they_say() {
    let rule = || key("name", Action::Mask).only_in("result").only_of_tool("crm_*");
    let content = br#"{"name":"Ada"}"#;
    for (field, tool, is_masked) in [
        ("result", Some("crm_find"), true),
        ("result", Some("other"), false),
        ("result", None, false),
        ("arguments", Some("crm_find"), false),
    ] {
        let redacted = redactor([rule()]).redact(content, &Context::of(field).tool(tool), &Keyed);
        assert_eq!(redacted.paths == ["$.name"], is_masked, "{field} {tool:?}");
    }
}

#[test]
fn a_path_tells_no_name_that_no_rule_has() {
    let content = json!({"patient-4711": {"note": "mail ada@example.org", "diagnosis": "x"}, "bob@example.org": "a"});
    let (left, paths) = after([key("diagnosis", Action::Drop)], &content);
    assert_eq!(left, json!({"patient-4711": {"note": "mail [redacted:email]"}, "[redacted]": "a"}));
    assert_eq!(paths, ["$.*", "$.*.diagnosis", "$.*.*"]);
}

#[test]
fn a_secret_key_goes_with_the_value_that_is_dropped() {
    let (left, _) = after([path("$.*", Action::Drop)], &json!({"ada@example.org": 1}));
    assert_eq!(left, json!({}));
    let rules = [RedactionRule::detector(Detector::Email, Action::Drop)];
    let (left, _) = after(
        rules,
        &json!({"a": 1, "ada@example.org": "b@example.org", "c": "b@example.org", "d": ["b@example.org"]}),
    );
    assert_eq!(left, json!({"a": 1, "d": [null]}));
}

#[test]
fn detectors_hide_no_more_than_they_find() {
    let card = RedactionRule::detector(Detector::Card, Action::Hash).class("cards");
    let (left, paths) =
        after([card], &json!({"text": "Pay with 4111-1111-1111-1111, please", "number": 4_111_111_111_111_111_u64}));
    let hash = |card: &str| Keyed.hash("cards", card.as_bytes());
    assert_eq!(left["text"], format!("Pay with {}, please", hash("4111-1111-1111-1111")));
    assert_eq!(left["number"], hash("4111111111111111"));
    assert_eq!(paths, ["$.*"]);
    let off = RedactionRule::detector(Detector::Card, Action::Keep);
    let content = json!({"number": "4111-1111-1111-1111"});
    assert_eq!(after([off], &content).0, content);
}

#[test]
fn patterns_of_users_find_what_they_match() {
    let rule = RedactionRule::pattern(r"\bMRN-\d{6}\b", Action::Hash).class("mrn");
    let (left, _) = after([rule], &json!(["see MRN-123456 and MRN-654321", "MRN-12"]));
    let hash = |number: &str| Keyed.hash("mrn", number.as_bytes());
    assert_eq!(left, json!([format!("see {} and {}", hash("MRN-123456"), hash("MRN-654321")), "MRN-12"]));
}

#[test]
fn json_in_strings_is_looked_into() {
    let inner = json!({"password": "hunter2", "note": "x"}).to_string();
    let body = json!({"body": inner}).to_string();
    let result = json!({"content": [{"type": "text", "text": inner}, {"type": "text", "text": body}]});
    let (left, paths) =
        after([key("password", Action::Mask), path("$.content", Action::Keep).only_in("result")], &result);
    assert!(!left.to_string().contains("hunter2"), "{left}");
    assert_eq!(left["content"][0]["text"], r#"{"note":"x","password":"[redacted]"}"#);
    assert_eq!(paths, ["$.content[*].*.password", "$.content[*].*.*.password"]);
    // Lines of JSON.
    let lines = json!({"log": format!("{inner}\n{inner}")});
    assert!(!after([key("password", Action::Mask)], &lines).0.to_string().contains("hunter2"));
}

#[test]
fn broken_json_hides_nothing() {
    let rules = || redactor([key("password", Action::Mask)]);
    for broken in
        [r#"{"password":"hunter2""#, r#"{"password":"hunter2"} x"#, r#"{"a":"\q","password":"hunter2"}"#, "{\"a\":1,}"]
    {
        let redacted = redact(&rules(), broken);
        assert_eq!(redacted.unread.map(|why| why.as_str()), Some("malformed"), "{broken}");
        assert_eq!((redacted.text.as_str(), redacted.original_bytes), ("\"[redacted]\"", broken.len()));
        let inside = json!({"text": broken}).to_string();
        assert_eq!(redact(&rules(), &inside).text, r#"{"text":"[redacted]"}"#);
    }
    for text in ["[INFO] started", "plain", "12 monkeys", "", "{{ template }}", "\"quoted\" text"] {
        assert_eq!(redact(&rules(), text).text, text);
    }
    for text in ["4111 1111 1111 1111", "[1] 4111 1111 1111 1111", "1 4111111111111111"] {
        assert!(redact(&rules(), text).text.contains("[redacted:card]"), "{text}");
    }
    assert_eq!(redact(&rules(), "[INFO] mail ada@example.org").text, "[INFO] mail [redacted:email]");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let error = |rule: RedactionRule| Redactor::builder().rule(rule).build().unwrap_err().to_string();
    for (text, told) in [
        ("a.b", "`path` at character 1: a path begins with `$`"),
        ("$.a..", "`path` at character 6: a name is missing here"),
        ("$.a[0]", "`path` at character 4: write `[*]`"),
        ("$.a['b", "`path` at character 4: the bracket is not closed"),
        ("$a", "`path` at character 2: write `.name`"),
        ("$.a*", "`path` at character 3: a name in a path is whole"),
    ] {
        let error = error(path(text, Action::Mask));
        assert!(error.contains(told), "{text}: {error}");
    }
    assert!(error(key("*", Action::Mask)).contains("it matches every key"));
    assert!(error(key("a*b", Action::Mask)).contains("`key` at character 2"), "{}", error(key("a*b", Action::Mask)));
    assert!(error(RedactionRule::pattern("a(b", Action::Mask)).contains("`pattern` at character 2: unclosed group"));
    assert!(error(RedactionRule::pattern("(?:a{1000}){1000}", Action::Mask)).contains("when it is compiled"));
    assert!(error(RedactionRule::pattern("a*", Action::Mask)).contains("matches the empty text"));
    assert!(error(key("a", Action::Mask).only_in("argument")).contains("did you mean `arguments`?"));
    assert!("msk".parse::<Action>().unwrap_err().to_string().contains("did you mean `mask`?"));
    assert!("e-mail".parse::<Detector>().unwrap_err().to_string().contains("did you mean `email`?"));
}

#[test]
fn a_rule_that_never_decides_is_a_mistake() {
    let build = |one, two| Redactor::builder().rule(one).rule(two).build();
    let hidden = build(key("pass*", Action::Mask), key("Password", Action::Drop)).unwrap_err();
    assert_eq!(hidden.rule, Some(1));
    assert!(hidden.problem.contains("rule 1 before it"), "{hidden}");
    assert!(build(path("$.a", Action::Mask), path("$.a", Action::Drop)).is_err());
    assert!(build(path("$.a", Action::Mask).only_in("result"), path("$.a", Action::Drop)).is_ok());
    assert!(build(key("password", Action::Mask), key("pass*", Action::Drop)).is_ok());
}
