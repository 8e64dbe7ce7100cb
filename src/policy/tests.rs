use super::*;
use crate::record::names::Role;
use crate::record::{Value, names};

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
    let limits = ValueLimits { value_bytes: 5, ..ValueLimits::default() };
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

/// Readers differ in what they take for user information and parameters.
#[test]
fn no_form_of_a_password_survives() {
    for (uri, clean) in [
        ("https:user:PW@h", "https:h"),
        ("https:/user:PW@h/x", "https:/h/x"),
        ("https:\\\\user:PW@h", "https:\\\\h"),
        ("u:PW@h", "h"),
        ("u:P@W@h", "h"),
        ("u:P//W@h", "h"),
        ("u:PW//x@h", "h"),
        ("https:user:P//W@h", "https:h"),
        ("https://user%3aPW%40h/x", "https://h/x"),
        ("https://user%3APW%2540h/x", "https://h/x"),
        ("user%3aPW%40h", "h"),
        ("https://user:PW\u{ff20}h", "https://h"),
        ("jdbc:postgresql://user:PW@h/db", "h/db"),
        ("jdbc:sqlserver://h;user=u;password=PW", "jdbc:sqlserver://h"),
        ("https://h/a;token=PW/b", "https://h/a"),
        ("https://h/a%3Ftoken=PW", "https://h/a"),
        ("https://h/a%3ftoken%3dPW", "https://h/a"),
        ("file:///what%3F;is&it.txt", "file:///what%3F;is&it.txt"),
        ("data:text/plain,PW", "data:"),
        ("DATA:text/plain;base64,UFc=", "data:"),
        (" d\na\tta:,PW", "data:"),
        ("view-source:data:,PW", "data:"),
        ("u:PW@data:,PW", "data:"),
        ("javascript:login('PW')", "javascript:"),
        ("urn:isbn:0451450523", "urn:isbn:0451450523"),
        ("metadata:stations", "metadata:stations"),
    ] {
        assert_eq!(without_secrets(uri), clean, "{uri}");
        assert!(!clean.contains("PW") && without_secrets(clean) == clean, "{clean}");
    }
}

/// Any order of the parts in which readers differ.
#[test]
fn what_is_clean_has_nothing_left_to_be_cut() {
    let parts = [
        "a", "b", ":", "/", "//", "\\", "@", "%40", "%2540", "\u{ff20}", "?", "#", ";", "=", "%3d", "&", "data:", "%",
        "25",
    ];
    let mut chance = 1_u64;
    for _ in 0..50_000 {
        let mut uri = String::new();
        for _ in 0..12 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            uri += parts[usize::try_from(chance >> 33).unwrap() % parts.len()];
        }
        let clean = without_secrets(&uri).into_owned();
        assert!(!clean.contains(['?', '#', '@', '\u{ff20}']) && !clean.contains("%40"), "{uri}: {clean}");
        assert!(clean.len() <= uri.len() && without_secrets(&clean) == clean, "{uri}: {clean}");
    }
}

#[test]
fn lists_of_uris_are_cleaned_like_one() {
    let inputs = Value::strings(["s3://key:PW@bucket/a", "file:///b"]);
    assert_eq!(
        cleaned(names::AUDITRAIL_LINEAGE_INPUTS, inputs.clone()),
        Value::strings(["s3://bucket/a", "file:///b"])
    );
    assert_eq!(cleaned("audit.target.id", inputs.clone()), inputs, "it is no URI");
}
