//! Clearing a job away after the verdict; what goes wrong with that is a note.

use std::sync::Arc;
use std::time::Duration;

use super::judge::Course;
use super::{Job, stage};
use crate::probe::reply::Reply;
use crate::probe::verdict::refusal;
use crate::probe::{Judgement, Memory, Next, Step};

impl Job {
    /// The answer to a cancellation or a deletion: at most worth a note.
    pub(super) fn cleared(&self, reply: &Reply) -> Step {
        let refused = !(200..300).contains(&reply.status) && !matches!(reply.status, 404 | 410);
        let why = refused.then(|| refusal(reply, "2xx").why);
        self.go_on_clearing(reply, why)
    }

    pub(super) fn go_on_clearing(&self, reply: &Reply, why: Option<String>) -> Step {
        let memory = &reply.memory;
        let verdict = memory.verdict.as_deref().cloned();
        let mut verdict = verdict.unwrap_or(Judgement::SUCCESS);
        if let Some(why) = why {
            note(&mut verdict, memory.stage, &why);
        }
        self.clear(verdict, Course::of(memory), memory.stage)
    }

    /// What is cleared away after stage `from`; then the verdict.
    pub(super) fn clear(&self, mut verdict: Judgement, course: Course, from: u8) -> Step {
        let cancel = course.cancel.clone().filter(|_| !course.over);
        for (stage, request) in [
            (stage::CANCEL, cancel),
            (stage::DELETE, course.delete.clone()),
        ] {
            match request.filter(|_| stage > from) {
                None => {}
                Some(Err(why)) => note(&mut verdict, stage, &why),
                Some(Ok(request)) => {
                    let memory = Memory {
                        stage,
                        verdict: Some(Box::new(verdict)),
                        own: Some(Arc::new(course)),
                        ..Memory::default()
                    };
                    return Step::Then(Box::new(Next {
                        request,
                        after: Duration::ZERO,
                        memory,
                        doing: "",
                    }));
                }
            }
        }
        verdict.into()
    }
}

fn note(verdict: &mut Judgement, stage: u8, why: &str) {
    let what = match stage {
        stage::CANCEL => "cancelled",
        _ => "deleted",
    };
    let said = format!("the job could not be {what}: {why}");
    let found = verdict.found.get_or_insert_default();
    found.note = Some(match found.note.take() {
        Some(before) => format!("{before}; {said}"),
        None => said,
    });
}
