//! What people say of letters in the outbox: that one is to be sent after all, or not any more.

use crate::model::Timestamp;
use crate::model::said::{Ask, Decision, Effect, Order};
use crate::store::{DeliveryState, Store, StoreError, Transaction};

/// Letters that one order sends again at most: enough for a night, few enough for one transaction.
const MOST: usize = 10_000;

/// What an order about letters comes to; `None` when it is about something else.
pub(super) fn decide(order: &Order, store: &Store) -> Option<Decision> {
    let decided = match &order.ask {
        Ask::Retry { letter: Some(id) } => retry(*id, store),
        Ask::Retry { letter: None } => retry_all(store),
        Ask::Drop { letter, why } => discard(*letter, &order.who, why, store),
        Ask::Ack { .. } | Ask::Begin(_) | Ask::End { .. } => return None,
    };
    Some(decided.unwrap_or_else(|answer| Decision {
        answer,
        effect: None,
    }))
}

/// Changes the outbox as was decided.
pub(super) fn write(
    tx: &mut Transaction<'_>,
    effect: &Effect,
    now: Timestamp,
) -> Result<(), StoreError> {
    match effect {
        Effect::Retry(letters) => tx.retry(letters, now),
        Effect::Discard(letters, why) => tx.discard(letters, why, now),
        Effect::Ack(_) | Effect::Begin(_) | Effect::End(_) => Ok(()),
    }
}

fn unreadable(e: StoreError) -> String {
    format!("the outbox cannot be read: {e}")
}

fn retry(id: i64, store: &Store) -> Result<Decision, String> {
    let found = store.letter(id).map_err(unreadable)?;
    let (row, whole) = found.ok_or_else(|| format!("there is no mail {id} in the outbox"))?;
    if row.state == DeliveryState::Sent {
        return Err(format!("mail {id} was accepted already"));
    }
    if !whole {
        return Err(format!(
            "the text of mail {id} is not kept any more; `letters` in [retention] says for how long"
        ));
    }
    let waits = matches!(row.state, DeliveryState::Pending | DeliveryState::Ambiguous);
    let again = if waits { "at once" } else { "again" };
    Ok(Decision {
        answer: format!("mail {id} to {} is sent {again}", row.recipient),
        effect: Some(Effect::Retry(vec![id])),
    })
}

fn retry_all(store: &Store) -> Result<Decision, String> {
    let dead = store.letters(&[DeliveryState::Dead], MOST);
    let ids: Vec<i64> = dead.map_err(unreadable)?.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Err("no mail was given up".to_owned());
    }
    let answer = match ids.len() {
        1 => "1 mail that was given up is sent again".to_owned(),
        n => format!("{n} mails that were given up are sent again"),
    };
    Ok(Decision {
        answer,
        effect: Some(Effect::Retry(ids)),
    })
}

fn discard(id: i64, who: &str, why: &str, store: &Store) -> Result<Decision, String> {
    let found = store.letter(id).map_err(unreadable)?;
    let (row, _) = found.ok_or_else(|| format!("there is no mail {id} in the outbox"))?;
    match row.state {
        DeliveryState::Sent => return Err(format!("mail {id} was accepted already")),
        DeliveryState::Dropped => return Err(format!("mail {id} was dropped already")),
        _ => {}
    }
    let perhaps = match row.state {
        DeliveryState::Ambiguous => "; the server may have it nevertheless",
        _ => "",
    };
    Ok(Decision {
        answer: format!(
            "mail {id} to {} is not sent any more{perhaps}",
            row.recipient
        ),
        effect: Some(Effect::Discard(
            vec![id],
            format!("dropped by {who}: {why}"),
        )),
    })
}
