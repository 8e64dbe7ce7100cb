//! Wraps any `ServerHandler`: each request is a call on the trail, each notification a moment.
//!
//! Invariants:
//! 1. Every method of rmcp's trait is forwarded: a missing one would change the server silently. A test compares the
//!    list with rmcp's source.
//! 2. The answer of the handler is passed on unchanged; only a call that the trail refuses is answered here.
//! 3. Behind a tap, calls belong to the tap: the wrapper begins none, and answers only those that may not run.
//! 4. A handler's span is below its call's span, never below the span that rmcp keeps open for the connection.

use std::borrow::Cow;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::super::correlate::Exchange;
use super::super::tap::Tap;
use super::answer::{self, HandlerResult};
use super::request;
use super::tapped_call::{self, TappedCall};
use crate::Trail;
use crate::record::{Detail, EventName, Outcome, names};
use crate::trail::{Call, Moment, OpenCall, Transport};

/// An rmcp `ServerHandler` whose calls are recorded and can be refused. Made by [`Trail::audited`].
#[derive(Debug, Clone)]
pub struct Audited<H> {
    handler: H,
    trail: Trail,
    transport: Option<Transport>,
    /// The tapped connection.
    tapped: Option<Arc<Exchange>>,
}

impl Trail {
    /// Wraps an rmcp server, for any transport, so that its calls are recorded and can be refused:
    ///
    /// ```no_run
    /// # use rmcp::{ServerHandler, ServiceExt as _};
    /// # #[derive(Clone)] struct WeatherServer; impl ServerHandler for WeatherServer {}
    /// # async fn run(trail: auditrail::Trail) -> Result<(), Box<dyn std::error::Error>> {
    /// let running = trail.audited(WeatherServer).serve(rmcp::transport::stdio()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Over HTTP, give `StreamableHttpService` a factory that returns the wrapped server.
    pub fn audited<H: ServerHandler>(&self, handler: H) -> Audited<H> {
        Audited { handler, trail: self.clone(), transport: None, tapped: None }
    }
}

impl<H: ServerHandler> Audited<H> {
    /// Sets the transport of the server, for `network.transport`; not needed over HTTP.
    #[must_use]
    pub fn over(self, transport: Transport) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// Joins the tap on the connection that this server is about to serve. The tap begins and ends the calls, the
    /// handlers run inside them, and calls that may not run are refused.
    #[must_use]
    pub fn behind<R, W>(self, tap: &Tap<R, W>) -> Self {
        Self { tapped: Some(tap.exchange().clone()), ..self }
    }

    fn call(&self, method: &str, context: &RequestContext<RoleServer>) -> Call {
        request::call(self.trail.core(), method, context, self.transport)
    }

    /// The call with what the handler says of its tool, if there are rules that may ask for it.
    fn hinted(&self, call: Call) -> Call {
        if !self.trail.core().has_rules() {
            return call;
        }
        let Some(name) = call.text(names::GEN_AI_TOOL_NAME) else { return call };
        // A panic in there must not end the call: it would not without the wrapper.
        match catch_unwind(AssertUnwindSafe(|| self.handler.get_tool(name))) {
            Ok(Some(tool)) => call.hints(request::hints(&tool)),
            _ => call,
        }
    }

    /// Begins the call, runs the handler inside its span, and finishes it in any case. The handler is not even called
    /// before, because it may act before its future is polled.
    async fn run<T: HandlerResult, F>(
        &self,
        call: Call,
        is_cancelled: impl Fn() -> bool,
        handle: impl FnOnce() -> F,
    ) -> Result<T, ErrorData>
    where
        F: Future<Output = Result<T, ErrorData>>,
    {
        let (method, name) = (call.method().unwrap_or_default().to_owned(), call.name().map(ToOwned::to_owned));
        let open = self.trail.begin(call).await.map_err(|refused| answer::refusal(&refused))?;
        let handled = open.run(async { handle().await });
        let mut guard = CancelGuard { open: Some(open), is_cancelled };
        let result = handled.await;
        let (outcome, denial) = if (guard.is_cancelled)() {
            // rmcp lets the handler continue and drops its answer.
            (Outcome::of(Detail::Cancelled), None)
        } else {
            answer::outcome(self.trail.core(), &method, name.as_deref(), &result)
        };
        if let Some(open) = guard.open.take() {
            denial.iter().for_each(|denial| open.deny(denial));
            answer::note_result(self.trail.core(), &open, &result);
            open.finish(outcome).await;
        }
        result
    }

    /// The call that a tap has begun for this request.
    fn joined(&self, context: &RequestContext<RoleServer>, asks: impl FnOnce() -> Call) -> Option<TappedCall> {
        TappedCall::find(self.tapped.as_ref(), self.trail.core(), context, asks)
    }

    fn notify(&self, method: &str, context: &NotificationContext<RoleServer>) {
        if tapped_call::is_tapped(self.tapped.as_ref(), &context.extensions) {
            // The tap has seen it.
            return;
        }
        let facts = request::notification(self.trail.core(), method, context, self.transport);
        // It has no span: what is current here is that of the connection.
        self.trail.core().write_moment(Moment::of_message(EventName::McpNotification, facts));
    }
}

/// Distinguishes a cancelled call from one that ended, when the handler's future is dropped.
struct CancelGuard<C: Fn() -> bool> {
    open: Option<OpenCall>,
    is_cancelled: C,
}

impl<C: Fn() -> bool> Drop for CancelGuard<C> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take()
            && !std::thread::panicking()
            && (self.is_cancelled)()
        {
            open.finish_now(&Outcome::of(Detail::Cancelled));
        }
    }
}

/// Requests: each is one call. After `=>` come the facts that the parameters contain, and after `with` the arguments.
macro_rules! requests {
    ($($(#[$attribute:meta])* $name:ident($($request:ident: $params:ty)?) -> $result:ty = $method:literal $(=> |$call:ident| $facts:expr $(, with $arguments:expr)?)?;)*) => {
        $(
            $(#[$attribute])*
            async fn $name(&self, $($request: $params,)? context: RequestContext<RoleServer>) -> Result<$result, ErrorData> {
                let asks = || {
                    let call = Call::mcp($method);
                    $(let call = { let $call = call; $facts };)?
                    call
                };
                if let Some(joined) = self.joined(&context, asks) {
                    return joined.run(|| self.handler.$name($($request,)? context)).await;
                }
                let call = self.call($method, &context);
                $(let call = { let $call = call; $facts };
                $(let call = request::with_arguments(self.trail.core(), call, $arguments.as_ref());)?)?
                let call = self.hinted(call);
                let token = context.ct.clone();
                self.run(call, move || token.is_cancelled(), || self.handler.$name($($request,)? context)).await
            }
        )*
    };
}

/// Notifications: each is one moment.
macro_rules! notifications {
    ($($name:ident($($notification:ident: $params:ty)?) = $method:literal;)*) => {
        $(
            async fn $name(&self, $($notification: $params,)? context: NotificationContext<RoleServer>) {
                self.notify($method, &context);
                self.handler.$name($($notification,)? context).await;
            }
        )*
    };
}

// A method that is not forwarded would change the server silently: every method of a new rmcp must be added here,
// too.
#[deny(clippy::missing_trait_methods)]
impl<H: ServerHandler> ServerHandler for Audited<H> {
    requests! {
        ping() -> () = "ping";
        initialize(request: InitializeRequestParams) -> InitializeResult = "initialize"
            => |call| call.with(|facts| request::claimed_client(facts, &request.client_info));
        discover() -> DiscoverResult = "server/discover";
        complete(request: CompleteRequestParams) -> CompleteResult = "completion/complete";
        #[expect(deprecated, reason = "rmcp deprecated the type; servers of older revisions still have it")]
        set_level(request: SetLevelRequestParams) -> () = "logging/setLevel";
        get_prompt(request: GetPromptRequestParams) -> GetPromptResponse = "prompts/get"
            => |call| call.prompt(request.name.clone()), with request.arguments;
        list_prompts(request: Option<PaginatedRequestParams>) -> ListPromptsResult = "prompts/list";
        list_resources(request: Option<PaginatedRequestParams>) -> ListResourcesResult = "resources/list";
        list_resource_templates(request: Option<PaginatedRequestParams>) -> ListResourceTemplatesResult = "resources/templates/list";
        read_resource(request: ReadResourceRequestParams) -> ReadResourceResponse = "resources/read"
            => |call| call.resource(&request.uri);
        #[expect(deprecated, reason = "rmcp deprecated the method; servers of older revisions still have it")]
        subscribe(request: SubscribeRequestParams) -> () = "resources/subscribe" => |call| call.resource(&request.uri);
        #[expect(deprecated, reason = "rmcp deprecated the method; servers of older revisions still have it")]
        unsubscribe(request: UnsubscribeRequestParams) -> () = "resources/unsubscribe" => |call| call.resource(&request.uri);
        call_tool(request: CallToolRequestParams) -> CallToolResponse = "tools/call"
            => |call| call.tool(request.name.clone()), with request.arguments;
        list_tools(request: Option<PaginatedRequestParams>) -> ListToolsResult = "tools/list";
        get_task(request: GetTaskParams) -> GetTaskResult = "tasks/get" => |call| task(call, &request.task_id);
        update_task(request: UpdateTaskParams) -> () = "tasks/update" => |call| task(call, &request.task_id);
        cancel_task(request: CancelTaskParams) -> () = "tasks/cancel" => |call| task(call, &request.task_id);
        list_skills(request: Option<PaginatedRequestParams>) -> ListSkillsResult = "skills/list";
        get_skill(request: GetSkillRequestParams) -> GetSkillResult = "skills/get" => |call| call.resource(&request.uri);
        read_resource_directory(request: ReadResourceDirectoryRequestParams) -> ReadResourceDirectoryResult = "resources/directory/read"
            => |call| call.resource(&request.uri);
    }

    notifications! {
        on_cancelled(notification: CancelledNotificationParam) = "notifications/cancelled";
        on_progress(notification: ProgressNotificationParam) = "notifications/progress";
        on_initialized() = "notifications/initialized";
        on_roots_list_changed() = "notifications/roots/list_changed";
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if let Some(joined) = self.joined(&context, || Call::mcp(request.method.clone())) {
            return joined.run(|| self.handler.on_custom_request(request, context)).await;
        }
        let call = self.call(&request.method, &context);
        let token = context.ct.clone();
        self.run(call, move || token.is_cancelled(), || self.handler.on_custom_request(request, context)).await
    }

    async fn on_custom_notification(&self, notification: CustomNotification, context: NotificationContext<RoleServer>) {
        self.notify(&notification.method, &context);
        self.handler.on_custom_notification(notification, context).await;
    }

    /// Open as long as the subscription is.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        if let Some(joined) = self.joined(context.request_context(), || Call::mcp("subscriptions/listen")) {
            return joined.run(|| self.handler.listen(context)).await;
        }
        let call = self.call("subscriptions/listen", context.request_context());
        let token = context.request_context().ct.clone();
        self.run(call, move || token.is_cancelled(), || self.handler.listen(context)).await
    }

    fn negotiate_initialize(&self, request: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
        self.handler.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.handler.supported_protocol_versions()
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.handler.accepted_subscription_filter(requested)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.handler.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        self.handler.get_info()
    }
}

fn task(call: Call, id: &str) -> Call {
    call.attribute(names::AUDIT_TARGET_TYPE, "task").attribute(names::AUDIT_TARGET_ID, id.to_owned())
}
