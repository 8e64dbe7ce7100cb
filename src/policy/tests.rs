use super::*;
use crate::record::Value;
use crate::record::names::Role;

#[test]
fn only_facts_of_the_contract_and_added_names_leave() {
    let mut allow = AllowList::default();
    assert_eq!(allow.role("audit.target.id"), Some(Role::Fact));
    assert_eq!(allow.role("audit.record.id"), Some(Role::Trail));
    for hidden in ["city", "password", "gen_ai.tool.call.arguments", "auditrail.arguments.digest", "audit.target.id2"] {
        assert_eq!(allow.role(hidden), None, "{hidden}");
        assert!(!allow.on_span(hidden), "{hidden}");
    }
    allow.add("city");
    assert_eq!(allow.role("city"), Some(Role::Fact));
    assert!(allow.on_span("code.file.path"));
}

#[test]
fn long_values_are_cut_at_a_character() {
    let limits = Limits { value_bytes: 5, ..Limits::default() };
    let mut value = Value::from("ää€ab");
    assert!(limits.apply(&mut value));
    assert_eq!(value, Value::from("ää"));
    let mut list = Value::strings(["short", "too long"]);
    assert!(limits.apply(&mut list));
    assert_eq!(list, Value::strings(["short", "too l"]));
    assert!(!limits.apply(&mut Value::Int(i64::MAX)));
}

#[test]
fn uris_lose_query_fragment_and_user() {
    for (uri, clean) in [
        ("weather://stations/lis?key=s3cret", "weather://stations/lis"),
        ("https://user:pw@h:1/p#frag?x", "https://h:1/p"),
        ("https://user:pw@h", "https://h"),
        ("mailto:someone?subject=x", "mailto:someone"),
        ("", ""),
        ("://@/", ":///"),
        ("//user:pw@host/x", "//host/x"),
        ("https://user:p/w@host/x", "https://host/x"),
        ("https://host/@user", "https://user"),
    ] {
        assert_eq!(without_secrets(uri), clean);
    }
}
