//! Every name that an audit record may carry: one line a name, so that a rename is a change of one line.
//!
//! Sources, which still move: the draft OTel audit data model (OTEP 0267, text of 2026-06-03), the MCP and GenAI
//! semantic conventions (schema `gen-ai-dev/1.42.0-dev`, stability Development), the core conventions (1.44). What none
//! of them has lives under `auditrail.`.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The version of this contract, in `audit.schema.version`.
pub const SCHEMA_VERSION: &str = "1";

/// The schema URL of the instrumentation scope: the core conventions that the names follow.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// The name of the instrumentation scope.
pub const SCOPE_NAME: &str = "auditrail";

/// Arguments and results themselves. Only the trail sets them, after redaction.
pub(crate) const CONTENT: [&str; 5] = [
    GEN_AI_TOOL_CALL_ARGUMENTS,
    GEN_AI_TOOL_CALL_RESULT,
    AUDITRAIL_PROMPT_ARGUMENTS,
    AUDITRAIL_PROMPT_RESULT,
    AUDITRAIL_RESOURCE_RESULT,
];

/// Where a name is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Draft OTel audit data model (OTEP 0267).
    AuditModel,
    /// MCP and GenAI semantic conventions.
    McpConventions,
    /// OpenTelemetry core semantic conventions.
    CoreConventions,
    /// This project.
    Auditrail,
}

/// Who may set an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Only the trail: ids, halves, sequence, durations. An annotated span cannot set it.
    Trail,
    /// What happened in the end: an audited span may say it, a span inside an open call may not.
    Outcome,
    /// Facts that annotated spans and callers may add.
    Fact,
    /// Arguments and results, and what is derived from them. Never taken from a span.
    Content,
}

/// What the values of an attribute look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Str,
    /// A signed 64-bit integer.
    Int,
    /// An IEEE 754 double.
    Double,
    /// A boolean.
    Bool,
    /// An array of signed 64-bit integers. No span can set one.
    Ints,
    /// An array of strings; a single string in a span field becomes an array of one.
    Strs,
}

/// One attribute of the contract.
#[derive(Debug)]
pub struct Attribute {
    /// The exact name.
    pub name: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// Who may set it.
    pub role: Role,
    /// Where it is defined.
    pub source: Source,
}

/// The attribute of that exact name, if the contract has one.
#[must_use]
pub fn attribute(name: &str) -> Option<&'static Attribute> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Attribute>> =
        LazyLock::new(|| ATTRIBUTES.iter().map(|attribute| (attribute.name, attribute)).collect());
    BY_NAME.get(name).copied()
}

macro_rules! attributes {
    ($($constant:ident = $name:literal $kind:ident $role:ident $source:ident;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*

        /// The whole contract.
        pub const ATTRIBUTES: &[Attribute] = &[
            $(Attribute { name: $constant, kind: Kind::$kind, role: Role::$role, source: Source::$source },)*
        ];
    };
}

attributes! {
    AUDIT_RECORD_ID = "audit.record.id" Str Trail AuditModel;
    AUDIT_ACTOR_ID = "audit.actor.id" Str Fact AuditModel;
    AUDIT_ACTOR_TYPE = "audit.actor.type" Str Fact AuditModel;
    AUDIT_ACTION = "audit.action" Str Fact AuditModel;
    AUDIT_OUTCOME = "audit.outcome" Str Outcome AuditModel;
    AUDIT_SCHEMA_VERSION = "audit.schema.version" Str Trail AuditModel;
    AUDIT_TARGET_TYPE = "audit.target.type" Str Fact AuditModel;
    AUDIT_TARGET_ID = "audit.target.id" Str Fact AuditModel;
    AUDIT_SEQUENCE_NUMBER = "audit.sequence.number" Int Trail AuditModel;
    AUDIT_SEQUENCE_PREV_HASH = "audit.sequence.prev_hash" Str Trail AuditModel;
    AUDIT_INTEGRITY_VALUE = "audit.integrity.value" Str Trail AuditModel;
    AUDIT_INTEGRITY_SIGNER = "audit.integrity.signer" Str Trail AuditModel;
    AUDIT_INTEGRITY_ALGORITHM = "audit.integrity.algorithm" Str Trail AuditModel;
    AUDIT_INTEGRITY_CERTIFICATE = "audit.integrity.certificate" Str Trail AuditModel;

    MCP_METHOD_NAME = "mcp.method.name" Str Fact McpConventions;
    MCP_PROTOCOL_VERSION = "mcp.protocol.version" Str Fact McpConventions;
    MCP_SESSION_ID = "mcp.session.id" Str Fact McpConventions;
    MCP_RESOURCE_URI = "mcp.resource.uri" Str Fact McpConventions;
    GEN_AI_TOOL_NAME = "gen_ai.tool.name" Str Fact McpConventions;
    GEN_AI_OPERATION_NAME = "gen_ai.operation.name" Str Fact McpConventions;
    GEN_AI_AGENT_ID = "gen_ai.agent.id" Str Fact McpConventions;
    GEN_AI_AGENT_NAME = "gen_ai.agent.name" Str Fact McpConventions;
    GEN_AI_PROMPT_NAME = "gen_ai.prompt.name" Str Fact McpConventions;
    GEN_AI_TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments" Str Content McpConventions;
    GEN_AI_TOOL_CALL_RESULT = "gen_ai.tool.call.result" Str Content McpConventions;
    JSONRPC_REQUEST_ID = "jsonrpc.request.id" Str Fact McpConventions;
    RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code" Str Outcome McpConventions;

    ERROR_TYPE = "error.type" Str Outcome CoreConventions;
    SERVICE_NAME = "service.name" Str Trail CoreConventions;
    SERVICE_VERSION = "service.version" Str Trail CoreConventions;
    SERVICE_INSTANCE_ID = "service.instance.id" Str Trail CoreConventions;
    NETWORK_TRANSPORT = "network.transport" Str Fact CoreConventions;
    NETWORK_PROTOCOL_NAME = "network.protocol.name" Str Fact CoreConventions;
    NETWORK_PROTOCOL_VERSION = "network.protocol.version" Str Fact CoreConventions;
    CLIENT_ADDRESS = "client.address" Str Fact CoreConventions;
    CLIENT_PORT = "client.port" Int Fact CoreConventions;
    USER_ID = "user.id" Str Fact CoreConventions;
    USER_NAME = "user.name" Str Fact CoreConventions;
    USER_ROLES = "user.roles" Strs Fact CoreConventions;
    SECURITY_RULE_NAME = "security_rule.name" Str Fact CoreConventions;
    HTTP_REQUEST_METHOD = "http.request.method" Str Fact CoreConventions;
    HTTP_ROUTE = "http.route" Str Fact CoreConventions;
    URL_PATH = "url.path" Str Fact CoreConventions;
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code" Int Fact CoreConventions;
    HTTP_REQUEST_BODY_SIZE = "http.request.body.size" Int Fact CoreConventions;
    HTTP_RESPONSE_BODY_SIZE = "http.response.body.size" Int Fact CoreConventions;
    HTTP_REQUEST_HEADER_CONTENT_TYPE = "http.request.header.content-type" Strs Fact CoreConventions;
    HTTP_RESPONSE_HEADER_CONTENT_TYPE = "http.response.header.content-type" Strs Fact CoreConventions;
    USER_AGENT_ORIGINAL = "user_agent.original" Str Fact CoreConventions;

    AUDITRAIL_EVENT = "auditrail.event" Str Fact Auditrail;
    AUDITRAIL_PHASE = "auditrail.phase" Str Trail Auditrail;
    AUDITRAIL_CALL_ID = "auditrail.call.id" Str Trail Auditrail;
    AUDITRAIL_DURATION = "auditrail.duration" Double Trail Auditrail;
    AUDITRAIL_OUTCOME_DETAIL = "auditrail.outcome.detail" Str Outcome Auditrail;
    AUDITRAIL_JSONRPC_ID_TYPE = "auditrail.jsonrpc.id_type" Str Fact Auditrail;
    AUDITRAIL_MESSAGE_AMBIGUOUS = "auditrail.message.ambiguous" Str Trail Auditrail;
    AUDITRAIL_MESSAGE_FLAW = "auditrail.message.flaw" Strs Trail Auditrail;
    AUDITRAIL_MESSAGE_READINGS = "auditrail.message.readings" Strs Trail Auditrail;
    AUDITRAIL_MESSAGE_SIZE = "auditrail.message.size" Int Trail Auditrail;
    AUDITRAIL_MCP_DIRECTION = "auditrail.mcp.direction" Str Fact Auditrail;
    AUDITRAIL_MCP_TRANSPORT = "auditrail.mcp.transport" Str Fact Auditrail;
    AUDITRAIL_MCP_SESSION_STATE = "auditrail.mcp.session.state" Str Trail Auditrail;
    AUDITRAIL_MCP_SESSION_DURATION = "auditrail.mcp.session.duration" Double Trail Auditrail;
    AUDITRAIL_MCP_SESSION_REQUESTS = "auditrail.mcp.session.requests" Int Trail Auditrail;
    AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT = "auditrail.mcp.session.requests_to_client" Int Trail Auditrail;
    AUDITRAIL_MCP_SESSION_NOTIFICATIONS = "auditrail.mcp.session.notifications" Int Trail Auditrail;
    AUDITRAIL_MCP_SESSION_FAILURES = "auditrail.mcp.session.failures" Int Trail Auditrail;
    AUDITRAIL_MCP_FLAWED_COUNT = "auditrail.mcp.flawed.count" Int Trail Auditrail;
    AUDITRAIL_MCP_TOOL_DIGEST = "auditrail.mcp.tool.digest" Str Trail Auditrail;
    AUDITRAIL_MCP_TOOL_PREVIOUS_DIGEST = "auditrail.mcp.tool.previous_digest" Str Trail Auditrail;
    AUDITRAIL_MCP_TOOL_DEFINITION = "auditrail.mcp.tool.definition" Str Trail Auditrail;
    AUDITRAIL_MCP_TASK_ID = "auditrail.mcp.task.id" Str Trail Auditrail;
    AUDITRAIL_MCP_TASK_STATUS = "auditrail.mcp.task.status" Str Trail Auditrail;
    AUDITRAIL_MCP_REQUEST_STATE_RECEIVED = "auditrail.mcp.request_state.received" Str Trail Auditrail;
    AUDITRAIL_MCP_REQUEST_STATE_ISSUED = "auditrail.mcp.request_state.issued" Str Trail Auditrail;
    AUDITRAIL_CALL_ORIGIN_ID = "auditrail.call.origin_id" Str Trail Auditrail;
    AUDITRAIL_DIGEST_KEY_ID = "auditrail.digest.key_id" Str Trail Auditrail;
    AUDITRAIL_ACTOR_AUTH_TYPE = "auditrail.actor.auth_type" Str Fact Auditrail;
    AUDITRAIL_ACTOR_VERIFIED = "auditrail.actor.verified" Bool Trail Auditrail;
    AUDITRAIL_ACTOR_DELEGATION = "auditrail.actor.delegation" Strs Fact Auditrail;
    AUDITRAIL_ACTOR_SOURCE = "auditrail.actor.source" Str Trail Auditrail;
    AUDITRAIL_ACTOR_UNVERIFIED_REASON = "auditrail.actor.unverified_reason" Str Trail Auditrail;
    AUDITRAIL_CLAIMED_ACTOR_ID = "auditrail.claimed.actor_id" Str Trail Auditrail;
    AUDITRAIL_CLAIMED_AGENT_ID = "auditrail.claimed.agent_id" Str Trail Auditrail;
    AUDITRAIL_CLAIMED_TENANT_ID = "auditrail.claimed.tenant_id" Str Trail Auditrail;
    AUDITRAIL_CLAIMED_PURPOSE = "auditrail.claimed.purpose" Str Trail Auditrail;
    AUDITRAIL_CLAIMED_REASON = "auditrail.claimed.reason" Str Trail Auditrail;
    AUDITRAIL_OBSERVED_BY = "auditrail.observed_by" Str Trail Auditrail;
    AUDITRAIL_OAUTH_CLIENT_ID = "auditrail.oauth.client_id" Str Fact Auditrail;
    AUDITRAIL_OAUTH_SCOPES = "auditrail.oauth.scopes" Strs Fact Auditrail;
    AUDITRAIL_TOKEN_ID_DIGEST = "auditrail.token.id_digest" Str Fact Auditrail;
    AUDITRAIL_TOKEN_ISSUER = "auditrail.token.issuer" Str Fact Auditrail;
    AUDITRAIL_TOKEN_KEY_THUMBPRINT = "auditrail.token.key_thumbprint" Str Fact Auditrail;
    AUDITRAIL_TOKEN_GRANT = "auditrail.token.grant" Str Fact Auditrail;
    AUDITRAIL_TOKEN_TYPE = "auditrail.token.type" Str Fact Auditrail;
    AUDITRAIL_TOKEN_AUDIENCE = "auditrail.token.audience" Strs Fact Auditrail;
    AUDITRAIL_TOKEN_ISSUED_ID_DIGEST = "auditrail.token.issued_id_digest" Str Fact Auditrail;
    AUDITRAIL_TOKEN_ISSUED_TYPE = "auditrail.token.issued_type" Str Fact Auditrail;
    AUDITRAIL_TENANT_ID = "auditrail.tenant.id" Str Fact Auditrail;
    AUDITRAIL_CLIENT_NAME = "auditrail.client.name" Str Fact Auditrail;
    AUDITRAIL_CLIENT_VERSION = "auditrail.client.version" Str Fact Auditrail;
    AUDITRAIL_REQUEST_ID = "auditrail.request.id" Str Fact Auditrail;
    AUDITRAIL_DECISION = "auditrail.decision" Str Fact Auditrail;
    AUDITRAIL_DECISION_REASON = "auditrail.decision.reason" Str Fact Auditrail;
    AUDITRAIL_DECISION_SOURCE = "auditrail.decision.source" Str Trail Auditrail;
    AUDITRAIL_AUTHN_CHALLENGE = "auditrail.authn.challenge" Str Fact Auditrail;
    AUDITRAIL_AUTHN_COUNT = "auditrail.authn.count" Int Fact Auditrail;
    AUDITRAIL_POLICY_ID = "auditrail.policy.id" Str Fact Auditrail;
    AUDITRAIL_POLICY_DIGEST = "auditrail.policy.digest" Str Fact Auditrail;
    AUDITRAIL_POLICY_PREVIOUS_DIGEST = "auditrail.policy.previous_digest" Str Fact Auditrail;
    AUDITRAIL_APPROVAL_BY = "auditrail.approval.by" Str Fact Auditrail;
    AUDITRAIL_APPROVAL_SHOWN_DIGEST = "auditrail.approval.shown_digest" Str Fact Auditrail;
    AUDITRAIL_APPROVAL_APPROVED_AT = "auditrail.approval.approved_at" Str Fact Auditrail;
    AUDITRAIL_APPROVAL_EXPIRES_AT = "auditrail.approval.expires_at" Str Fact Auditrail;
    AUDITRAIL_TARGET_ACTIONS = "auditrail.target.actions" Strs Fact Auditrail;
    AUDITRAIL_TARGET_COUNT = "auditrail.target.count" Int Fact Auditrail;
    AUDITRAIL_ARGUMENTS_DIGEST = "auditrail.arguments.digest" Str Content Auditrail;
    AUDITRAIL_ARGUMENTS_DIGEST_FORM = "auditrail.arguments.digest_form" Str Content Auditrail;
    AUDITRAIL_ARGUMENTS_SIZE = "auditrail.arguments.size" Int Content Auditrail;
    AUDITRAIL_RESULT_DIGEST = "auditrail.result.digest" Str Content Auditrail;
    AUDITRAIL_RESULT_DIGEST_FORM = "auditrail.result.digest_form" Str Content Auditrail;
    AUDITRAIL_RESULT_SIZE = "auditrail.result.size" Int Content Auditrail;
    AUDITRAIL_RESULT_COUNT = "auditrail.result.count" Int Content Auditrail;
    AUDITRAIL_PROMPT_ARGUMENTS = "auditrail.prompt.arguments" Str Content Auditrail;
    AUDITRAIL_PROMPT_RESULT = "auditrail.prompt.result" Str Content Auditrail;
    AUDITRAIL_RESOURCE_RESULT = "auditrail.resource.result" Str Content Auditrail;
    AUDITRAIL_REDACTED = "auditrail.redacted" Strs Content Auditrail;
    AUDITRAIL_TRUNCATED = "auditrail.truncated" Strs Trail Auditrail;
    AUDITRAIL_TRUNCATED_BYTES = "auditrail.truncated.bytes" Ints Trail Auditrail;
    AUDITRAIL_TRUNCATED_DIGESTS = "auditrail.truncated.digests" Strs Trail Auditrail;
    AUDITRAIL_COMPLIANCE_TAGS = "auditrail.compliance.tags" Strs Fact Auditrail;
    AUDITRAIL_COMPLIANCE_FRAMEWORKS = "auditrail.compliance.frameworks" Strs Fact Auditrail;
    AUDITRAIL_COMPLIANCE_APPLICABLE = "auditrail.compliance.applicable" Strs Fact Auditrail;
    AUDITRAIL_COMPLIANCE_PURPOSE = "auditrail.compliance.purpose" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_LEGAL_BASIS = "auditrail.compliance.legal_basis" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_SENSITIVITY = "auditrail.compliance.sensitivity" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_ACCESS_REASON = "auditrail.compliance.access_reason" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_CONTROL = "auditrail.compliance.control" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_RISK_LEVEL = "auditrail.compliance.risk_level" Str Fact Auditrail;
    AUDITRAIL_COMPLIANCE_MITIGATION = "auditrail.compliance.mitigation" Str Fact Auditrail;
    AUDITRAIL_DATA_SUBJECT_ID = "auditrail.data_subject.id" Str Fact Auditrail;
    AUDITRAIL_CONTEXT_DIGEST_BEFORE = "auditrail.context.digest_before" Str Fact Auditrail;
    AUDITRAIL_CONTEXT_DIGEST_AFTER = "auditrail.context.digest_after" Str Fact Auditrail;
    AUDITRAIL_RESOURCE_PREVIEW_DIGEST = "auditrail.resource.preview_digest" Str Fact Auditrail;
    AUDITRAIL_RATE_LIMIT_NAME = "auditrail.rate_limit.name" Str Fact Auditrail;
    AUDITRAIL_RATE_LIMIT_LIMIT = "auditrail.rate_limit.limit" Int Fact Auditrail;
    AUDITRAIL_RATE_LIMIT_WINDOW = "auditrail.rate_limit.window" Double Fact Auditrail;
    AUDITRAIL_THREAT_TYPE = "auditrail.threat.type" Str Fact Auditrail;
    AUDITRAIL_THREAT_LEVEL = "auditrail.threat.level" Str Fact Auditrail;
    AUDITRAIL_LINEAGE_INPUTS = "auditrail.lineage.inputs" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_OUTPUTS = "auditrail.lineage.outputs" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_INPUT_TYPES = "auditrail.lineage.input_types" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_OUTPUT_TYPES = "auditrail.lineage.output_types" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_INPUT_IDS = "auditrail.lineage.input_ids" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_OUTPUT_IDS = "auditrail.lineage.output_ids" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_METADATA = "auditrail.lineage.metadata" Strs Fact Auditrail;
    AUDITRAIL_LINEAGE_TRANSFORMATION_TYPE = "auditrail.lineage.transformation_type" Str Fact Auditrail;
    AUDITRAIL_LINEAGE_TRANSFORMATION = "auditrail.lineage.transformation" Str Fact Auditrail;
    AUDITRAIL_RETENTION_CLASS = "auditrail.retention.class" Str Fact Auditrail;
    AUDITRAIL_RETENTION_EXPIRES_AT = "auditrail.retention.expires_at" Str Fact Auditrail;
    AUDITRAIL_STREAM_ID = "auditrail.stream.id" Str Trail Auditrail;
    AUDITRAIL_STREAM_PREVIOUS_ID = "auditrail.stream.previous_id" Str Trail Auditrail;
    AUDITRAIL_STREAM_PREVIOUS_HEAD = "auditrail.stream.previous_head" Str Trail Auditrail;
    AUDITRAIL_LIFECYCLE_STATE = "auditrail.lifecycle.state" Str Trail Auditrail;
    AUDITRAIL_RECORDS_EMITTED = "auditrail.records.emitted" Int Trail Auditrail;
    AUDITRAIL_RECORDS_ACKNOWLEDGED = "auditrail.records.acknowledged" Int Trail Auditrail;
    AUDITRAIL_RECORDS_REFUSED = "auditrail.records.refused" Int Trail Auditrail;
    AUDITRAIL_RECORDS_SUPPRESSED = "auditrail.records.suppressed" Int Trail Auditrail;
    AUDITRAIL_RECORDS_DELIVERED = "auditrail.records.delivered" Int Trail Auditrail;
    AUDITRAIL_RECORDS_QUARANTINED = "auditrail.records.quarantined" Int Trail Auditrail;
    AUDITRAIL_RECORDS_LOST = "auditrail.records.lost" Int Trail Auditrail;
    AUDITRAIL_RECORDS_PENDING = "auditrail.records.pending" Int Trail Auditrail;
    AUDITRAIL_GAP_CAUSE = "auditrail.gap.cause" Str Trail Auditrail;
    AUDITRAIL_GAP_COUNT = "auditrail.gap.count" Int Trail Auditrail;
    AUDITRAIL_GAP_FIRST = "auditrail.gap.first" Int Trail Auditrail;
    AUDITRAIL_GAP_LAST = "auditrail.gap.last" Int Trail Auditrail;
    AUDITRAIL_GAP_OF = "auditrail.gap.of" Int Trail Auditrail;
    AUDITRAIL_GAP_SINCE = "auditrail.gap.since" Int Trail Auditrail;
    AUDITRAIL_GAP_UNTIL = "auditrail.gap.until" Int Trail Auditrail;
    AUDITRAIL_GAP_CLIENT = "auditrail.gap.client" Str Trail Auditrail;
    AUDITRAIL_GAP_STREAM_ID = "auditrail.gap.stream_id" Str Trail Auditrail;
    AUDITRAIL_GAP_LEAF_HASHES = "auditrail.gap.leaf_hashes" Strs Trail Auditrail;
}
