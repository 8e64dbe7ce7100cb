//! Variables that an orchestrator adds to every process, and whose names coincidentally begin like ours.

/// Whether Kubernetes injects that variable for a Service called `auditrail` or `auditrail-…`, judging by its name
/// and its value ([Kubernetes, "Environment variables"], which follow Docker's links). None of our settings has such
/// a name, and a mistyped one does not have such a value.
///
/// [Kubernetes, "Environment variables"]: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
pub(super) fn is_injected(variable: &str, value: &str) -> bool {
    let Some(rest) = variable.strip_prefix("AUDITRAIL_") else { return false };
    // Before the Service's own words, there is `AUDITRAIL_` and possibly the rest of the Service's name.
    let ends: [(&str, Shape); 3] = [("SERVICE_HOST", is_address), ("SERVICE_PORT", is_port), ("PORT", is_url)];
    if ends.iter().any(|(end, is_shape)| is_word_at_end(rest, end) && is_shape(value)) {
        return true;
    }
    let named_port = rest.find("SERVICE_PORT_").is_some_and(|at| is_begin_of_word(rest, at));
    (named_port && is_port(value)) || is_of_port(rest, value)
}

type Shape = fn(&str) -> bool;

/// `PORT_4317_TCP`, and what follows it.
fn is_of_port(rest: &str, value: &str) -> bool {
    let (before, is_shape): (&str, Shape) = if let Some(before) = rest.strip_suffix("_PROTO") {
        (before, is_protocol)
    } else if let Some(before) = rest.strip_suffix("_PORT") {
        (before, is_port)
    } else if let Some(before) = rest.strip_suffix("_ADDR") {
        (before, is_address)
    } else {
        (rest, is_url)
    };
    let Some((before, protocol)) = before.rsplit_once('_') else { return false };
    let Some((before, port)) = before.rsplit_once('_') else { return false };
    is_protocol(&protocol.to_ascii_lowercase()) && is_port(port) && is_word_at_end(before, "PORT") && is_shape(value)
}

fn is_word_at_end(text: &str, end: &str) -> bool {
    text.strip_suffix(end).is_some_and(|before| is_begin_of_word(text, before.len()))
}

fn is_begin_of_word(text: &str, at: usize) -> bool {
    at == 0 || text.get(..at).is_some_and(|before| before.ends_with('_'))
}

fn is_address(value: &str) -> bool {
    value.parse::<std::net::IpAddr>().is_ok()
}

fn is_port(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u16>().is_ok()
}

fn is_protocol(value: &str) -> bool {
    matches!(value, "tcp" | "udp" | "sctp")
}

/// `tcp://10.0.0.1:4317`.
fn is_url(value: &str) -> bool {
    value
        .split_once("://")
        .is_some_and(|(protocol, address)| is_protocol(protocol) && address.parse::<std::net::SocketAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::is_injected;

    /// As `kubectl exec POD -- env` shows them, for Services `auditrail`, `auditrail-collector` and one with named ports.
    #[test]
    fn what_kubernetes_says_of_services_is_no_setting() {
        for line in [
            "AUDITRAIL_PORT=tcp://10.96.0.17:4317",
            "AUDITRAIL_PORT=udp://[fd00:10:96::11]:4317",
            "AUDITRAIL_SERVICE_HOST=10.96.0.17",
            "AUDITRAIL_SERVICE_HOST=fd00:10:96::11",
            "AUDITRAIL_SERVICE_PORT=4317",
            "AUDITRAIL_SERVICE_PORT_OTLP_GRPC=4317",
            "AUDITRAIL_PORT_4317_TCP=tcp://10.96.0.17:4317",
            "AUDITRAIL_PORT_4317_TCP_PROTO=tcp",
            "AUDITRAIL_PORT_4317_TCP_PORT=4317",
            "AUDITRAIL_PORT_4317_TCP_ADDR=10.96.0.17",
            "AUDITRAIL_PORT_53_UDP_PROTO=udp",
            "AUDITRAIL_COLLECTOR_PORT=tcp://10.96.0.18:4317",
            "AUDITRAIL_COLLECTOR_SERVICE_HOST=10.96.0.18",
            "AUDITRAIL_COLLECTOR_SERVICE_PORT=4317",
            "AUDITRAIL_COLLECTOR_SERVICE_PORT_HTTP=4318",
            "AUDITRAIL_COLLECTOR_PORT_4317_TCP_ADDR=10.96.0.18",
            "AUDITRAIL_JOURNAL_MAX_BYTES_SERVICE_HOST=10.96.0.19",
        ] {
            let (variable, value) = line.split_once('=').unwrap();
            assert!(is_injected(variable, value), "{line}");
        }
    }

    #[test]
    fn what_is_nearly_a_setting_is_not_taken_for_it() {
        for line in [
            "AUDITRAIL_JOURNAL_MAXBYTES=1048576",
            "AUDITRAIL_PORT=8080",
            "AUDITRAIL_PORT=http://collector:4317",
            "AUDITRAIL_PORT=tcp://collector:4317",
            "AUDITRAIL_SERVICE_HOST=collector",
            "AUDITRAIL_SERVICE_PORT=otlp",
            "AUDITRAIL_SERVICE_PORT=99999",
            "AUDITRAIL_SERVICE_PORT=+80",
            "AUDITRAIL_SERVICE_NAME=weather",
            "AUDITRAIL_REPORT=tcp://10.96.0.17:4317",
            "AUDITRAIL_MICROSERVICE_HOST=10.96.0.17",
            "AUDITRAIL_HOST=10.96.0.17",
            "AUDITRAIL_PORT_TCP=tcp://10.96.0.17:4317",
            "AUDITRAIL_PORT_4317_TCP_ADDR=collector",
            "AUDITRAIL_4317_TCP_ADDR=10.96.0.17",
            "AUDITRAIL_DIR=10.96.0.17",
            "OTEL_PORT=tcp://10.96.0.17:4317",
        ] {
            let (variable, value) = line.split_once('=').unwrap();
            assert!(!is_injected(variable, value), "{line}");
        }
    }
}
