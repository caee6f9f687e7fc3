//! `docs/whose-fault.md` says what the table says.

use std::path::Path;

use watchfire::model::{FailureKind, Fault};
use watchfire::probe::faults::{GROUPS, whose_fault_page};

/// Writes the page in place of comparing it.
const WRITE: &str = "WATCHFIRE_WRITE";

#[test]
fn whose_fault_page_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/whose-fault.md");
    let wanted = whose_fault_page();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/whose-fault.md is not what the table says; renew it with {WRITE}=1 cargo test --test suite whose_fault"
    );
}

#[test]
fn whose_fault_page_has_a_line_for_every_row_and_no_broken_cell() {
    let page = whose_fault_page();
    let lines = page
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("** ") && line.ends_with(") |"));
    let rows: usize = GROUPS.iter().map(|group| group.rows.len()).sum();
    assert_eq!(lines.count(), rows);
    for line in page.lines().filter(|line| line.ends_with(") |")) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{line}");
    }
}

#[test]
fn whose_fault_page_names_every_kind_and_every_fault() {
    let page = whose_fault_page();
    for kind in FailureKind::ALL {
        assert!(
            page.contains(&format!("| `{kind}` |")),
            "`{kind}` has neither a row in src/probe/faults/ nor a line in its answers.rs"
        );
    }
    for fault in Fault::ALL {
        assert!(page.contains(&format!("| {} |", fault.name())));
    }
}
