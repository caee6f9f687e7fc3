//! Who acknowledged an incident, for those who look at it.

use serde_json::{Value, json};

use crate::report::words::moment;
use crate::store::SaidRow;

/// `2026-11-25 14:02:10  by ann: a ticket is open`, and until when it stood.
pub fn line(ack: &SaidRow) -> String {
    let note = match ack.why.as_str() {
        "" => String::new(),
        note => format!(": {note}"),
    };
    let until = match &ack.ended {
        Some((at, why)) => format!(" (until {}: {why})", moment(*at)),
        None => String::new(),
    };
    format!("{}  by {}{note}{until}", moment(ack.at), ack.who)
}

/// The one that stands, as an object; null when none does.
pub fn to_json(acks: &[SaidRow]) -> Value {
    let standing = acks.iter().find(|ack| ack.ended.is_none());
    standing.map_or(
        Value::Null,
        |ack| json!({ "by": ack.who, "at": ack.at.to_string(), "note": ack.why }),
    )
}
