//! The MCP server of the examples: three annotated tools, one that fails and one that the trail's owner denies.

use std::time::Duration;

use auditrail::{Actor, Call, Decision, RequestFacts, Trail, TrailBuilder};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ServerCapabilities, ServerConfig};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};

#[derive(Debug, Clone)]
pub(crate) struct WeatherServer {
    tool_router: ToolRouter<Self>,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct City {
    /// Name of the city.
    city: String,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Days {
    /// Name of the city.
    city: String,
    /// Days ahead, 1 to 7.
    days: u8,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Station {
    /// Id of the station.
    station: String,
}

impl WeatherServer {
    pub(crate) fn new() -> Self {
        Self { tool_router: Self::tool_router() }
    }
}

#[tool_router]
impl WeatherServer {
    #[tool(description = "Current weather of a city")]
    #[tracing::instrument(skip_all, fields(audit.target.type = "city", audit.target.id = %city))]
    async fn current_weather(&self, Parameters(City { city }): Parameters<City>) -> String {
        let degrees = read_station(&city).await;
        format!("{city}: {degrees} °C")
    }

    #[tool(description = "Forecast for a city; fails for cities that are not on the map")]
    #[tracing::instrument(skip_all, err, fields(audit.target.type = "city", audit.target.id = %city))]
    async fn forecast(&self, Parameters(Days { city, days }): Parameters<Days>) -> Result<String, String> {
        match city.as_str() {
            "Atlantis" => Err(format!("{city} is under water")),
            _ => Ok(format!("{city}: mild for {days} days")),
        }
    }

    #[tool(description = "Removes a weather station")]
    #[tracing::instrument(skip_all, fields(audit.target.type = "station", audit.target.id = %station))]
    async fn delete_station(&self, Parameters(Station { station }): Parameters<Station>) -> String {
        format!("{station} is gone")
    }
}

/// A span inside a handler: it is below the call in the trace.
#[tracing::instrument(skip_all)]
async fn read_station(city: &str) -> usize {
    tokio::time::sleep(Duration::from_millis(5)).await;
    city.len() * 3
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for WeatherServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

/// The trail of the examples: the actor comes from a header that a gateway in front would set, and deleting is
/// denied.
pub(crate) fn trail() -> TrailBuilder {
    Trail::builder("weather-mcp").actor(user).authorize(nobody_deletes)
}

fn user(request: &RequestFacts<'_>) -> Option<Actor> {
    let user = request.headers?.get("x-user")?.to_str().ok()?;
    Some(Actor::asserted(user))
}

fn nobody_deletes(call: &Call) -> Decision {
    match call.name() {
        Some(tool) if tool.starts_with("delete_") => Decision::deny("stations are removed by the operators only"),
        _ => Decision::Allow,
    }
}
