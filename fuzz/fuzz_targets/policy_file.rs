//! Arbitrary text as a policy file: an error with a place in the file, or a policy that decides the same each time and says why.

#![no_main]

use std::path::Path;

use auditrail::policy::{CallFacts, Policy};
use auditrail::record::{Detail, Outcome};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("policy.toml");
    let policy = match Policy::from_toml(path, text) {
        Ok(policy) => policy,
        Err(mistake) => return assert!(!mistake.to_string().is_empty()),
    };
    let again = Policy::from_toml(path, text).expect("it was read before");
    assert_eq!(again.digest(), policy.digest());
    let mut facts = CallFacts::default();
    (facts.method, facts.tool, facts.actor) = (Some("tools/call"), Some("delete_file"), Some("alice"));
    for outcome in [Detail::Ok, Detail::ToolError].map(Outcome::of) {
        let kept = policy.at_end(&facts, &outcome);
        assert_eq!(kept.level, again.at_end(&facts, &outcome).level);
        assert!(policy.at_begin(&facts).most().level >= kept.level, "the beginning knows the most that is kept");
    }
});
