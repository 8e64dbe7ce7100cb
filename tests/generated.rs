//! The committed code of the read service is what the `.proto` says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

use std::{env, fs, path::Path};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/serve/generated/auditrail.v1.rs");
const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");

#[test]
fn committed_code_is_what_the_proto_says() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    fs::create_dir_all(&directory).unwrap();
    let descriptors = protox::compile(["auditrail/v1/trail.proto"], [PROTO]).unwrap();
    tonic_prost_build::configure().bytes(".").out_dir(&directory).compile_fds(descriptors).unwrap();
    let generated = fs::read_to_string(directory.join("auditrail.v1.rs")).unwrap();

    if env::var_os("REGENERATE").is_some() {
        fs::write(COMMITTED, &generated).unwrap();
    }
    let committed = fs::read_to_string(COMMITTED).expect("run this test with REGENERATE=1 once");
    assert!(
        committed == generated,
        "src/serve/generated/auditrail.v1.rs is not what proto/auditrail/v1/trail.proto gives: \
         run `REGENERATE=1 cargo test --test generated` and commit the result"
    );
}
