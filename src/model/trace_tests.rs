//! What traces may look like, and what is said of those that cannot be read.

use super::*;

fn parse(text: &str) -> Result<Trace, String> {
    Trace::parse("t.csv", text.as_bytes(), "svc").map_err(|e| e.to_string())
}

fn first_line(text: &str) -> String {
    let error = parse(text).unwrap_err();
    error.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn counted_seconds_latency_and_rechecks_are_read() {
    let trace =
        parse("t_seconds,probe,ok,latency_ms,kind\n30.250,api,1,250.0,s\n35.5,api,0,500,r\n")
            .unwrap();
    assert_eq!(trace.time, TimeColumn::Counted);
    assert_eq!(trace.services[0].probes, ["api"]);
    let row = trace.rows[1];
    assert_eq!(row.start(), Timestamp::from_seconds(35.0));
    assert_eq!((row.failed, row.origin), (true, Origin::Recheck));
}

#[test]
fn a_public_history_with_comments_targets_and_empty_cells_is_read() {
    let trace = parse(
        "# source: somewhere, \"quoted\ntime_utc_iso,target,ok,status,latency_ms\n2023-12-12T07:32:00Z,web,1,,\n# a gap\n2023-12-12T08:32:00Z,web,0,502,51\n",
    )
    .unwrap();
    assert_eq!(trace.time, TimeColumn::Calendar);
    assert_eq!(trace.rows[0].known.to_string(), "2023-12-12T07:32:00Z");
    assert_eq!(trace.rows[1].status, Some(502));
}

#[test]
fn several_services_in_one_file_are_kept_apart() {
    let trace =
        parse("t_seconds,service,probe,ok\n0,a,api,1\n1,b,api,1\n2,a,web,1\n3,,api,1\n").unwrap();
    let names: Vec<_> = trace.services.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "svc"]);
    assert_eq!(trace.services[0].probes, ["api", "web"]);
}

#[test]
fn the_interval_is_the_median_spacing_whatever_the_gaps_and_rechecks() {
    let trace = parse(
        "t_seconds,probe,ok,kind\n0,a,1,s\n60,a,0,s\n65,a,0,r\n120,a,1,s\n9000,a,1,s\n9060,a,1,s\n9061,b,1,s\n",
    )
    .unwrap();
    let minute = Duration::from_secs(60);
    assert_eq!(trace.intervals(), [[minute, USUAL_INTERVAL]]);
}

#[test]
fn rows_out_of_order_are_sorted_and_counted() {
    let trace = parse("t_seconds,probe,ok\n60,a,1\n30,a,0\n90,a,1\n").unwrap();
    assert_eq!(trace.out_of_order, 1);
    assert!(trace.rows[0].failed);
}

#[test]
fn faults_name_the_line_and_what_is_wanted() {
    assert_eq!(
        first_line("when,probe,ok\n"),
        "t.csv:1: no column `t_seconds`, `time_utc_iso` or `time` in the header"
    );
    assert_eq!(
        first_line("# c\nt_seconds,probe,ok\n1,a,1\n2,a,yes\n"),
        "t.csv:4: ok is `yes`, not 1 (it worked) or 0 (it failed)"
    );
    assert_eq!(
        first_line("t_seconds,probe,ok\nNaN,a,1\n"),
        "t.csv:2: t_seconds is `NaN`, not a number of seconds"
    );
    assert_eq!(
        first_line("t_seconds,probe,ok\n1,a\n"),
        "t.csv:2: 2 cells where the header has 3"
    );
    assert_eq!(first_line(""), "t.csv: empty");
    assert!(first_line("t_seconds,probe,ok,latency_ms\n1,a,1,-4\n").contains("latency_ms is `-4`"));
}
