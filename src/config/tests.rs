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
    assert_eq!(settings.traces.endpoint.host(), Some("general"));
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
        [settings.logs.endpoint.to_string(), settings.traces.endpoint.to_string()]
    };
    assert_eq!(urls(&[]), ["http://localhost:4318/v1/logs", "http://localhost:4318/v1/traces"]);
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector/tenant/");
    assert_eq!(urls(&[general]), ["http://collector/tenant/v1/logs", "http://collector/tenant/v1/traces"]);
    let own = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1/take");
    assert_eq!(urls(&[general, own]), ["http://logs:1/take", "http://collector/tenant/v1/traces"]);
    let bare = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://logs:1");
    assert_eq!(urls(&[bare])[0], "http://logs:1/", "used as it is");
    let settings = read(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")]).unwrap();
    assert_eq!((settings.logs.protocol, settings.traces.protocol), (Protocol::Grpc, Protocol::HttpProtobuf));
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
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json", "in its binary form only; set http/protobuf"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon", "unknown protocol; set grpc or http/protobuf"),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "/ca.pem",
            "is not https://, so it would not be used; set an https:// endpoint",
        ),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem", "is not https://, so it would not be used"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", r#"="(not shown)" cannot be used: not a number; set whole milliseconds"#),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "0", "no request could ever be answered in time; set milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "set gzip or none"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b", "entry 2: there is no '='"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%zz", "entry 1: a '%' is not followed"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=1", "entry 1: the name is not the name of a header"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,team", "entry 2: there is no '='"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "set always_on"),
        ("AUDITRAIL_JOURNAL_MAX_BYTES", "64M", "set a number of bytes"),
        ("AUDITRAIL_JOURNAL_MAX_BYTES", "0", "the journal needs room for some segments; set at least 262144"),
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
    for variable in variables {
        for value in ["sk-live-hunter2", "https:u:hunter2@h", "u%3ahunter2%40h", "-----BEGIN KEY-----\nhunter2"] {
            let error = read(&[(variable, value)]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
    let sampler = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "hunter2")];
    assert!(!read(&sampler).unwrap_err().to_string().contains("hunter2"));
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
        assert!(error.contains("it is no regular file"), "{path}: {error}");
    }
}

#[test]
fn a_service_needs_a_name() {
    let error = Settings::read(&Overrides::default(), &Environment::from_iter([("HOME", "/home/weather")]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("OTEL_SERVICE_NAME") && error.contains("Trail::builder"), "{error}");
}
