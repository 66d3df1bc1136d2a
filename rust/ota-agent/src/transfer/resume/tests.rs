use super::*;

const ETAG: &str = "\"one\"";
const AT: u64 = 40;
const TOTAL: u64 = 100;

fn resume() -> Resume {
    Resume { at: AT, etag: ETAG.to_owned(), total: TOTAL }
}

fn head(status: u16) -> Head {
    Head {
        status,
        kind: answer::kind(status, None),
        range: None,
        etag: Some(ETAG.to_owned()),
        length: None,
        coding: None,
        web_page: false,
    }
}

fn rest() -> Head {
    let range = ContentRange { first: AT, last: TOTAL - 1, total: TOTAL };
    Head { range: Some(range), length: Some(TOTAL - AT), ..head(206) }
}

const BOUNDS: Bounds = Bounds { size: None, limit: 1000 };

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Append => "append",
        Verdict::Whole { .. } => "whole",
        Verdict::Restart => "restart",
        Verdict::Fail(Fault::Passing(_)) => "passing",
        Verdict::Fail(Fault::Settled(_)) => "settled",
    }
}

#[test]
fn the_rest_is_appended() {
    assert_eq!(word(&decide(Some(&resume()), &rest(), BOUNDS)), "append");
    let without_etag = Head { etag: None, ..rest() };
    assert_eq!(word(&decide(Some(&resume()), &without_etag, BOUNDS)), "append");
    let range = ContentRange { first: AT, last: AT + 9, total: TOTAL };
    let beginning = Head { range: Some(range), length: Some(10), ..rest() };
    assert_eq!(word(&decide(Some(&resume()), &beginning, BOUNDS)), "append");
}

#[test]
fn a_part_that_is_anything_else_restarts() {
    let range = |first, last, total| Some(ContentRange { first, last, total });
    for (what, head) in [
        ("no range", Head { range: None, ..rest() }),
        ("starts before", Head { range: range(AT - 1, TOTAL - 1, TOTAL), length: None, ..rest() }),
        ("starts behind", Head { range: range(AT + 1, TOTAL - 1, TOTAL), length: None, ..rest() }),
        ("starts at 0", Head { range: range(0, TOTAL - 1, TOTAL), length: None, ..rest() }),
        ("another total", Head { range: range(AT, TOTAL, TOTAL + 1), length: None, ..rest() }),
        ("another ETag", Head { etag: Some("\"two\"".to_owned()), ..rest() }),
        ("a weak ETag", Head { etag: Some(format!("W/{ETAG}")), ..rest() }),
        ("encoded", Head { coding: Some("gzip".to_owned()), ..rest() }),
        ("another length", Head { length: Some(TOTAL - AT + 1), ..rest() }),
    ] {
        assert_eq!(word(&decide(Some(&resume()), &head, BOUNDS)), "restart", "{what}");
    }
}

#[test]
fn a_range_out_of_reach_restarts_and_only_then() {
    assert_eq!(word(&decide(Some(&resume()), &head(416), BOUNDS)), "restart");
    assert_eq!(word(&decide(None, &head(416), BOUNDS)), "settled");
}

#[test]
fn the_whole_is_taken_from_byte_0_whatever_was_asked() {
    for asked in [None, Some(&resume())] {
        let Verdict::Whole { etag, total } = decide(asked, &Head { length: Some(7), ..head(200) }, BOUNDS)
        else {
            panic!("not taken")
        };
        assert_eq!((etag.as_deref(), total), (Some(ETAG), Some(7)));
        let weak = Head { etag: Some(format!("W/{ETAG}")), ..head(200) };
        let Verdict::Whole { etag, total } = decide(asked, &weak, BOUNDS) else { panic!("not taken") };
        assert_eq!((etag, total), (None, None));
    }
}

#[test]
fn a_known_size_stands_in_for_a_missing_length_and_must_agree_with_a_stated_one() {
    let bounds = Bounds { size: Some(7), limit: 1000 };
    assert!(matches!(decide(None, &head(200), bounds), Verdict::Whole { total: Some(7), .. }));
    for length in [0, 6, 8, u64::MAX] {
        let head = Head { length: Some(length), ..head(200) };
        assert!(matches!(
            decide(None, &head, bounds),
            Verdict::Fail(Fault::Settled(TransferError::BadReply { .. }))
        ));
    }
}

#[test]
fn more_than_the_limit_is_refused_unread() {
    let head = Head { length: Some(1001), ..head(200) };
    assert!(matches!(
        decide(None, &head, BOUNDS),
        Verdict::Fail(Fault::Settled(TransferError::TooLarge { limit: 1000 }))
    ));
}

#[test]
fn an_encoded_whole_and_a_web_page_are_refused() {
    let coded = Head { coding: Some("gzip".to_owned()), ..head(200) };
    let page = Head { web_page: true, ..head(200) };
    for head in [coded, page] {
        assert!(matches!(
            decide(None, &head, BOUNDS),
            Verdict::Fail(Fault::Settled(TransferError::BadReply { .. }))
        ));
    }
}

/// Every status, asked for the whole or the rest, under every combination of what a head may say: bytes are taken
/// from 200 and from the right 206 alone, and a restart is only ever ordered where a part was asked for, so that it
/// cannot repeat itself.
#[test]
fn every_combination_is_placed() {
    let ranges = [
        None,
        Some(ContentRange { first: AT, last: TOTAL - 1, total: TOTAL }),
        Some(ContentRange { first: 0, last: TOTAL - 1, total: TOTAL }),
        Some(ContentRange { first: AT, last: TOTAL, total: TOTAL + 1 }),
    ];
    let etags = [None, Some(ETAG.to_owned()), Some("\"two\"".to_owned()), Some(format!("W/{ETAG}"))];
    let lengths = [None, Some(0), Some(TOTAL - AT), Some(TOTAL), Some(5000)];
    let codings = [None, Some("gzip".to_owned())];
    let mut seen = 0;
    for status in 100..=599 {
        for wait in [None, Some(9)] {
            for range in &ranges {
                for etag in &etags {
                    for length in lengths {
                        for coding in &codings {
                            for web_page in [false, true] {
                                for size in [None, Some(TOTAL)] {
                                    let head = Head {
                                        status,
                                        kind: answer::kind(status, wait),
                                        range: *range,
                                        etag: etag.clone(),
                                        length,
                                        coding: coding.clone(),
                                        web_page,
                                    };
                                    placed(&head, Bounds { size, limit: 1000 });
                                    seen += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(seen, 500 * 2 * 4 * 4 * 5 * 2 * 2 * 2);
}

fn placed(head: &Head, bounds: Bounds) {
    let resume = resume();
    for asked in [None, Some(&resume)] {
        match decide(asked, head, bounds) {
            Verdict::Append => {
                assert!(asked.is_some() && head.status == 206, "{head:?}");
                let range = head.range.expect("a range");
                assert_eq!((range.first, range.total), (AT, TOTAL));
                assert!(
                    head.etag.as_deref().is_none_or(|etag| etag == ETAG) && head.coding.is_none(),
                    "{head:?}"
                );
            }
            Verdict::Whole { total, etag } => {
                assert!(head.status == 200 && head.coding.is_none() && !head.web_page, "{head:?}");
                assert!(total.is_none_or(|total| total <= bounds.limit), "{head:?}");
                assert!(bounds.size.is_none() || total == bounds.size, "{head:?}");
                assert!(etag.is_none_or(|etag| !etag.starts_with('W')), "{head:?}");
            }
            Verdict::Restart => assert!(asked.is_some() && matches!(head.status, 206 | 416), "{head:?}"),
            Verdict::Fail(Fault::Passing(error)) => {
                assert!(matches!(error, TransferError::Status { status } if status == 408 || status >= 500));
            }
            Verdict::Fail(Fault::Settled(error)) => match error {
                TransferError::Gone { status } => assert!(matches!(status, 404 | 410)),
                TransferError::RetryAfter { .. } => assert!(matches!(head.status, 429 | 503)),
                TransferError::BadReply { .. } | TransferError::TooLarge { .. } => {
                    assert!(matches!(head.status, 200 | 206));
                }
                TransferError::Status { status } => {
                    assert!(!matches!(status, 200 | 206 | 404 | 408 | 410 | 429));
                }
                other => panic!("{other}"),
            },
        }
    }
}
