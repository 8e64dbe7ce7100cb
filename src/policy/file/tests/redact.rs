//! `[[redact]]`.

use super::parse;
use crate::policy::Policy;
use crate::policy::redaction::{Action, Context, Detector, Protect, RedactionRule, Redactor};

struct Keyless;

impl Protect for Keyless {
    fn hash(&self, class: &str, value: &[u8]) -> String {
        format!("{class}:{}", value.len())
    }

    fn pseudonym(&self, _: &str, _: Option<&str>, _: &[u8]) -> Option<String> {
        None
    }

    fn encrypt(&self, _: &str, _: &str, _: &[u8]) -> Option<String> {
        None
    }
}

#[test]
fn tables_are_the_rules_of_the_builder() {
    let policy = parse(ALL).unwrap();
    let content = br#"{"customer":{"email":"ada@example.org"},"password":"x","note":"MRN-123456, a@b.org"}"#;
    let redacted = policy.redactor().redact(content, &Context::of("arguments").tool(Some("crm_find")), &Keyless);
    assert_eq!(redacted.text, r#"{"customer":{"email":"customer:15"},"note":"[redacted], a@b.org"}"#);
    let built = Redactor::builder()
        .rule(RedactionRule::path("$.customer.email", Action::Hash).class("customer"))
        .rule(RedactionRule::key("password", Action::Drop).only_in("arguments").only_of_tool("crm_*"))
        .rule(RedactionRule::pattern(r"\bMRN-\d{6}\b", Action::Mask))
        .rule(RedactionRule::detector(Detector::Email, Action::Keep))
        .build()
        .unwrap();
    let built = Policy::builder().redactor(built).build().unwrap();
    assert_eq!(built.digest(), policy.digest());
    assert_ne!(Policy::default().digest(), policy.digest());
    let other = parse(&ALL.replace("keep", "mask")).unwrap();
    assert_ne!(other.digest(), policy.digest());
}

#[test]
fn mistakes_have_a_place_and_advice() {
    for (text, expected) in [
        ("path = \"$.a[0]\"\naction = \"mask\"", "2:12: `path`: write `[*]` for the elements of an array"),
        ("path = \"a\"\naction = \"mask\"", "2:9: `path`: a path begins with `$`"),
        ("key = \"a*b\"\naction = \"mask\"", "2:9: `key`: a `*` stands at the beginning or at the end"),
        ("pattern = \"a(b\"\naction = \"mask\"", "2:13: `pattern`: unclosed group"),
        ("detector = \"e-mail\"\naction = \"mask\"", "2:12: `detector`: unknown value, expected one of `token`, "),
        (
            "key = \"a\"\naction = \"msk\"",
            "3:10: `action`: unknown value, expected one of `drop`, `mask`, `hash`, `pseudonymise`, `encrypt`, `keep`; did you mean `mask`?",
        ),
        (
            "key = \"a\"\naction = \"mask\"\nin = \"results\"",
            "4:6: `in`: unknown value, expected one of `arguments`, `result`; did you mean `result`?",
        ),
        ("key = \"a\"\nacton = \"mask\"", "3:1: unknown field `acton`, expected one of `path`, `key`, "),
        ("action = \"mask\"", "1:1: write one of `path`, `key`, `pattern` and `detector`"),
        ("key = \"a\"\npath = \"$.a\"\naction = \"mask\"", "1:1: write one of `path`, `key`, `pattern` and `detector`"),
        (
            "key = \"a*\"\naction = \"mask\"\n[[redact]]\nkey = \"ab\"\naction = \"drop\"",
            "5:7: `key`: it never decides: rule 1",
        ),
    ] {
        let error = parse(&format!("[[redact]]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}:\n{error}");
    }
}

const ALL: &str = r#"
[[redact]]
path = "$.customer.email"
action = "hash"
class = "customer"

[[redact]]
key = "password"
action = "drop"
in = "arguments"
tool = "crm_*"

[[redact]]
pattern = '\bMRN-\d{6}\b'
action = "mask"

[[redact]]
detector = "email"
action = "keep"
"#;

/// The example of `docs/redaction.md`: its policy makes of the first content the second, and touches the paths that it names.
#[test]
fn the_documentation_says_what_is_done() {
    struct Told;
    impl Protect for Told {
        fn hash(&self, class: &str, _: &[u8]) -> String {
            format!("KEY:{class}")
        }
        fn pseudonym(&self, class: &str, _: Option<&str>, _: &[u8]) -> Option<String> {
            Some(format!("KEY:{class}"))
        }
        fn encrypt(&self, _: &str, _: &str, _: &[u8]) -> Option<String> {
            None
        }
    }
    let page = include_str!("../../../../docs/redaction.md");
    let blocks = |language: &str| -> Vec<&str> {
        page.split(&format!("```{language}\n")).skip(1).map(|rest| rest.split("```").next().unwrap().trim()).collect()
    };
    let [policy] = blocks("toml")[..] else { panic!("one policy") };
    let [content, wanted] = blocks("json")[..] else { panic!("content and what becomes of it") };
    let context = Context::of("arguments").tool(Some("crm_find"));
    let redacted = parse(policy).unwrap().redactor().redact(content.as_bytes(), &context, &Told);
    assert_eq!(redacted.text, wanted);
    let told = page
        .lines()
        .find_map(|line| line.strip_prefix("`auditrail.redacted` names each path that was touched: "))
        .unwrap();
    let told: Vec<_> = told.split('`').skip(1).step_by(2).collect();
    assert_eq!(redacted.paths, told);
    for name in Detector::ALL.map(Detector::as_str).into_iter().chain(Action::ALL.map(Action::as_str)) {
        assert!(page.contains(&format!("\n| `{name}` |")), "{name} has a row");
    }
    let limits = Redactor::default().limits().to_owned();
    assert_eq!(
        (limits.bytes, limits.depth, limits.values, limits.work, limits.kept_bytes),
        (64 << 10, 64, 16_384, 4 << 20, 16 << 10)
    );
}
