use std::{env, fs};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/serve/generated/auditrail.v1.rs");

/// The committed code of the read service is what the `.proto` says.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting of the product")]
fn committed_code_is_what_the_proto_says() {
    let folder = env::temp_dir().join(format!("auditrail-generate-{}", std::process::id()));
    let generated = super::generate(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    if env::var_os("REGENERATE").is_some() {
        fs::write(COMMITTED, &generated).unwrap();
    }
    assert!(
        fs::read_to_string(COMMITTED).unwrap() == generated,
        "src/serve/generated/auditrail.v1.rs is not what proto/auditrail/v1/trail.proto gives: run \
         `REGENERATE=1 cargo test --package auditrail-generate` and commit the result"
    );
}
