//! The kind `chat`.

use toml::Spanned;
use toml::de::DeValue;

use super::{Check, Kind, Surroundings};
use crate::diagnostic::Problem;
use crate::model::Confirm;

/// The kind `chat`.
pub const KIND: Kind = Kind {
    name: "chat",
    keys: &[
        "model",
        "stream",
        "url",
        "headers",
        "auth",
        "prompt",
        "max_tokens",
        "max_tokens_field",
        "first_token_within",
        "stall_after",
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
        "kind `chat` is not there yet",
    )])
}
