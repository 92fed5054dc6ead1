use std::time::{Duration, Instant};

use axum::http::StatusCode;
use model::{Allowance, Day, OrgLimits, Period, Rate, Reading};
use store::{Registry, Telemetry};

use crate::app::{Answer, App, Caller, EUI, HOUR_MS, MINUTE_MS, NOW_MS, READ, ms_ago};

const ORGANIZATION: &str = "/openapi/view_organization";
const LATEST: &str = "/openapi/view_latest_telemetry_data?device_eui=2CF7F12004100005";
const LIST: &str = "/openapi/list_telemetry_data?device_eui=2CF7F12004100005";

fn rate(per_minute: u32, burst: u32) -> Option<Rate> {
    Some(Rate { per_minute: per_minute.try_into().unwrap(), burst: burst.try_into().unwrap() })
}

fn allowance(amount: u64, period: Period) -> Option<Allowance> {
    Some(Allowance { amount: amount.try_into().unwrap(), period })
}

/// Somebody with a device that has sent so many points.
async fn member_with_points(app: &App, points: i64) -> Caller<'_> {
    let member = app.member().await;
    member.bind(EUI, "S2101").await;
    let rows = (0..points).map(|minute| (ms_ago(minute * MINUTE_MS), vec![Reading::new(1, 4097, minute as f64)]));
    member.uplinks(EUI, rows).await;
    member
}

#[track_caller]
fn check_refused(answer: &Answer, msg: &str, retry_after: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "429"), "{}", answer.body);
    assert_eq!(answer.json()["msg"], format!("Too many requests: {msg}"));
    assert_eq!(answer.header("retry-after"), retry_after);
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "0");
    assert!(answer.header("access-control-expose-headers").contains("RateLimit-Policy"));
}

#[tokio::test]
async fn a_key_may_make_a_burst_of_calls_and_then_some_a_minute() {
    let app = App::new();
    let member = app.member().await;
    let id = member.id.unwrap();
    app.store.limit_access_key(member.org, id, rate(30, 3), None).await.unwrap();
    let begin = Instant::now();
    for left in [2, 1, 0] {
        let answer = member.get_at(ORGANIZATION, begin).await;
        answer.data();
        assert_eq!(answer.header("ratelimit-policy"), "\"key-calls\";q=3;w=6");
        assert_eq!(answer.header("ratelimit"), format!("\"key-calls\";r={left};t={}", (3 - left) * 2));
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("x-ratelimit-remaining"), left.to_string());
        assert_eq!(answer.header("retry-after"), "");
    }
    let refused = member.get_at(ORGANIZATION, begin).await;
    let msg = format!(
        "access key `{id}` may make 30 calls a minute, 3 at once; try again in 2 s, at 2026-07-10T12:00:02.000Z; most \
         calls of this minute, 4, came with access key `{id}`"
    );
    check_refused(&refused, &msg, "2");
    assert_eq!(refused.header("ratelimit"), "\"key-calls\";r=0;t=2");
    assert_eq!(refused.header("ratelimit-reset"), "2");
    assert_eq!(refused.header("x-ratelimit-reset"), (NOW_MS / 1_000 + 2).to_string());
    // Another key has no limit, and no headers about one.
    let other = member.clone().with_key(READ).await.get_at(ORGANIZATION, begin).await;
    other.data();
    assert_eq!(other.header("ratelimit-policy"), "");
    // One call more every two seconds; the wall clock has no say in that.
    app.pass(-400 * 24 * HOUR_MS);
    member.get_at(ORGANIZATION, begin + Duration::from_secs(2)).await.data();
    assert_eq!(member.get_at(ORGANIZATION, begin + Duration::from_secs(3)).await.code(), "429");
    member.get_at(ORGANIZATION, begin + Duration::from_secs(4)).await.data();
    app.store.limit_access_key(member.org, id, None, None).await.unwrap();
    member.get_at(ORGANIZATION, begin + Duration::from_secs(4)).await.data();
}

#[tokio::test]
async fn all_keys_of_an_organization_share_its_rate_and_nobody_elses() {
    let app = App::new();
    let (member, stranger) = (app.member().await, app.member().await);
    let (busy, quiet) = (member.clone().with_key(READ).await, member.clone().with_key(READ).await);
    app.limit(member.org, OrgLimits { rate: rate(60, 4), ..OrgLimits::default() }).await;
    let begin = Instant::now();
    for caller in [&busy, &busy, &quiet, &busy] {
        caller.get_at(ORGANIZATION, begin).await.data();
    }
    let refused = quiet.get_at(ORGANIZATION, begin).await;
    let msg = format!(
        "organization `{}` may make 60 calls a minute, 4 at once; try again in 1 s, at 2026-07-10T12:00:01.000Z; most calls \
         of this minute, 3, came with access key `{}`",
        member.org,
        busy.id.unwrap()
    );
    check_refused(&refused, &msg, "1");
    stranger.get_at(ORGANIZATION, begin).await.data();
    // Who has no good key takes nothing from those who have.
    assert_eq!(app.stranger().get_at(ORGANIZATION, begin).await.code(), "11104");
}

#[tokio::test]
async fn a_key_reads_as_many_data_as_it_is_allowed_in_a_day() {
    let app = App::new();
    let member = member_with_points(&app, 20).await;
    let id = member.id.unwrap();
    app.store.limit_access_key(member.org, id, None, allowance(25, Period::Day)).await.unwrap();
    let answer = member.get(LIST).await;
    assert_eq!(answer.header("api-gateway-mpuo-consume"), "20");
    assert_eq!(answer.header("ratelimit-policy"), "\"key-dm\";q=25;qu=\"dm\";w=86400");
    assert_eq!(answer.header("ratelimit"), "\"key-dm\";r=5;t=43200");
    assert_eq!(answer.header("ratelimit-limit"), "", "it does not count calls");
    let msg = format!(
        "access key `{id}` may read 25 data a day; 20 are used, and this call takes 20; the next day begins in 43200 s, at \
         2026-07-11T00:00:00.000Z; access key `{id}` read most of it, 20"
    );
    check_refused(&member.get(LIST).await, &msg, "43200");
    // What is left may still be read, to the last one.
    assert_eq!(member.get(&format!("{LIST}&limit=5")).await.header("api-gateway-mpuo-consume"), "5");
    for path in [LATEST, LIST] {
        assert_eq!(member.get(path).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    member.get(ORGANIZATION).await.data();
    app.pass(12 * HOUR_MS);
    assert_eq!(member.get(&format!("{LIST}&limit=7")).await.header("ratelimit"), "\"key-dm\";r=18;t=86400");
}

#[tokio::test]
async fn the_keys_of_an_organization_share_its_data_and_the_refusal_names_who_read_most() {
    let app = App::new();
    let member = member_with_points(&app, 20).await;
    let (busy, quiet) = (member.clone().with_key(READ).await, member.clone().with_key(READ).await);
    // What was read before counts.
    busy.get(&format!("{LIST}&limit=9")).await.data();
    app.api.meter().flush(&*app.store).await.unwrap();
    app.limit(member.org, OrgLimits { dm: allowance(30, Period::Month), ..OrgLimits::default() }).await;
    app.store.limit_access_key(member.org, quiet.id.unwrap(), None, allowance(1_000, Period::Day)).await.unwrap();
    let answer = quiet.get(&format!("{LIST}&limit=4")).await;
    assert_eq!(answer.header("ratelimit"), "\"key-dm\";r=996;t=43200, \"organization-dm\";r=17;t=1857600");
    let msg = format!(
        "organization `{}` may read 30 data a month; 13 are used, and this call takes 20; the next month begins in 1857600 s, \
         at 2026-08-01T00:00:00.000Z; access key `{}` read most of it, 9",
        member.org,
        busy.id.unwrap()
    );
    check_refused(&quiet.get(LIST).await, &msg, "1857600");
    let answer = quiet.get(&format!("{LIST}&limit=17")).await;
    assert!(answer.header("ratelimit").starts_with("\"key-dm\";r=979"), "what was refused took nothing");
    assert_eq!(busy.get(LATEST).await.code(), "429");
}

#[tokio::test]
async fn data_that_the_caller_has_cost_nothing_even_when_nothing_is_left() {
    let app = App::new();
    let member = member_with_points(&app, 10).await;
    app.limit(member.org, OrgLimits { dm: allowance(1, Period::Day), ..OrgLimits::default() }).await;
    let tag = member.get(LATEST).await.header("etag").to_owned();
    assert_eq!(member.get(LATEST).await.code(), "429");
    assert_eq!(member.get_unless(LATEST, &tag).await.status, StatusCode::NOT_MODIFIED);
    member.uplink(EUI, ms_ago(-1), [Reading::new(1, 4097, 0.5)]).await;
    assert_eq!(member.get_unless(LATEST, &tag).await.code(), "429");
}

#[tokio::test]
async fn over_the_allowance_of_uploads_everything_is_stored_and_nothing_read() {
    let app = App::new();
    let member = member_with_points(&app, 5).await;
    app.limit(member.org, OrgLimits { um: allowance(5, Period::Month), ..OrgLimits::default() }).await;
    member.get(LIST).await.data();
    member.uplink(EUI, ms_ago(30_000), [Reading::new(1, 4097, 0.5)]).await;
    let msg = format!(
        "the devices of organization `{}` may upload 5 data a month, and that is used up; what they send is stored all the \
         same and can be read again in 1857600 s, at 2026-08-01T00:00:00.000Z, or as soon as the limit is raised",
        member.org
    );
    let refused = member.get(LIST).await;
    check_refused(&refused, &msg, "1857600");
    assert_eq!(refused.header("ratelimit"), "\"organization-um\";r=0;t=1857600");
    member.get(ORGANIZATION).await.data();
    let today = Day::of(ms_ago(0));
    assert_eq!(app.store.list_um(member.org, today, today).await.unwrap(), [(today, 6)]);
    app.limit(member.org, OrgLimits { um: allowance(6, Period::Month), ..OrgLimits::default() }).await;
    assert_eq!(member.get(LIST).await.header("api-gateway-mpuo-consume"), "6");
}

#[tokio::test]
async fn sixty_four_clients_at_once_read_exactly_what_is_allowed() {
    const CLIENTS: usize = 64;
    const CALLS: usize = 40;
    const ALLOWED: u64 = 1_501;
    let app = App::new();
    let member = member_with_points(&app, 3).await;
    app.limit(member.org, OrgLimits { dm: allowance(ALLOWED, Period::Day), ..OrgLimits::default() }).await;
    let path = format!("{LIST}&limit=1");
    let client = async || {
        let mut read = 0_u64;
        for _ in 0..CALLS {
            let answer = member.get(&path).await;
            match answer.status {
                StatusCode::OK => read += answer.header("api-gateway-mpuo-consume").parse::<u64>().unwrap(),
                status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.body),
            }
        }
        read
    };
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Box::pin(client())).collect();
    let mut read = 0;
    std::future::poll_fn(|context| {
        clients.retain_mut(|client| match client.as_mut().poll(context) {
            std::task::Poll::Ready(done) => {
                read += done;
                false
            }
            std::task::Poll::Pending => true,
        });
        if clients.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(read, ALLOWED);
    app.api.meter().flush(&*app.store).await.unwrap();
    assert_eq!(app.store.count_dm(member.org).await.unwrap(), ALLOWED);
}

#[tokio::test]
async fn what_was_drawn_and_not_spent_is_given_back_at_the_end() {
    let app = App::new();
    let member = member_with_points(&app, 3).await;
    app.limit(member.org, OrgLimits { dm: allowance(10_000, Period::Day), ..OrgLimits::default() }).await;
    member.get(LIST).await.data();
    let today = Day::of(ms_ago(0));
    let drawn = async || app.store.draw_dm(member.org, None, today, today, 0, 10_000).await.unwrap().total;
    assert_eq!(drawn().await, 100, "a hundredth at a time");
    app.api.settle().await.unwrap();
    assert_eq!(drawn().await, 3);
}
