//! Builds a trail.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[cfg(feature = "mcp")]
use super::calls::ContentKeys;
use super::calls::{Call, Class, WhenFull};
use super::core::{AdoptionProgress, CaptureContext, Core, Delivery, OpenCalls, Policies, PolicyContext, PolicySource};
use super::digest_key::{DigestClass, DigestKey};
use super::handle::Trail;
use super::hooks::{Failure, Hooks};
use super::identity::ActorCounts;
use super::lifecycle::{Adoption, AdoptionEvent, Lanes};
use super::otel::{MissingIdsWarnings, Reach, UnauditedSpans};
use super::recording::{Gaps, HostLog, Recorder, SelfReporter};
use super::records::Lifecycle;
use super::sinks;
use super::start_error::StartError;
use super::wire_counts::WireCounters;
use crate::config::{
    Auditing, ConfigError, DISABLED, Environment, JournalWithout, Notice, Notices, Overrides, QuarantineFull, Settings,
    SinkKind,
};
#[cfg(feature = "tower")]
use crate::identity::TrustedHops;
use crate::identity::{Actor, Chain, Extractor, ExtractorStart, HOOK, Hook, IdDigests, RequestFacts, UnverifiedAlarm};
use crate::journal::{Disk, Fs, Journal, JournalOptions, Opened, QuarantineBound, Tolerant, Without};
use crate::locks::{Mutex, RwLock};
use crate::policy::{AllowList, Bounds, Decision, DenialRules, Policy, TargetMap, Truncator, ValueLimits};
use crate::record::{Clock, Entropy, RecordId, StreamId, SystemClock, ThreadEntropy, names};
use crate::ship::{Connector, OtlpConnector, ShipError, ShipperContext, encode_resource, encode_scope};

/// Builds a [`Trail`]. Settings made here override the environment.
#[derive(Debug)]
#[must_use = "nothing is audited before start()"]
pub struct TrailBuilder {
    overrides: Overrides,
    environment: Option<Environment>,
    allow: AllowList,
    limits: ValueLimits,
    bounds: Bounds,
    chain: Chain,
    unverified_alarm: UnverifiedAlarm,
    targets: TargetMap,
    hooks: Hooks,
    notices: Notices,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    class: Class,
    classes: Vec<Class>,
    policy: Policy,
    policy_source: Option<PolicySource>,
    fs: Arc<dyn Fs>,
    connector: Option<Arc<dyn Connector>>,
    keeps_unsampled_callers: bool,
    records_tool_definitions: bool,
}

impl Trail {
    /// Builds a trail for the service of that name (`service.name`).
    pub fn builder(service_name: impl Into<String>) -> TrailBuilder {
        TrailBuilder::new(service_name.into())
    }
}

impl TrailBuilder {
    pub(super) fn new(service_name: String) -> Self {
        Self {
            overrides: Overrides { service_name: Some(service_name), ..Overrides::default() },
            environment: None,
            allow: AllowList::default(),
            limits: ValueLimits::default(),
            bounds: Bounds::default(),
            chain: Chain::default(),
            unverified_alarm: UnverifiedAlarm::default(),
            targets: TargetMap::default(),
            hooks: Hooks::default(),
            notices: Notices::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(ThreadEntropy),
            class: Class::default(),
            classes: Vec::new(),
            policy: Policy::default(),
            policy_source: None,
            fs: Arc::new(Disk::default()),
            connector: default_connector(),
            keeps_unsampled_callers: false,
            records_tool_definitions: false,
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

    /// The state directory of the service (`AUDITRAIL_DIR`). It holds the journal, readable only by this user.
    /// All processes of the service share it. Default: `auditrail/SERVICE` in `STATE_DIRECTORY`, `XDG_STATE_HOME` or
    /// `~/.local/state`.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.overrides.directory = Some(directory.into());
        self
    }

    /// How many bytes the segments of the journal may use on disk (`AUDITRAIL_JOURNAL_MAX_BYTES`, 1 GiB).
    pub fn journal_max_bytes(mut self, bytes: u64) -> Self {
        self.overrides.journal_max_bytes = Some(bytes);
        self
    }

    /// Features that the file system of the journal may lack (`AUDITRAIL_JOURNAL_WITHOUT`). By default the trail does not start
    /// on a file system that cannot sync directories or lock files, such as some network file systems.
    pub fn journal_without(mut self, without: JournalWithout) -> Self {
        self.overrides.journal_without = Some(without);
        self
    }

    /// How many bytes the files of the quarantine may use on disk (`AUDITRAIL_QUARANTINE_MAX_BYTES`, 256 MiB).
    pub fn quarantine_max_bytes(mut self, bytes: u64) -> Self {
        self.overrides.quarantine_max_bytes = Some(bytes);
        self
    }

    /// What happens when the quarantine is full (`AUDITRAIL_QUARANTINE_WHEN_FULL`). By default the oldest files are removed, and a
    /// gap record reports them.
    pub fn quarantine_when_full(mut self, when_full: QuarantineFull) -> Self {
        self.overrides.quarantine_when_full = Some(when_full);
        self
    }

    /// Where records go (`AUDITRAIL_SINK`); by default to the collector. A record leaves the journal when all of these have
    /// it, apart from [`SinkKind::Log`], which only gets copies.
    pub fn sinks(mut self, sinks: impl IntoIterator<Item = SinkKind>) -> Self {
        self.overrides.sinks = Some(sinks.into_iter().collect());
        self
    }

    /// The file of [`SinkKind::File`] (`AUDITRAIL_FILE`, `trail.jsonl` in the state directory). Processes of a service may
    /// share it.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.overrides.file = Some(path.into());
        self
    }

    /// The size at which that file is rotated (`AUDITRAIL_FILE_MAX_BYTES`, 100 MiB).
    pub fn file_max_bytes(mut self, bytes: u64) -> Self {
        self.overrides.file_max_bytes = Some(bytes);
        self
    }

    /// How many rotated files are kept (`AUDITRAIL_FILE_KEEP`, 10). Older ones are removed.
    pub fn file_keep(mut self, files: u32) -> Self {
        self.overrides.file_keep = Some(files);
        self
    }

    /// Turns auditing off (`AUDITRAIL_DISABLED`): calls run, and the trail has one record, which says so.
    pub fn auditing(mut self, auditing: Auditing) -> Self {
        self.overrides.auditing = Some(auditing);
        self
    }

    /// How long the process may wait for the collector when it ends (`AUDITRAIL_FLUSH_TIMEOUT`, 1.2 s).
    pub fn flush_timeout(mut self, timeout: Duration) -> Self {
        self.overrides.flush_timeout = Some(timeout);
        self
    }

    /// How long attribute values may be.
    pub fn value_limits(mut self, limits: ValueLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What tools, prompts, resources and routes act on, and which actions must be allowed for that: `audit.target.type`,
    /// `audit.target.id` and `auditrail.target.actions`, unless a handler's span sets them itself.
    pub fn targets(mut self, targets: TargetMap) -> Self {
        self.targets = targets;
        self
    }

    /// How much clients and servers may cost: bounds on records, memory and open calls.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Also exports fields of that name, on records and spans. You are responsible for what they contain.
    pub fn allow_field(mut self, name: impl Into<String>) -> Self {
        self.allow.add(name);
        self
    }

    /// Which calls are recorded, how, and with which class. By default every call leaves both of its records. A trail can get
    /// another policy while it runs: [`Trail::reload_policy`].
    pub fn policy(mut self, policy: Policy) -> Self {
        (self.policy, self.policy_source) = (policy, None);
        self
    }

    /// The [policy](Self::policy) of a TOML file (`docs/policy.md`), which is read again when it changes. A file that cannot be
    /// used stops the start; later it leaves the policy as it was, and is an alarm.
    #[cfg(feature = "policy-file")]
    pub fn policy_file(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let read = path.clone();
        self.policy_source([path], move || Policy::from_file(&read).map_err(|error| error.to_string()))
    }

    /// The [policy](Self::policy) that a function reads from these files, at the start and whenever one of them changes.
    pub fn policy_source(
        mut self,
        paths: impl IntoIterator<Item = PathBuf>,
        read: impl Fn() -> Result<Policy, String> + Send + Sync + 'static,
    ) -> Self {
        self.policy_source = Some(PolicySource::new(paths.into_iter().collect(), read));
        self
    }

    /// The class of every call, unless [`classify`](Self::classify) returns another, or its rule in the
    /// [policy](Self::policy) names one.
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Returns the class of a call: how durable its records must be before it continues, and whether it may run
    /// without them. Called when the call begins, unless the rule of the call in the [policy](Self::policy) names a class: a rule
    /// that names one is meant for fewer calls than a function that answers for all.
    pub fn classify(mut self, class_of: impl Fn(&Call) -> Class + Send + Sync + 'static) -> Self {
        self.hooks.class = Some(Arc::new(class_of));
        self
    }

    /// The classes that [`classify`](Self::classify) may return, so that the start fails if one of them cannot be kept: one that
    /// waits for a collector where there is none, or one that refuses to run unrecorded where auditing is off.
    pub fn classes(mut self, classes: impl IntoIterator<Item = Class>) -> Self {
        self.classes = classes.into_iter().collect();
        self
    }

    /// Adds an extractor to the chain that finds out who acts. The first one with an answer decides. Middleware is asked before
    /// all of them, by the [`VerifiedClaims`](crate::identity::VerifiedClaims) that it leaves; if nobody has an answer, the actor
    /// is `anonymous`.
    pub fn identify(mut self, extractor: impl Extractor + 'static) -> Self {
        self.chain.add(Arc::new(extractor));
        self
    }

    /// The proxies in front of the server. Their headers name the client, for `client.address` and for
    /// [`IdentityFields`](crate::identity::IdentityFields); those of all others say nothing.
    #[cfg(feature = "tower")]
    pub fn trusted_hops(mut self, hops: TrustedHops) -> Self {
        self.chain.hops = hops;
        self
    }

    /// Adds a function of your own to that chain, with the source `hook`. There is one such function: a later one replaces it.
    pub fn actor(mut self, extract: impl Fn(&RequestFacts<'_>) -> Option<Actor> + Send + Sync + 'static) -> Self {
        self.chain.replace(HOOK, Arc::new(Hook(extract)));
        self
    }

    /// From which share of calls on it is an alarm that their actors are not verified.
    pub fn unverified_alarm(mut self, alarm: UnverifiedAlarm) -> Self {
        self.unverified_alarm = alarm;
        self
    }

    /// Decides whether a call may run. A denied call is answered with a JSON-RPC error, and its handler does not run; nor does
    /// that of an escalated call, which a person has to approve. Each of them has a record `auditrail.authz`. The hook applies to calls that go through [`Trail::begin`] (the rmcp wrapper); a hand-annotated span cannot be refused.
    pub fn authorize(mut self, decide: impl Fn(&Call) -> Decision + Send + Sync + 'static) -> Self {
        self.hooks.authorize = Some(Arc::new(decide));
        self
    }

    /// Whether allowed calls have a record of the decision, too (`auditrail.authz`), which costs a third record for each
    /// call. Denied and escalated calls always have one. The response half says in either case what was decided.
    pub fn record_allowed(mut self, record: bool) -> Self {
        self.hooks.records_allowed = record;
        self
    }

    /// Recognizes failures that are denials by a server; they are recorded as `denied`, with the name of the rule.
    pub fn denials(mut self, rules: DenialRules) -> Self {
        self.hooks.denials = rules;
        self
    }

    /// Recognizes failures that are denials by a handler; they are recorded as `denied`. Asked after
    /// [`denials`](Self::denials).
    pub fn denied_when(mut self, is_denial: impl Fn(&Failure<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.denied = Some(Arc::new(is_denial));
        self
    }

    /// Selects spans to audit that have neither `mcp.method.name` nor `auditrail.event`. Called once per call site.
    pub fn audited_when(
        mut self,
        is_audited: impl Fn(&tracing::Metadata<'static>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.audited = Some(Arc::new(is_audited));
        self
    }

    /// Keeps the trace of an audited call even if the caller's trace context is not sampled. The records are written
    /// in either case.
    pub fn trace_unsampled_callers(mut self, keep: bool) -> Self {
        self.keeps_unsampled_callers = keep;
        self
    }

    /// Records the definition of a tool, in canonical form and up to 16 KiB, when a list has it for the first time
    /// (`auditrail.mcp.tool.definition`), so that two definitions can be compared later. Off by default: descriptions and schemas
    /// are texts of the server, which may contain secrets; their digest is recorded in any case.
    pub fn record_tool_definitions(mut self, record: bool) -> Self {
        self.records_tool_definitions = record;
        self
    }

    /// Records digest and size of what tools and prompts are given (`auditrail.arguments.digest`, `.size`), and of what tools,
    /// prompts and resources give (`auditrail.result.digest`, `.size`, `.count`): HMAC-SHA256 with keys that are derived from
    /// `digest.key`, with which its holder can verify a guess (`auditrail hash`). On all routes but the annotated spans
    /// (`AUDITRAIL_RECORD_DIGESTS`). Off by default: a tap holds up to 64 KiB of each for it, and the wrapper serializes both once
    /// more.
    pub fn record_digests(mut self, record: bool) -> Self {
        self.overrides.record_digests = Some(record);
        self
    }

    /// Receives notices about problems; standard error by default. Must not block.
    pub fn on_notice(mut self, sink: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.notices = Notices::to(sink);
        self
    }

    /// The environment to read, in place of the process environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Replaces the connection to the collector.
    pub fn connector(mut self, connector: impl Connector) -> Self {
        self.connector = Some(Arc::new(connector));
        self
    }

    /// Replaces the file system.
    pub fn fs(mut self, fs: impl Fs) -> Self {
        self.fs = Arc::new(fs);
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the source of random bytes.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Starts the trail.
    ///
    /// # Errors
    /// [`StartError`], with the setting, its value and the fix. An unreachable collector is not an error: records wait.
    pub fn start(self) -> Result<Trail, StartError> {
        self.start_adopting(|_| ())
    }

    /// Starts the trail, and reports what happens to the streams of earlier processes.
    pub(super) fn start_adopting(
        mut self,
        tell: impl Fn(AdoptionEvent) + Send + Sync + 'static,
    ) -> Result<Trail, StartError> {
        let environment = self.environment.unwrap_or_else(Environment::of_process);
        let mut settings = Settings::read(&self.overrides, &environment)?;
        settings.warnings.iter().for_each(|text| self.notices.warn(text));
        let own_class = ("class() of the builder", self.class);
        let known: Vec<_> = self.classes.iter().map(|class| (CLASSES, *class)).chain([own_class]).collect();
        check_classes(&settings, &known)?;
        if let Some(source) = &mut self.policy_source {
            self.policy = source.begin().map_err(StartError::Policy)?;
        }
        check_policy(&settings, &self.policy)?;
        let destinations = sinks::destinations(&settings.sinks, self.connector, &self.notices)?;
        if settings.resource.get(names::SERVICE_INSTANCE_ID).is_none() {
            let id = instance_id(&*self.clock, &*self.entropy);
            settings.resource.attributes.push((names::SERVICE_INSTANCE_ID.into(), id.to_string()));
        }
        let JournalWithout { directory_sync, lock, .. } = settings.journal_without;
        let tolerant = Tolerant::new(self.fs, Without { directory_sync, lock });
        let fs: Arc<dyn Fs> = Arc::new(tolerant.clone());
        let copies = settings.sinks.log.then(HostLog::start).transpose().map_err(ShipError::Thread)?.map(Arc::new);
        let reporter =
            Arc::new(SelfReporter::new(self.clock.clone(), self.entropy.clone(), self.notices.clone(), copies.clone()));
        let options = JournalOptions {
            max_bytes: settings.journal_max_bytes,
            quarantine: QuarantineBound::new(
                settings.quarantine.max_bytes,
                settings.quarantine.when_full == QuarantineFull::Refuse,
            ),
            resource: encode_resource(&settings.resource.attributes),
            scope: encode_scope(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            sinks: sinks::required(&destinations),
            watcher: reporter.clone(),
            fs: fs.clone(),
            ..JournalOptions::new(settings.directory.join("journal"))
        };
        let earlier = settings
            .earlier_directory
            .as_ref()
            .map(|directory| JournalOptions { directory: directory.join("journal"), ..options.clone() });
        let earlier = earlier.filter(|options| fs.identity(&options.directory.join("streams")).is_ok());
        let Opened { journal, reader, settler, others, previous, keeper, .. } = Journal::open(options.clone())?;
        let digest_key = DigestKey::of_file(&*fs, &*self.entropy, &settings.directory.join(DIGEST_KEY))?;
        let digests = IdDigests::new(digest_key.key_for(DigestClass::Content), digest_key.id());
        self.chain.start(&ExtractorStart::new(self.notices.clone(), self.clock.clone(), digests))?;
        tell_missed(&tolerant, &settings, &self.notices);
        let truncator = Truncator::new(self.limits, digest_key.key_for(DigestClass::Truncated), digest_key.id());
        reporter.begin(journal.clone(), first_record(&settings, previous, &self.notices));
        let context =
            ShipperContext { notices: self.notices.clone(), entropy: self.entropy.clone(), reports: reporter.clone() };
        let (shipper, others) = sinks::start(destinations, (reader, settler), others, &context, &settings.logs)?;
        let adopted = Arc::<AdoptionProgress>::default();
        let adoption = Adoption {
            options,
            earlier,
            reporter: reporter.clone(),
            notices: self.notices.clone(),
            clock: self.clock.clone(),
            done: adopted.clone(),
        };
        // On the shipper's thread: what waits for the disk there holds up nobody's call.
        shipper.runtime().spawn(adoption.run(Lanes::of(&shipper, &others), tell));
        let is_off = !settings.auditing.is_on();
        let known = settings.clone();
        let wants_content = Arc::new(AtomicBool::new(settings.record_digests));
        let policies = Arc::new(Policies::new(
            self.policy,
            self.policy_source,
            PolicyContext {
                reporter: reporter.clone(),
                notices: self.notices.clone(),
                check: Box::new(move |policy| check_policy(&known, policy)),
                wants_content: wants_content.clone(),
                is_off,
            },
        ));
        shipper.runtime().spawn(policies.clone().keep_up());
        let recorder = Recorder {
            journal,
            reporter,
            gaps: Gaps::default(),
            suppressed: policies.suppressed.clone(),
            clients: Arc::default(),
            clock: self.clock,
            entropy: self.entropy,
            truncator,
            patience: self.class.deadline,
            notices: self.notices.clone(),
            copies,
            is_off,
            warned_inherited: AtomicBool::new(false),
        };
        let records_digests = settings.record_digests;
        #[cfg(feature = "mcp")]
        let content_keys = {
            let classes = [DigestClass::Arguments, DigestClass::Result, DigestClass::Redacted];
            let keys = classes.map(|class| digest_key.key_for(class));
            Arc::new(ContentKeys::new(keys, digest_key.id(), wants_content))
        };
        let context = CaptureContext {
            settings,
            digest_key,
            allow: self.allow,
            bounds: self.bounds,
            actors: ActorCounts::new(self.unverified_alarm, self.chain.is_configured(), self.chain.can_verify()),
            chain: self.chain.telling(self.notices.clone()),
            targets: self.targets,
            hooks: self.hooks,
            unaudited_spans: UnauditedSpans::to(self.notices.clone()),
            reach: Reach::default(),
            missing_ids: MissingIdsWarnings::to(self.notices.clone()),
            notices: self.notices,
            wire_counters: WireCounters::default(),
            keeps_unsampled_callers: self.keeps_unsampled_callers,
            #[cfg(all(feature = "layer", feature = "logs"))]
            expects_bridge: AtomicBool::default(),
            records_tool_definitions: self.records_tool_definitions,
            records_digests,
            #[cfg(feature = "mcp")]
            content_keys,
            audited_names: RwLock::default(),
        };
        Ok(Trail::new(Arc::new(Core {
            context,
            class: self.class,
            policies,
            warned_unsafe: AtomicBool::new(false),
            open_calls: OpenCalls::default(),
            delivery: Delivery { shipper, others, _keeper: keeper, adopted, closing: Mutex::default() },
            recorder,
        })))
    }
}

/// Warns only about features that are actually missing, so that a setting which is no longer needed does no harm.
fn tell_missed(fs: &Tolerant, settings: &Settings, notices: &Notices) {
    let (missed, directory) = (fs.missed(), settings.directory.display());
    if missed.directory_sync {
        notices.warn(format!(
            "the file system of {directory} cannot sync directories: after a power loss, records that count as synced may be \
             gone with their files (AUDITRAIL_JOURNAL_WITHOUT accepts that)"
        ));
    }
    if missed.lock {
        notices.warn(format!(
            "the file system of {directory} has no locks: no two processes may use it at once, and nobody sees whether they do \
             (AUDITRAIL_JOURNAL_WITHOUT accepts that)"
        ));
    }
}

/// Refuses a policy with a class that cannot be kept.
fn check_policy(settings: &Settings, policy: &Policy) -> Result<(), ConfigError> {
    let known: Vec<_> = policy.classes().map(|class| (OF_POLICY, class)).collect();
    check_classes(settings, &known)
}

/// Refuses classes that cannot be kept.
fn check_classes(settings: &Settings, known: &[(&str, Class)]) -> Result<(), ConfigError> {
    sinks::check_remote(&settings.sinks, known)?;
    check_unrecorded(settings.auditing, known)
}

/// Refuses to run calls unrecorded of which the code says that they must not.
fn check_unrecorded(auditing: Auditing, classes: &[(&str, Class)]) -> Result<(), ConfigError> {
    match classes.iter().find(|(_, class)| class.when_full != WhenFull::Shed).filter(|_| auditing == Auditing::Off) {
        Some((source, _)) => Err(ConfigError::value(
            DISABLED,
            "true",
            format!("{source} has calls that must not run unrecorded"),
            "set all to run even those without a record, or false",
        )),
        None => Ok(()),
    }
}

/// What the stream begins with.
fn first_record(settings: &Settings, previous: Option<StreamId>, notices: &Notices) -> Lifecycle {
    let service = service(settings);
    if settings.auditing.is_on() {
        return Lifecycle::Started { service, previous };
    }
    notices.warn(OFF);
    Lifecycle::Disabled { service, previous }
}

/// The service of the stream, for its first record.
fn service(settings: &Settings) -> Vec<(&'static str, String)> {
    let known = [names::SERVICE_NAME, names::SERVICE_VERSION, names::SERVICE_INSTANCE_ID];
    known.into_iter().filter_map(|name| Some((name, settings.resource.get(name)?.to_owned()))).collect()
}

/// What errors call a class of the policy.
pub(crate) const OF_POLICY: &str = "a class of the policy";
/// What errors call a class that the code returns for some calls.
const CLASSES: &str = "a class of classify()";
const OFF: &str = "auditing is switched off (AUDITRAIL_DISABLED, or auditing() of the builder): calls run unrecorded, and the trail has \
                   one record that says so";
/// The file of the digest key, beside the journal.
const DIGEST_KEY: &str = "digest.key";

fn instance_id(clock: &dyn Clock, entropy: &dyn Entropy) -> RecordId {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    RecordId::new(clock.unix_nano(), &random)
}

fn default_connector() -> Option<Arc<dyn Connector>> {
    cfg!(any(feature = "otlp-grpc", feature = "otlp-http")).then(|| Arc::new(OtlpConnector) as Arc<dyn Connector>)
}
