//! The assertions.

/// Asserts that exactly one entry of a [`TestTrail`](crate::testing::TestTrail) is as the keys say, or as many as `count`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use auditrail::testing::TestTrail;
/// use auditrail::{Call, Moment, Outcome, EventName, assert_audited};
///
/// let trail = TestTrail::new();
/// trail.begin(Call::mcp("tools/call").tool("add")).await?.finish(Outcome::ok()).await;
/// trail.record(Moment::new(EventName::Authz).attribute("auditrail.tenant.id", "acme"));
///
/// assert_audited!(trail, tool = "add", outcome = success);
/// assert_audited!(trail, event = "auditrail.authz", "auditrail.tenant.id" = "acme");
/// assert_audited!(trail, count = 2);
/// # Ok(())
/// # }
/// ```
///
/// | key | value |
/// |---|---|
/// | `tool`, `prompt`, `resource`, `method` | text: only calls, and for `method` notifications |
/// | `actor`, `rule`, `error_type` | text |
/// | `outcome` | `success`, `failure` or `unknown` |
/// | `detail` | `ok`, `tool_error`, `jsonrpc_error`, `http_error`, `denied`, `cancelled`, `timeout`, `panic`, `no_response`, `interrupted`, `input_required` or `task` |
/// | `decision` | `allow`, `deny` or `escalate` |
/// | `phase` | `request` or `response` |
/// | `verified` | `true` or `false` |
/// | `event` | the name, or an [`EventName`](crate::EventName) |
/// | any attribute, as a text: `"auditrail.tenant.id"` | text, number, boolean, or a list of texts |
/// | `count` | how many entries |
///
/// Words without quotes may also be an expression of their type, such as [`Status::Failure`](crate::record::Status::Failure). What
/// counts as an entry, and for what an assertion waits, is said in [`testing`](crate::testing).
///
/// A wrong key or a wrong word does not compile:
///
/// ```compile_fail
/// # use auditrail::{assert_audited, testing::TestTrail};
/// # let trail = TestTrail::new();
/// assert_audited!(trail, tol = "add"); // `tol` is no key of an audit assertion; the keys are …
/// ```
/// ```compile_fail
/// # use auditrail::{assert_audited, testing::TestTrail};
/// # let trail = TestTrail::new();
/// assert_audited!(trail, outcome = failed); // cannot find value `failed` in module `auditrail::testing::words::outcome`
/// ```
///
/// # Panics
/// If there are fewer entries, after [`patience`](crate::testing::TestTrail::patience), or more. The message shows what was there instead:
///
/// ```text
/// expected 1 entry audited with tool = "add", outcome = "failure", actor = "alice", found none among 2 entries:
///     1  initialize: success in 1 ms  (actor anonymous)
///  >  2  tools/call add: success in 3 ms  (actor bob, verified)  <- outcome is "success", actor is "bob"
/// ```
#[macro_export]
macro_rules! assert_audited {
    ($trail:expr $(,)?) => {
        $crate::testing::test_trail::TestTrail::assert_audited(&$trail, &$crate::testing::expectation::Expectation::any())
    };
    ($trail:expr, $($keys:tt)+) => {
        $crate::testing::test_trail::TestTrail::assert_audited(
            &$trail,
            &$crate::__audit_expectation!(($crate::testing::expectation::Expectation::any()) $($keys)+),
        )
    };
}

/// Asserts that no entry of a [`TestTrail`](crate::testing::TestTrail) is as the keys say: those of
/// [`assert_audited!`](crate::assert_audited), without `count`. Waits while an open call may still become one.
///
/// ```
/// # use auditrail::{assert_not_audited, testing::TestTrail};
/// # let trail = TestTrail::new();
/// assert_not_audited!(trail, tool = "delete_everything");
/// ```
///
/// # Panics
/// If there is one.
#[macro_export]
macro_rules! assert_not_audited {
    ($trail:expr $(,)?) => {
        $crate::testing::test_trail::TestTrail::assert_audited(&$trail, &$crate::testing::expectation::Expectation::any().count(0))
    };
    ($trail:expr, $($keys:tt)+) => {
        $crate::testing::test_trail::TestTrail::assert_audited(
            &$trail,
            &$crate::__audit_expectation!(($crate::testing::expectation::Expectation::any()) $($keys)+).count(0),
        )
    };
}

/// Makes an expectation of keys, one after the other.
#[doc(hidden)]
#[macro_export]
macro_rules! __audit_expectation {
    (($($made:tt)+)) => { $($made)+ };
    ($made:tt tool = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made tool($value) $($($rest)*)?) };
    ($made:tt prompt = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made prompt($value) $($($rest)*)?) };
    ($made:tt resource = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made resource($value) $($($rest)*)?) };
    ($made:tt method = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made method($value) $($($rest)*)?) };
    ($made:tt event = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made event($value) $($($rest)*)?) };
    ($made:tt actor = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made actor($value) $($($rest)*)?) };
    ($made:tt verified = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made verified($value) $($($rest)*)?) };
    ($made:tt rule = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made rule($value) $($($rest)*)?) };
    ($made:tt error_type = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made error_type($value) $($($rest)*)?) };
    ($made:tt count = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made count($value) $($($rest)*)?) };
    ($made:tt outcome = $word:ident $(, $($rest:tt)*)?) => {
        $crate::__audit_key!($made outcome($crate::testing::words::outcome::$word) $($($rest)*)?)
    };
    ($made:tt outcome = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made outcome($value) $($($rest)*)?) };
    ($made:tt detail = $word:ident $(, $($rest:tt)*)?) => {
        $crate::__audit_key!($made detail($crate::testing::words::detail::$word) $($($rest)*)?)
    };
    ($made:tt detail = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made detail($value) $($($rest)*)?) };
    ($made:tt decision = $word:ident $(, $($rest:tt)*)?) => {
        $crate::__audit_key!($made decision($crate::testing::words::decision::$word) $($($rest)*)?)
    };
    ($made:tt decision = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made decision($value) $($($rest)*)?) };
    ($made:tt phase = $word:ident $(, $($rest:tt)*)?) => {
        $crate::__audit_key!($made phase($crate::testing::words::phase::$word) $($($rest)*)?)
    };
    ($made:tt phase = $value:expr $(, $($rest:tt)*)?) => { $crate::__audit_key!($made phase($value) $($($rest)*)?) };
    ($made:tt $name:literal = $value:expr $(, $($rest:tt)*)?) => {
        $crate::__audit_key!($made attribute($name, $value) $($($rest)*)?)
    };
    ($made:tt $key:ident = $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`", ::core::stringify!($key), "` is no key of an audit assertion; the keys are tool, prompt, resource, method, event, \
             outcome, detail, actor, verified, decision, rule, error_type, phase, count, and the name of any attribute in quotes, \
             such as \"auditrail.tenant.id\""
        ))
    };
    ($made:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "an audit assertion takes `key = value` with commas between, such as `tool = \"add\", outcome = failure`, not `",
            ::core::stringify!($($rest)*), "`"
        ))
    };
}

/// Adds a key to an expectation.
#[doc(hidden)]
#[macro_export]
macro_rules! __audit_key {
    (($($made:tt)+) $key:ident($($value:tt)+) $($rest:tt)*) => {
        $crate::__audit_expectation!(($($made)+.$key($($value)+)) $($rest)*)
    };
}
