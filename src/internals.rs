//! The door for the package `auditrail-server`: the internals that the proxy and the command line need in addition to
//! the public API.
//!
//! This is not part of the public API. It may change with every version, so the server depends on exactly its own
//! version (`version = "=…"`), and no other package uses it. Internals that are not listed here stay private.

use std::sync::Arc;

use http_body::Body;

use crate::Trail;
use crate::capture::mcp::{McpLayer, TapBody};
use crate::config::Environment;
use crate::record::SpanIds;
use crate::trail::{OpenCall, Refused};

/// What the proxy does with a trail.
pub trait TrailInside {
    /// What records, and what capture needs to know.
    fn core(&self) -> &Arc<trail::Core>;

    /// The HTTP tap inside a proxy, which may hold calls.
    fn mcp_layer_of_proxy(&self, holding: Option<mcp::HoldReasons>) -> McpLayer;
}

impl TrailInside for Trail {
    fn core(&self) -> &Arc<trail::Core> {
        self.core()
    }

    fn mcp_layer_of_proxy(&self, holding: Option<mcp::HoldReasons>) -> McpLayer {
        self.mcp_layer_of_proxy(holding)
    }
}

/// What the proxy asks of a call that it may hold.
pub trait OpenCallInside {
    /// The ids of its span, if it has a span with valid ids.
    fn span_ids(&self) -> Option<SpanIds>;

    /// Completes once it is decided whether the call may run.
    fn may_run(&self) -> impl Future<Output = Result<(), Refused>>;
}

impl OpenCallInside for OpenCall {
    fn span_ids(&self) -> Option<SpanIds> {
        self.span_ids()
    }

    async fn may_run(&self) -> Result<(), Refused> {
        self.may_run().await
    }
}

/// What the proxy asks of a body that it may hold.
pub trait TapBodyInside {
    /// Whether it is read as MCP messages.
    fn is_tapped(&self) -> bool;

    /// Whether reading more of it can find more.
    fn is_wanted(&self) -> bool;
}

impl<B: Body> TapBodyInside for TapBody<B> {
    fn is_tapped(&self) -> bool {
        self.is_tapped()
    }

    fn is_wanted(&self) -> bool {
        self.is_wanted()
    }
}

/// What the configuration file of the proxy needs from the environment.
pub trait EnvironmentInside: Sized {
    /// Sets the value of a variable that is not set; returns whether it was not set.
    fn default_to(&mut self, variable: &str, value: &str) -> bool;
}

impl EnvironmentInside for Environment {
    fn default_to(&mut self, variable: &str, value: &str) -> bool {
        self.default_to(variable, value)
    }
}

/// The settings that the command line and the configuration file of the proxy share with the variables.
pub mod config {
    use crate::config::{ConfigError, Environment, JournalWithout};

    pub use crate::config::directory::earlier_state_directory;
    pub use crate::config::notices::plain::{is_hidden, plain};
    pub use crate::config::otlp::ENDPOINT_METHOD;
    pub use crate::config::regular::read as read_regular;
    pub use crate::config::resource::service_name_of;

    /// What the journal may lack, from the environment.
    ///
    /// # Errors
    /// If the variable names something unknown.
    pub fn journal_without(environment: &Environment) -> Result<JournalWithout, ConfigError> {
        JournalWithout::read(environment)
    }

    /// The variables of the quarantine.
    pub mod quarantine {
        pub use crate::config::quarantine::{MAX_BYTES, WHEN_FULL};
    }
}

/// Keyed digests, for who asks whether a value is the one that is on a record.
pub mod digests {
    pub use crate::capture::mcp::content::canonical_of;
    pub use crate::trail::{DigestClass, DigestKey};
}

/// Bytes as text.
pub mod hex {
    pub use crate::hex::hex;
}

/// The hops in front of a proxy.
pub mod hops {
    pub use crate::identity::hops::{Node, nodes};
}

/// Locks that continue after a panic.
pub mod locks {
    pub use crate::locks::{Condvar, Mutex, MutexGuard};
}

/// Pairs requests with answers.
pub mod correlate {
    pub use crate::capture::mcp::correlate::{
        Correlator, Exchange, ExchangeEnd, GarbageRate, MessageOrigin, UnansweredRequest,
    };
}

/// The taps for stdio and HTTP.
pub mod mcp {
    pub use crate::capture::mcp::http::{Bypasses, HeldCalls, HoldReasons, NotFromServer, RefusedByRule, Withheld};
    pub use crate::capture::mcp::tap::DirectionReader;
}

/// Messages that are read from the wire.
pub mod message {
    pub use crate::capture::mcp::message::{Id, IdKind, Message, MessageKind};
}

/// Records.
pub mod record {
    pub use crate::record::resource::service_name;
}

/// Answers to calls that may not run.
pub mod refusal {
    pub use crate::capture::mcp::refusal::message_of;
}

/// Trace context that is written into messages.
pub mod splice {
    pub use crate::capture::mcp::splice::{CallerTrace, InjectedTrace, MOST_MESSAGES, Splices};
}

/// OTLP JSON lines.
pub mod ship {
    pub use crate::ship::json_lines;
}

/// What records, counts and limits.
pub mod trail {
    /// What errors call a class of the policy.
    pub const CLASSES: &str = crate::trail::OF_POLICY;

    pub use crate::trail::core::Core;
    pub use crate::trail::identity::{Client, Share, SharedResource};
    pub use crate::trail::wire_counts::WireCounter;
}
