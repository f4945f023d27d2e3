//! PostgreSQL.

#[derive(Clone)]
pub(crate) enum Postgres {}
pub(crate) enum Hold {}
