//! Explanations for programs.

use auditrail::policy::{Begin, Explanation, Policy, Treatment};
use serde_json::{Value, json};

/// An explanation as JSON.
pub(super) fn json_of(policy: &Policy, explanation: &Explanation) -> Value {
    let earlier = explanation.earlier.iter().map(|unmatched| {
        let keys = unmatched.keys.iter().map(|key| json!({ "key": key.key, "wanted": key.wanted, "found": key.found }));
        json!({
            "rule": &*unmatched.rule.name,
            "line": unmatched.rule.line,
            "keys": keys.collect::<Vec<_>>(),
        })
    });
    json!({
        "policy": { "id": policy.id(), "digest": policy.digest() },
        "decision": decision(&explanation.treatment),
        "begin": {
            "decided": matches!(explanation.begin, Begin::Decided(_)),
            "most": decision(explanation.begin.most()),
        },
        "earlier": earlier.collect::<Vec<_>>(),
        "notes": explanation.notes.iter().map(|note| note.as_str()).collect::<Vec<_>>(),
    })
}

fn decision(treatment: &Treatment) -> Value {
    json!({
        "rule": &*treatment.rule.name,
        "line": treatment.rule.line,
        "level": treatment.level.as_str(),
        "halves": treatment.halves.as_str(),
        "class": treatment.class.as_ref().map(|class| &*class.name),
        "sample": treatment.sample.map(|sample| sample.to_string()),
    })
}
