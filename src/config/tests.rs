use std::time::Duration;

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let overrides = Overrides { service_name: Some("weather".into()), ..Overrides::default() };
    Settings::read(&overrides, &Environment::from_iter(variables.iter().copied().chain([("HOME", "/home/weather")])))
}

#[test]
fn defaults_are_those_of_the_specification() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.logs.endpoint.to_string(), "http://localhost:4317/");
    assert_eq!(settings.logs.timeout, Duration::from_secs(10));
    assert_eq!(settings.logs.compression, Compression::None);
    assert_eq!(settings.sampler, SamplerSettings { ratio: 1.0, parent_based: true });
    assert_eq!(settings.resource.get("service.name"), Some("weather"));
}

#[test]
fn a_signals_own_variable_wins_and_empty_is_unset() {
    let settings = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4317"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-team=a"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=prod%2Ceu"),
    ])
    .unwrap();
    assert_eq!(settings.logs.endpoint.host(), Some("logs"));
    assert_eq!(settings.traces.as_ref().unwrap().endpoint.host(), Some("general"));
    assert_eq!(settings.logs.headers[0].1.to_str().unwrap(), "Bearer abc");
    assert_eq!(settings.logs.timeout, Duration::from_millis(2500));
    assert_eq!(settings.logs.compression, Compression::Gzip);
    assert_eq!(settings.sampler.ratio, 0.25);
    assert_eq!(settings.resource.get("service.name"), Some("weather"), "code wins");
    assert_eq!(settings.resource.get("deployment.environment.name"), Some("prod,eu"));
}

/// OTLP exporter specification, "Endpoint URLs for OTLP/HTTP".
#[cfg(feature = "otlp-http")]
#[test]
fn http_endpoints_are_those_of_the_specification() {
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let urls = |variables: &[(&str, &str)]| {
        let settings = read(&[&[http], variables].concat()).unwrap();
        assert_eq!(settings.logs.protocol, Protocol::HttpProtobuf);
        [settings.logs.endpoint.to_string(), settings.traces.as_ref().unwrap().endpoint.to_string()]
    };
    assert_eq!(urls(&[]), ["http://localhost:4318/v1/logs", "http://localhost:4318/v1/traces"]);
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector/tenant/");
    assert_eq!(urls(&[general]), ["http://collector/tenant/v1/logs", "http://collector/tenant/v1/traces"]);
    let own = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1/take");
    assert_eq!(urls(&[general, own]), ["http://logs:1/take", "http://collector/tenant/v1/traces"]);
    let bare = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1");
    assert_eq!(urls(&[bare])[0], "http://logs:1/", "used as it is");
    let settings = read(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")]).unwrap();
    assert_eq!(
        (settings.logs.protocol, settings.traces.as_ref().unwrap().protocol),
        (Protocol::Grpc, Protocol::HttpProtobuf)
    );
    assert_eq!(settings.logs.endpoint.to_string(), "http://localhost:4317/");
}

/// Each mistake names the variable and the fix.
#[test]
fn mistakes_stop_the_start() {
    for (variable, value, expected) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://[nonsense",
            r#"="(not shown)" cannot be used: not a URL; set one such as http://localhost:4317"#,
        ),
        (
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "localhost:4317",
            "no scheme http:// or https:// and host; set one such as",
        ),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/ca.pem",
            "is not https://, so it would not be used; set an https:// endpoint",
        ),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem", "is not https://, so it would not be used"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b", "entry 2: there is no '='"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz", "entry 1: a '%' is not followed"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=1", "entry 1: the name is not the name of a header"),
        ("AUDITRAIL_JOURNAL_MAX_BYTES", "64M", "set a number of bytes"),
        ("AUDITRAIL_JOURNAL_MAX_BYTES", "0", "the journal needs space for some segments; set at least 262144"),
        ("AUDITRAIL_QUARANTINE_MAX_BYTES", "4096", "set at least 1048576"),
        ("AUDITRAIL_QUARANTINE_WHEN_FULL", "wait", "set shed or refuse"),
        (
            "AUDITRAIL_JURNAL_MAX_BYTES",
            "1",
            "has no such setting; remove it, or use one of: AUDITRAIL_DIR, AUDITRAIL_JOURNAL_MAX_BYTES",
        ),
    ] {
        let message = read(&[(variable, value)]).unwrap_err().to_string();
        assert!(message.starts_with(variable), "{variable} is not named first: {message}");
        assert!(message.contains(expected), "{message}");
    }
}

/// As they are in the field. The specification wants a warning for a value of a set or a number that is not understood, and the
/// setting to be ignored ("Environment Variable Specification", "Enum" and "Numeric").
#[test]
fn what_the_specification_wants_told_stops_no_start() {
    let defaults = read(&[]).unwrap();
    for (variable, value, problem) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon", "unknown protocol; set grpc or http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "thrift", "unknown protocol; set grpc or http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "not a number; set whole milliseconds"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "-1", "not a number; set whole milliseconds"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "0", "requests need a time limit; set milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "unknown compression; set gzip or none"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,,team", "entry 3: there is no '='; write key=value"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=b", "entry 1: the key is empty; write key=value"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=%zz", "entry 1: a '%' is not followed"),
    ] {
        let settings = read(&[(variable, value)]).unwrap();
        let told: Vec<_> = settings.warnings.iter().collect();
        assert_eq!((told.len(), settings.trace_warnings.iter().count()), (1, 0), "{told:?}");
        assert!(told[0].starts_with(&format!("{variable} counts as unset: {problem}")), "{}", told[0]);
        assert_eq!(format!("{:?}", settings.logs), format!("{:?}", defaults.logs));
        assert_eq!(settings.resource, defaults.resource);
    }
    for (variable, value, problem) in [
        ("OTEL_TRACES_SAMPLER", "sometimes", "unknown sampler; set always_on"),
        ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "unknown sampler; set always_on"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "auditrail exports spans by OTLP; set otlp, or none"),
        ("OTEL_SDK_DISABLED", "yes", "it is neither true nor false; set true or false"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon", "not a number; set whole milliseconds"),
    ] {
        let settings = read(&[(variable, value)]).unwrap();
        let told: Vec<_> = settings.trace_warnings.iter().collect();
        assert_eq!((told.len(), settings.warnings.iter().count()), (1, 0), "{told:?}");
        assert!(told[0].starts_with(&format!("{variable} counts as unset: {problem}")), "{}", told[0]);
        assert_eq!((settings.sampler, settings.exports_traces), (defaults.sampler, true));
    }
    let own_first = [("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "zstd"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    assert_eq!(read(&own_first).unwrap().logs.compression, Compression::Gzip, "as if the signal's own were not set");
    let ratio = read(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "half")]).unwrap();
    assert_eq!((ratio.sampler.ratio, ratio.trace_warnings.iter().count()), (1.0, 1));
}

/// The specification of the SDK's variables wants the letters of values of a set not to matter; templates leave commas.
#[test]
fn values_are_read_as_they_are_in_the_field() {
    let settings = read(&[
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,, x-team=a ,"),
        ("OTEL_RESOURCE_ATTRIBUTES", ",deployment.environment.name=prod, ,team=a,"),
        ("OTEL_TRACES_SAMPLER", "ParentBased_TraceIdRatio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_TRACES_EXPORTER", "console, OTLP"),
    ])
    .unwrap();
    assert_eq!((settings.logs.compression, settings.logs.protocol), (Compression::Gzip, Protocol::Grpc));
    assert_eq!(settings.logs.headers.len(), 2);
    assert_eq!((settings.logs.headers[1].0.as_str(), settings.logs.headers[1].1.as_bytes()), ("x-team", &b"a"[..]));
    assert_eq!(settings.resource.attributes.len(), 3);
    assert_eq!(settings.resource.get("team"), Some("a"));
    assert_eq!(settings.sampler, SamplerSettings { ratio: 0.25, parent_based: true });
    assert_eq!(
        (settings.exports_traces, settings.warnings.iter().chain(settings.trace_warnings.iter()).next()),
        (true, None)
    );
    assert!(!read(&[("OTEL_TRACES_EXPORTER", "None,console")]).unwrap().exports_traces);
    let empty = [("OTEL_RESOURCE_ATTRIBUTES", ","), ("OTEL_EXPORTER_OTLP_HEADERS", " , ")];
    assert_eq!(read(&empty).unwrap().resource, read(&[]).unwrap().resource);
}

#[cfg(feature = "otlp-http")]
#[test]
fn a_protocol_of_http_is_read_in_any_letters_and_json_becomes_its_binary_form() {
    let settings = read(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/PROTOBUF")]).unwrap();
    assert_eq!((settings.logs.protocol, settings.warnings.iter().next()), (Protocol::HttpProtobuf, None));
    let settings = read(&[("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json")]).unwrap();
    assert_eq!(settings.logs.protocol, Protocol::HttpProtobuf);
    let told: Vec<_> = settings.warnings.iter().collect();
    assert!(told.len() == 1 && told[0].starts_with("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL says http/json"), "{told:?}");
}

/// What is wrong with the traces alone is found where they are exported.
#[test]
fn settings_of_traces_stop_no_records() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "jaeger:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "token"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/key.pem"),
    ] {
        let error = read(&[(variable, value)]).unwrap().traces.unwrap_err().to_string();
        assert!(error.starts_with(variable), "{error}");
    }
}

/// What a file of ours says in the place of a variable stays strict.
#[cfg(feature = "internals")]
#[test]
fn what_our_own_file_says_has_to_be_right() {
    for (variable, value) in [("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"), ("OTEL_TRACES_EXPORTER", "zipkin")] {
        let mut environment = Environment::from_iter([("HOME", "/home/weather")]);
        assert!(environment.default_to(variable, value));
        let overrides = Overrides { service_name: Some("weather".into()), ..Overrides::default() };
        let error = Settings::read(&overrides, &environment).unwrap_err().to_string();
        assert!(error.starts_with(variable), "{error}");
    }
}

/// A Service called `auditrail` puts these into every pod of its namespace.
#[test]
fn what_kubernetes_injects_is_no_setting_and_a_misspelt_one_is_still_refused() {
    let injected = [
        ("AUDITRAIL_PORT", "tcp://10.96.0.17:4317"),
        ("AUDITRAIL_SERVICE_HOST", "10.96.0.17"),
        ("AUDITRAIL_SERVICE_PORT", "4317"),
        ("AUDITRAIL_COLLECTOR_PORT_4317_TCP_ADDR", "10.96.0.18"),
    ];
    assert!(read(&injected).is_ok());
    let misspelt = [("AUDITRAIL_JOURNAL_MAXBYTES", "1048576")];
    let error = read(&[&injected[..], &misspelt].concat()).unwrap_err().to_string();
    assert!(error.starts_with("AUDITRAIL_JOURNAL_MAXBYTES is set, but auditrail has no such setting"), "{error}");
}

/// Headers carry tokens, endpoints carry passwords: no message repeats them.
#[test]
fn secrets_are_not_repeated() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer hunter2,oops"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2%"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:hunter2@collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hunter2@collector:4317"),
    ] {
        assert!(!read(&[(variable, value)]).unwrap_err().to_string().contains("hunter2"));
    }
    let settings = read(&[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

/// A secret in the wrong place, or of the wrong kind.
#[test]
fn no_variable_repeats_what_does_not_belong_there() {
    let variables = [
        "AUDITRAIL_DIR",
        "AUDITRAIL_FLUSH_TIMEOUT",
        "AUDITRAIL_JOURNAL_MAX_BYTES",
        "AUDITRAIL_QUARANTINE_MAX_BYTES",
        "AUDITRAIL_QUARANTINE_WHEN_FULL",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
    ];
    let sampler = [("OTEL_TRACES_SAMPLER", "traceidratio")];
    for (variable, more) in
        variables.map(|variable| (variable, &[][..])).into_iter().chain([("OTEL_TRACES_SAMPLER_ARG", &sampler[..])])
    {
        for value in ["sk-live-hunter2", "https:u:hunter2@h", "u%3ahunter2%40h", "-----BEGIN KEY-----\nhunter2"] {
            let said = match read(&[more, &[(variable, value)]].concat()) {
                Err(error) => format!("{error} {error:?}"),
                Ok(Settings { traces: Err(error), .. }) => format!("{error} {error:?}"),
                Ok(settings) => {
                    let mut told = settings.warnings.iter().chain(settings.trace_warnings.iter());
                    told.next().unwrap_or_else(|| panic!("{variable}={value} is right")).to_owned()
                }
            };
            assert!(said.contains(variable) && !said.contains("hunter2"), "{said}");
        }
    }
    let unused = [("AUDITRAIL_HUNTER", "hunter2")];
    assert!(!read(&unused).unwrap_err().to_string().contains("hunter2"));
    let keyed = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector/?api_key=hunter2")]).unwrap();
    assert_eq!(keyed.logs.shown_endpoint(), "http://collector/?(hidden)");
}

/// Opening a pipe that nobody writes to would wait for ever.
#[cfg(feature = "tls")]
#[test]
fn certificates_are_regular_files() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    for path in [pipe.to_str().unwrap(), "/dev/zero", "/"] {
        let variables =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", path)];
        let error = read(&variables).unwrap_err().to_string();
        assert!(error.contains("it is not a regular file"), "{path}: {error}");
    }
}

/// The host may go to another directory while it runs, and the file would be another one.
#[test]
fn a_file_that_the_code_names_stays_where_it_is() {
    let overrides = Overrides {
        service_name: Some("weather".into()),
        sinks: Some(vec![SinkKind::File]),
        file: Some("log/trail.jsonl".into()),
        ..Overrides::default()
    };
    let settings = Settings::read(&overrides, &Environment::from_iter([("HOME", "/home/weather")])).unwrap();
    let expected = std::env::current_dir().unwrap().join("log/trail.jsonl");
    assert_eq!(settings.sinks.file.unwrap().path, expected);
}

#[test]
fn a_service_needs_a_name() {
    let error = Settings::read(&Overrides::default(), &Environment::from_iter([("HOME", "/home/weather")]))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("OTEL_SERVICE_NAME is not set: ") && error.contains("Trail::builder"), "{error}");
}
