//! The kind `http`.

use toml::Spanned;
use toml::de::DeValue;

use super::{Check, Kind, Surroundings};
use crate::diagnostic::Problem;
use crate::model::Confirm;

/// The kind `http`.
pub const KIND: Kind = Kind {
    name: "http",
    keys: &[
        "url",
        "path",
        "method",
        "headers",
        "query",
        "body",
        "auth",
        "redirects",
        "expect",
    ],
    confirm: Confirm::CHEAP,
    build,
};

fn build(
    table: &Spanned<DeValue<'_>>,
    _: &Surroundings<'_>,
) -> Result<Box<dyn Check>, Vec<Problem>> {
    Err(vec![Problem::new(
        table.span(),
        "kind `http` is not there yet",
    )])
}
