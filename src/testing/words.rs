//! The words that [`assert_audited!`](crate::assert_audited) takes without quotes: a wrong one is an error of the compiler.

#![allow(non_upper_case_globals, reason = "they are written as they stand in records")]
#![allow(missing_docs, reason = "each is what its name says")]

pub mod outcome {
    use crate::record::Status;

    pub const success: Status = Status::Success;
    pub const failure: Status = Status::Failure;
    pub const unknown: Status = Status::Unknown;
}

pub mod detail {
    use crate::record::Detail;

    pub const ok: Detail = Detail::Ok;
    pub const tool_error: Detail = Detail::ToolError;
    pub const jsonrpc_error: Detail = Detail::JsonrpcError;
    pub const http_error: Detail = Detail::HttpError;
    pub const denied: Detail = Detail::Denied;
    pub const cancelled: Detail = Detail::Cancelled;
    pub const timeout: Detail = Detail::Timeout;
    pub const panic: Detail = Detail::Panic;
    pub const no_response: Detail = Detail::NoResponse;
    pub const interrupted: Detail = Detail::Interrupted;
    pub const input_required: Detail = Detail::InputRequired;
    pub const task: Detail = Detail::Task;
}

pub mod decision {
    pub const allow: &str = "allow";
    pub const deny: &str = "deny";
    pub const escalate: &str = "escalate";
}

pub mod phase {
    pub const request: &str = "request";
    pub const response: &str = "response";
}
