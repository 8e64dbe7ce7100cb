//! Builds a trail.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use super::gap::Gaps;
use super::hooks::Hooks;
use super::watch::SpanWatch;
use super::{Actor, Call, Core, Failure, RequestFacts, Trail};
use crate::config::{ConfigError, Environment, Notice, Notices, Overrides, Settings};
use crate::journal::Journal;
use crate::policy::{AllowList, Decision, Limits};
use crate::record::{Clock, Entropy, RecordId, StreamId, SystemClock, ThreadEntropy};
use crate::ship::{
    Cargo, Connector, GaveUp, OtlpConnector, Reports, ShipError, Shipper, encode_resource, encode_scope,
};

/// Builds a [`Trail`]. What is said here wins over the environment.
#[derive(Debug)]
#[must_use = "nothing is audited before start()"]
pub struct TrailBuilder {
    overrides: Overrides,
    environment: Option<Environment>,
    allow: AllowList,
    limits: Limits,
    hooks: Hooks,
    notices: Notices,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    connector: Option<Arc<dyn Connector>>,
    keeps_unsampled_callers: bool,
}

/// The trail did not start; nothing is audited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A mistake in the configuration.
    #[error("auditrail does not start: {0}")]
    Config(#[from] ConfigError),
    /// The shipper.
    #[error("auditrail does not start: {0}")]
    Ship(#[from] ShipError),
    /// No transport.
    #[error(
        "auditrail does not start: it was built without a transport; enable the feature otlp-grpc or otlp-http, or give the builder a connector"
    )]
    NoConnector,
}

impl TrailBuilder {
    pub(super) fn new(service_name: String) -> Self {
        Self {
            overrides: Overrides { service_name: Some(service_name), ..Overrides::default() },
            environment: None,
            allow: AllowList::default(),
            limits: Limits::default(),
            hooks: Hooks::default(),
            notices: Notices::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(ThreadEntropy),
            connector: default_connector(),
            keeps_unsampled_callers: false,
        }
    }

    /// The collector, such as `http://localhost:4317` (`OTEL_EXPORTER_OTLP_ENDPOINT`), for records and traces.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.overrides.endpoint = Some(endpoint.into());
        self
    }

    /// A resource attribute, such as `deployment.environment.name`.
    pub fn resource(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.resource.push((key.into(), value.into()));
        self
    }

    /// How many bytes of records may wait for the collector (`AUDITRAIL_JOURNAL_MAX_BYTES`, 64 MiB).
    pub fn journal_max_bytes(mut self, bytes: usize) -> Self {
        self.overrides.journal_max_bytes = Some(bytes);
        self
    }

    /// How long the end of the process may wait for the collector (`AUDITRAIL_FLUSH_TIMEOUT`, 1.2 s).
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.overrides.flush_timeout = Some(timeout);
        self
    }

    /// How long a value may be.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Lets fields of that name leave on records and spans, too. You answer for what is in them.
    pub fn allow_field(mut self, name: impl Into<String>) -> Self {
        self.allow.add(name);
        self
    }

    /// Finds out who acts. Without it, or where it answers `None`, the actor is `anonymous`.
    pub fn actor(mut self, extract: impl Fn(&RequestFacts<'_>) -> Option<Actor> + Send + Sync + 'static) -> Self {
        self.hooks.actor = Some(Arc::new(extract));
        self
    }

    /// Decides before a call runs. A denied call is answered with a JSON-RPC error and its handler does not run. It
    /// guards what goes through [`Trail::begin`] (the rmcp wrapper); a hand-annotated span cannot be refused.
    pub fn authorize(mut self, decide: impl Fn(&Call) -> Decision + Send + Sync + 'static) -> Self {
        self.hooks.authorize = Some(Arc::new(decide));
        self
    }

    /// Tells denials by the handlers themselves from other failures: they are recorded as `denied`.
    pub fn denied_when(mut self, is_denial: impl Fn(&Failure<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.denied = Some(Arc::new(is_denial));
        self
    }

    /// Audits spans that carry none of the fields `mcp.method.name` and `auditrail.event`. Asked once per call site.
    pub fn audited_when(
        mut self,
        is_audited: impl Fn(&tracing::Metadata<'static>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.audited = Some(Arc::new(is_audited));
        self
    }

    /// Keeps the trace of an audited call even where the caller's trace context says that it does not sample. The
    /// record is there in any case.
    pub fn trace_unsampled_callers(mut self, keep: bool) -> Self {
        self.keeps_unsampled_callers = keep;
        self
    }

    /// Where auditrail says that something is wrong; standard error by default. Must not block.
    pub fn on_notice(mut self, sink: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.notices = Notices::to(sink);
        self
    }

    /// The environment to read instead of the process's own.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Another way to the collector.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// Another clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of chance.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Starts the trail.
    ///
    /// # Errors
    /// [`StartError`], with the setting, its value and the fix. A collector that is away is no error: records wait.
    pub fn start(self) -> Result<Trail, StartError> {
        let environment = self.environment.unwrap_or_else(Environment::of_process);
        let mut settings = Settings::read(&self.overrides, &environment)?;
        let connector = self.connector.ok_or(StartError::NoConnector)?;
        if settings.resource.get(INSTANCE_ID).is_none() {
            let id = instance_id(&*self.clock, &*self.entropy);
            settings.resource.attributes.push((INSTANCE_ID.into(), id.to_string()));
        }
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        let stream = StreamId::new(self.clock.unix_nano(), &random);
        let resource = encode_resource(&settings.resource.attributes);
        let (journal, reader) = Journal::in_memory(settings.journal_max_bytes, stream, resource, encode_scope());
        let cargo = Cargo {
            connector,
            notices: self.notices.clone(),
            entropy: self.entropy.clone(),
            reports: Arc::new(CountedOnly),
        };
        let shipper = Shipper::start(reader, cargo, &settings.logs)?;
        Ok(Trail::new(Arc::new(Core {
            settings,
            journal,
            shipper,
            clock: self.clock,
            entropy: self.entropy,
            allow: self.allow,
            limits: self.limits,
            hooks: self.hooks,
            notices: self.notices,
            gaps: Gaps::default(),
            watch: SpanWatch::default(),
            keeps_unsampled_callers: self.keeps_unsampled_callers,
            audited_names: RwLock::default(),
            closing: Mutex::default(),
        })))
    }
}

fn instance_id(clock: &dyn Clock, entropy: &dyn Entropy) -> RecordId {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    RecordId::new(clock.unix_nano(), &random)
}

fn default_connector() -> Option<Arc<dyn Connector>> {
    cfg!(any(feature = "otlp-grpc", feature = "otlp-http")).then(|| Arc::new(OtlpConnector) as Arc<dyn Connector>)
}

/// The shipper counts what it gives up; gap records are made from its counters.
#[derive(Debug)]
struct CountedOnly;

impl Reports for CountedOnly {
    fn gave_up(&self, _: GaveUp) {}

    fn degraded(&self, _: &'static str) {}

    fn recovered(&self) {}
}

const INSTANCE_ID: &str = "service.instance.id";
