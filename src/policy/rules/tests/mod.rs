mod decided;
mod naive;
mod properties;
mod refused;
