//! What the file, the environment and the arguments say, and mistakes in them.

use auditrail::record::names;
use auditrail::serve::Receiver;

use crate::rig::{Proxy, call, records};

#[test]
fn mistakes_stop_the_start() {
    for (text, expected) in [
        ("\n\nservice = \"a\"", "auditrail.toml:3:1: unknown field `service`"),
        ("[[rule]]\nmatch = { tool = \"a\" }\nclass = \"b\"", "auditrail.toml:3:9: `class`: no class has that name"),
        (
            "[journal]\nquarantine_when_full = \"wait\"",
            "auditrail.toml:2:24: `quarantine_when_full`: unknown value, expected",
        ),
        ("[journal]\nquarantine_max_bytes = 4096", "[journal] quarantine_max_bytes=\"4096\" cannot be used"),
        (
            "[identity]\nalarm = { share = 50 }",
            "auditrail.toml:2:19: `alarm`: it is not a share; write a number from 0 to 1 such as 0.5",
        ),
        ("[[target]]\ntool = \"a\"", "auditrail.toml:1:1: it says nothing; give it a type, or actions, or both"),
        ("[otlp]\nprotocol = \"pigeon\"", "unknown protocol; set grpc or http/protobuf"),
    ] {
        let played = Proxy::of_script("touch \"$DIR/began\"").configured(text).send("");
        assert_eq!(played.code(), 2, "{}", played.said);
        assert!(played.said.contains(expected), "{}", played.said);
        assert!(!played.directory.path().join("began").exists());
    }
    let played = Proxy::of(&[]).argument("--listen").argument("127.0.0.1:0").send("");
    assert_eq!(played.code(), 2);
    assert!(played.said.contains("--listen needs --upstream URL, or --forward"), "{}", played.said);
    let played = Proxy::of(&[]).argument("--name").argument("a").send("");
    assert_eq!(played.code(), 2);
    assert!(played.said.contains("no server is named"), "{}", played.said);
}

#[test]
fn the_effective_configuration_is_shown_without_secrets() {
    let proxy = Proxy::of(&["/usr/bin/env", "SECRET=hunter2", "cat"])
        .configured("service_name = \"files\"\n[journal]\nmax_bytes = 300000\n")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer hunter2")
        .argument("--print-config");
    let played = proxy.send("");
    assert_eq!(played.code(), 0, "{}", played.said);
    let text = played.text();
    for expected in [
        "service_name = \"files\"",
        "max_bytes = 300000",
        "quarantine_max_bytes = 268435456",
        "quarantine_when_full = \"shed\"",
        "# with the header authorization: (hidden)",
        "endpoint = \"http://127.0.0.1:9\"",
        "flush_timeout = \"1ms\"",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_name_of_the_service_is_the_nearest_that_is_said() {
    let name = |proxy: Proxy| {
        let text = proxy.argument("--print-config").send("").text();
        let line = text.lines().find(|line| line.starts_with("service_name")).unwrap().to_owned();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let proxy = || Proxy::of(&["/bin/cat"]);
    assert_eq!(name(proxy()), "cat");
    let file = "service_name = \"filed\"";
    assert_eq!(name(proxy().configured(file)), "filed");
    assert_eq!(name(proxy().configured(file).env("OTEL_RESOURCE_ATTRIBUTES", "service.name=attributed")), "attributed");
    assert_eq!(name(proxy().configured(file).env("OTEL_SERVICE_NAME", "named")), "named");
    assert_eq!(name(proxy().env("OTEL_SERVICE_NAME", "named").argument("--name").argument("told")), "told");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_uses_a_server_is_what_the_environment_asserts() {
    let receiver = Receiver::builder().start().await.unwrap();
    let config = "[identity]\nenvironment = { user = \"WHO\", name = \"WHO_NAME\", tenant = \"WHO_TENANT\" }\n";
    let proxy = Proxy::of(&["cat"]).configured(config).collector(&receiver);
    let proxy = proxy.env("WHO", "ada@example.org").env("WHO_NAME", "Ada").without("WHO_TENANT");
    let played = tokio::task::spawn_blocking(move || proxy.send(&call(1, "read_file"))).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    let records = records(&receiver);
    let asked = records.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request"));
    let asked = asked.unwrap_or_else(|| panic!("{records:#?}"));
    assert_eq!(asked.text(names::AUDIT_ACTOR_ID), Some("ada@example.org"));
    assert_eq!(asked.text(names::USER_NAME), Some("Ada"));
    assert_eq!(asked.text(names::AUDITRAIL_TENANT_ID), None);
    let verified = asked.get(names::AUDITRAIL_ACTOR_VERIFIED);
    assert_eq!(verified, Some(&auditrail::record::Value::Bool(false)));
    assert_eq!(asked.text(names::AUDITRAIL_ACTOR_SOURCE), Some("environment"));
    assert_eq!(asked.text(names::AUDITRAIL_OBSERVED_BY), Some("proxy"));
    assert_eq!(asked.text(names::AUDITRAIL_MCP_TRANSPORT), Some("stdio"));
}

/// The variable is not set, so the next extractor is asked; it cannot verify anybody either.
#[tokio::test(flavor = "multi_thread")]
async fn the_user_that_the_proxy_runs_as_is_the_last_to_be_asked_and_never_verified() {
    let receiver = Receiver::builder().start().await.unwrap();
    let config = "[identity]\nenvironment = { user = \"WHO\" }\nos_user = true\nalarm = { share = 0.5, calls = 1 }\n\
                  [[rule]]\nmatch = { tool = \"pay\" }\nclass = \"sure\"\n\
                  [class.sure]\nrequires_verified_actor = true\n";
    let script = r#"while read -r line; do echo '{"jsonrpc":"2.0","id":2,"result":{}}'; done"#;
    let proxy = Proxy::of_script(script).configured(config).collector(&receiver).without("WHO");
    let played = tokio::task::spawn_blocking(move || proxy.send(&(call(1, "pay") + &call(2, "look")))).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    assert!(played.text().contains("-32046"), "{}", played.text());
    let user = std::process::Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    let records = records(&receiver);
    let of_calls: Vec<_> = records.iter().filter(|record| record.text(names::AUDITRAIL_CALL_ID).is_some()).collect();
    // Two pairs, and the refusal.
    assert_eq!(of_calls.len(), 5, "{records:#?}");
    for record in of_calls {
        assert_eq!(record.text(names::AUDIT_ACTOR_ID), Some(user.trim()));
        assert_eq!(record.text(names::AUDITRAIL_ACTOR_SOURCE), Some("os_user"));
        assert_eq!(record.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&auditrail::record::Value::Bool(false)));
        let is_refused = record.text(names::GEN_AI_TOOL_NAME) == Some("pay");
        assert_eq!(record.text(names::AUDITRAIL_DECISION_REASON), is_refused.then_some("asserted"));
    }
}

#[test]
fn the_file_in_the_documentation_is_understood() {
    let page = std::fs::read_to_string("../docs/proxy.md").unwrap();
    let file = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let played = Proxy::of(&[]).configured(file).argument("--print-config").send("");
    assert_eq!(played.code(), 0, "{}", played.said);
    assert!(played.text().contains("upstream = \"https://files.internal:3000/a\""), "{}", played.text());
}

/// Who runs the program has options, variables and a file, and no builder whose methods could be called.
#[test]
fn mistakes_are_told_in_the_words_of_the_command_line() {
    let homeless = || {
        let proxy = Proxy::of(&["cat"]).without("HOME").without("XDG_STATE_HOME").without("STATE_DIRECTORY");
        proxy.without("AUDITRAIL_DIR")
    };
    for (proxy, expected) in [
        (homeless(), "set it, or directory of [journal] in the configuration file"),
        (homeless().argument("--print-config"), "set it, or directory of [journal] in the configuration file"),
        (Proxy::of(&["cat"]).argument("--name").argument(""), "give --name SERVICE, or write service_name"),
        (Proxy::of(&["cat"]).configured("[journal]\nmax_bytes = 1\n"), "[journal] max_bytes=\"1\" cannot be used"),
        (
            Proxy::of(&["cat"]).without("OTEL_EXPORTER_OTLP_ENDPOINT").configured("[otlp]\nendpoint = \"collector\"\n"),
            "[otlp] endpoint=\"(not shown)\" cannot be used",
        ),
        (
            Proxy::of(&["cat"])
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")
                .configured("[otlp]\nendpoint = \"a\"\n"),
            "OTEL_EXPORTER_OTLP_ENDPOINT=\"(not shown)\" cannot be used",
        ),
    ] {
        let played = proxy.send("");
        assert_eq!(played.code(), 2, "{}", played.said);
        assert!(played.said.contains(expected), "{}", played.said);
        assert!(!played.said.contains("()") && !played.said.contains("builder"), "{}", played.said);
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("journal/streams")).unwrap();
    let path = directory.path().to_str().unwrap();
    for (arguments, expected) in [
        (
            &["--dir", path, "quarantine", "replay", "--all", "--endpoint", "collector"][..],
            "--endpoint=\"(not shown)\"",
        ),
        (&["--service", "a", "stat"], "give --dir DIR"),
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_auditrail"));
        let output = command.arg("journal").args(arguments).env_clear().output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && !said.contains("()") && !said.contains("builder"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tool_acts_on_is_what_the_file_says() {
    let receiver = Receiver::builder().start().await.unwrap();
    let config = "[[target]]\ntool = \"read_*\"\ntype = \"file\"\nactions = [\"files:read\"]\n";
    let proxy = Proxy::of(&["cat"]).configured(config).collector(&receiver);
    let sent = [call(1, "read_file"), call(2, "other")].concat();
    let played = tokio::task::spawn_blocking(move || proxy.send(&sent)).await.unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    let records = records(&receiver);
    // `cat` asks its client the same.
    let is_asked =
        |record: &&auditrail::record::Record| record.text(names::AUDITRAIL_MCP_DIRECTION) == Some("client_to_server");
    let calls: Vec<_> = records.iter().filter(is_asked).collect();
    let of = |tool| calls.iter().filter(move |record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
    let actions = auditrail::record::Value::from(vec!["files:read".to_owned()]);
    assert_eq!((of("read_file").count(), of("other").count()), (2, 2), "{records:#?}");
    for record in of("read_file") {
        assert_eq!((record.text(names::AUDIT_TARGET_TYPE), record.text(names::AUDIT_TARGET_ID)), (Some("file"), None));
        assert_eq!(record.get(names::AUDITRAIL_TARGET_ACTIONS), Some(&actions));
    }
    for record in of("other") {
        assert_eq!(record.text(names::AUDIT_TARGET_ID), Some("other"));
        assert_eq!(record.get(names::AUDITRAIL_TARGET_ACTIONS), None);
    }
}
