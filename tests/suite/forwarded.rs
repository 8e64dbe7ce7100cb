//! The rmcp wrapper forwards every method of rmcp's trait. That none is missing here, clippy says.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use rmcp::model::*;
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::support::Bench;

/// A server that keeps the names of its methods that are called.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<&'static str>>>);

impl Heard {
    fn hear(&self, method: &'static str) {
        self.0.lock().unwrap().push(method);
    }
}

/// What the methods take, with a value for each.
macro_rules! methods {
    (
        requests { $($request:ident($($params:ty = $value:tt)?) -> $result:ty;)* }
        notifications { $($notification:ident($($sent:ty = $content:tt)?);)* }
    ) => {
        #[deny(clippy::missing_trait_methods)]
        #[allow(deprecated, reason = "servers of older revisions still have them")]
        impl ServerHandler for Heard {
            $(async fn $request(&self, $(_: $params,)? _: RequestContext<RoleServer>) -> Result<$result, ErrorData> {
                self.hear(stringify!($request));
                Err(ErrorData::internal_error("heard", None))
            })*

            $(async fn $notification(&self, $(_: $sent,)? _: NotificationContext<RoleServer>) {
                self.hear(stringify!($notification));
            })*

            async fn listen(&self, _: SubscriptionContext) -> Result<(), ErrorData> {
                self.hear("listen");
                Ok(())
            }

            fn negotiate_initialize(&self, _: &InitializeRequestParams) -> Result<InitializeResult, ErrorData> {
                self.hear("negotiate_initialize");
                Err(ErrorData::internal_error("heard", None))
            }

            fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
                self.hear("supported_protocol_versions");
                Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
            }

            fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
                self.hear("accepted_subscription_filter");
                Some(requested.clone())
            }

            fn get_tool(&self, _: &str) -> Option<Tool> {
                self.hear("get_tool");
                None
            }

            fn get_info(&self) -> ServerConfig {
                self.hear("get_info");
                ServerConfig::default()
            }
        }

        /// Calls each that takes the context of a request or of a notification, in this order.
        #[allow(deprecated, reason = "servers of older revisions still have them")]
        async fn call_each(
            server: &impl ServerHandler,
            context: &RequestContext<RoleServer>,
            notified: &NotificationContext<RoleServer>,
        ) -> Vec<&'static str> {
            let mut called = Vec::new();
            $(
                let answer = server.$request($(serde_json::from_value::<$params>(json!($value)).unwrap(),)? context.clone());
                assert_eq!(answer.await.map(drop).unwrap_err().message, "heard", stringify!($request));
                called.push(stringify!($request));
            )*
            $(
                server.$notification($(serde_json::from_value::<$sent>(json!($content)).unwrap(),)? notified.clone()).await;
                called.push(stringify!($notification));
            )*
            called
        }
    };
}

methods! {
    requests {
        ping() -> ();
        initialize(InitializeRequestParams = (hello())) -> InitializeResult;
        discover() -> DiscoverResult;
        complete(CompleteRequestParams = {
            "ref": { "type": "ref/prompt", "name": "a" }, "argument": { "name": "a", "value": "b" },
        }) -> CompleteResult;
        set_level(SetLevelRequestParams = { "level": "info" }) -> ();
        get_prompt(GetPromptRequestParams = { "name": "a" }) -> GetPromptResponse;
        list_prompts(Option<PaginatedRequestParams> = {}) -> ListPromptsResult;
        list_resources(Option<PaginatedRequestParams> = {}) -> ListResourcesResult;
        list_resource_templates(Option<PaginatedRequestParams> = {}) -> ListResourceTemplatesResult;
        read_resource(ReadResourceRequestParams = { "uri": "a://b" }) -> ReadResourceResponse;
        subscribe(SubscribeRequestParams = { "uri": "a://b" }) -> ();
        unsubscribe(UnsubscribeRequestParams = { "uri": "a://b" }) -> ();
        call_tool(CallToolRequestParams = { "name": "a" }) -> CallToolResponse;
        list_tools(Option<PaginatedRequestParams> = {}) -> ListToolsResult;
        on_custom_request(CustomRequest = { "method": "a" }) -> CustomResult;
        get_task(GetTaskParams = { "taskId": "a" }) -> GetTaskResult;
        update_task(UpdateTaskParams = { "taskId": "a", "inputResponses": {} }) -> ();
        cancel_task(CancelTaskParams = { "taskId": "a" }) -> ();
        list_skills(Option<PaginatedRequestParams> = {}) -> ListSkillsResult;
        get_skill(GetSkillRequestParams = { "uri": "a://b" }) -> GetSkillResult;
        read_resource_directory(ReadResourceDirectoryRequestParams = { "uri": "a://b" }) -> ReadResourceDirectoryResult;
    }
    notifications {
        on_cancelled(CancelledNotificationParam = { "requestId": 1 });
        on_progress(ProgressNotificationParam = { "progressToken": 1, "progress": 1.0 });
        on_initialized();
        on_roots_list_changed();
        on_custom_notification(CustomNotification = { "method": "a" });
    }
}

/// Only handlers have the contexts of a request and of a notification. This one gives them away.
#[derive(Debug)]
struct Contexts(UnboundedSender<RequestContext<RoleServer>>, UnboundedSender<NotificationContext<RoleServer>>);

impl ServerHandler for Contexts {
    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.0.send(context).unwrap();
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.1.send(context).unwrap();
    }
}

/// `listen` has a context that only rmcp makes; the conformance suite calls it.
#[tokio::test]
async fn every_method_is_forwarded() {
    let ((requests, mut request), (notifications, mut notification)) = (unbounded_channel(), unbounded_channel());
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = tokio::spawn(Contexts(requests, notifications).serve(ours));
    let client = ClientConfig::default().serve(theirs).await.unwrap();
    let _running = server.await.unwrap().unwrap();
    client.send_request(ClientRequest::PingRequest(PingRequest::default())).await.unwrap();
    let (request, notification) = (request.recv().await.unwrap(), notification.recv().await.unwrap());

    let (bench, heard) = (Bench::new(), Heard::default());
    let audited = bench.trail.audited(heard.clone());
    let called = call_each(&audited, &request, &notification).await;
    assert_eq!(std::mem::take(&mut *heard.0.lock().unwrap()), called);

    drop(audited.negotiate_initialize(&serde_json::from_value(hello()).unwrap()));
    drop(audited.supported_protocol_versions());
    drop(audited.accepted_subscription_filter(&SubscriptionFilter::default()));
    drop(audited.get_tool("a"));
    drop(audited.get_info());
    let called =
        ["negotiate_initialize", "supported_protocol_versions", "accepted_subscription_filter", "get_tool", "get_info"];
    assert_eq!(*heard.0.lock().unwrap(), called);
}

fn hello() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } })
}
