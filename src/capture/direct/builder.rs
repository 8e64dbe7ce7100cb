//! What all typed events have in common.

/// Gives a typed event, which has a field `moment`, the methods that all have, and makes it one that a trail records.
macro_rules! event {
    ($event:ident) => {
        event!($event, |event| event.moment);
    };
    ($event:ident, |$whole:ident| $moment:expr) => {
        /// What every event may say.
        impl $event {
            /// Who acts, if that is not the actor of the call in which the event is recorded. What a client only claims is no
            /// part of it: `auditrail.claimed.*` comes from the wire alone.
            pub fn actor(self, actor: $crate::identity::Actor) -> Self {
                let actor = $crate::identity::Actor { claimed: Default::default(), ..actor };
                self.with(|moment| moment.actor(actor))
            }

            /// The tenant, if it is not that of the call: `auditrail.tenant.id`.
            pub fn tenant(self, tenant: impl Into<String>) -> Self {
                self.fact($crate::record::names::AUDITRAIL_TENANT_ID, tenant.into())
            }

            /// Why, and under which rules, data were used.
            pub fn data_use(self, data: $crate::trail::DataUse) -> Self {
                self.with(|moment| moment.data_use(data))
            }

            /// What it is about, if the event does not say so: `audit.target.type` and `audit.target.id`.
            pub fn target(
                self,
                kind: impl Into<::std::borrow::Cow<'static, str>>,
                id: impl Into<::std::borrow::Cow<'static, str>>,
            ) -> Self {
                self.fact($crate::record::names::AUDIT_TARGET_TYPE, kind.into())
                    .fact($crate::record::names::AUDIT_TARGET_ID, id.into())
            }

            /// How it ended, if the event does not say so.
            pub fn outcome(self, outcome: $crate::record::Outcome) -> Self {
                self.with(|moment| moment.outcome(outcome))
            }

            /// When it happened, if that was before it is recorded.
            pub fn at(self, time: ::std::time::SystemTime) -> Self {
                self.with(|moment| moment.at(time))
            }

            /// The call that it belongs to, where it is recorded outside of it.
            pub fn of_call(self, call: &$crate::trail::OpenCall) -> Self {
                self.with(|moment| moment.of_call(call))
            }

            /// The OTel context of the span that it belongs to, if that is not the current one.
            pub fn within(self, context: ::opentelemetry::Context) -> Self {
                self.with(|moment| moment.within(context))
            }

            /// What [`Trail::record_durably`](crate::Trail::record_durably) waits for.
            pub fn class(self, class: $crate::trail::Class) -> Self {
                self.with(|moment| moment.class(class))
            }

            /// Any other attribute of the contract, or one of your own: whatever you set is exported. Ids, phases and outcomes
            /// belong to the trail; such a key is ignored.
            pub fn attribute(
                self,
                key: impl Into<$crate::record::Key>,
                value: impl Into<$crate::record::Value>,
            ) -> Self {
                self.with(|moment| moment.attribute(key, value))
            }

            fn with(mut self, change: impl FnOnce($crate::trail::Moment) -> $crate::trail::Moment) -> Self {
                self.moment = change(self.moment);
                self
            }

            fn fact(self, key: &'static str, value: impl Into<$crate::record::Value>) -> Self {
                self.with(|moment| moment.own(key, value))
            }
        }

        impl From<$event> for $crate::trail::Moment {
            fn from($whole: $event) -> Self {
                $moment
            }
        }
    };
}

pub(super) use event;
