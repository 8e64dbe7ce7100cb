//! Of an arbitrary URI, nothing of the query, the fragment or the user information is left.

#![no_main]

use auditrail::policy::without_secrets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|uri: &str| {
    let clean = without_secrets(uri);
    assert!(!clean.contains(['?', '#']), "query or fragment: {clean}");
    assert!(clean.len() <= uri.len(), "longer than {uri}: {clean}");
    assert_eq!(without_secrets(&clean), clean, "cleaned twice");
    if let Some((_, rest)) = clean.split_once("://") {
        let authority = rest.split('/').next().unwrap_or_default();
        assert!(!authority.contains('@'), "user information: {clean}");
    }
});
