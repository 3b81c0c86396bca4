//! Tests what the connector concludes from weak evidence: pages, other resources, lists that are cut, one witness.

use std::sync::Mutex as StdMutex;

use super::*;

const PAGE: &[u8] = b"<!DOCTYPE html><title>Not here</title>";

fn page(status: u16) -> RawResponse {
    RawResponse { status, headers: vec![], body: PAGE.to_vec() }
}

fn scim_404() -> RawResponse {
    json_response(404, &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "404"}))
}

fn user(id: &str, name: &str) -> Value {
    json!({"id": id, "userName": name, "active": true})
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
    let failure = result.unwrap_err();
    assert!(!failure.stops_session(), "{failure}");
    failure.code()
}

fn bob_record(id: Option<&str>, enabled: bool) -> Record {
    record(id, enabled, &[("userName", "bob@example.com")])
}

#[test]
fn a_page_or_another_account_is_no_proof_that_an_account_is_gone_or_present() {
    let other = json_response(200, &user("z9", "zoe@example.com"));
    let nameless = json_response(200, &json!({"userName": "anna@example.com", "active": false}));
    for response in [page(404), page(410), page(200), other, nameless, empty_response(200)] {
        let target = InMemoryTarget::with(&[anna()]);
        target.respond_always("GET", "/v2/Users/a1", response);
        let session = session(&target, &[]);
        assert_eq!(code(session.find_user(Some("a1"), Some("anna@example.com"))), "uncertain");
        assert_eq!(code(session.update_user(&anna_record(Some("a1"), true))), "uncertain");
        assert_eq!(code(session.update_user(&anna_record(Some("a1"), false))), "uncertain");
        assert_eq!(code(session.remove_user(&anna_record(Some("a1"), true))), "uncertain");
        assert!(target.writes().is_empty());
    }
}

#[test]
fn another_account_in_a_response_is_not_acted_on_later() {
    let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
    target.respond_once("GET", "/v2/Users/a1", Ok(json_response(200, &user("b1", "bob@example.com"))));
    let session = session(&target, &[]);
    assert_eq!(code(session.find_user(Some("a1"), None)), "uncertain");
    assert_report(session.remove_user(&anna_record(Some("a1"), true)), Outcome::Disabled, Some("a1"));
    assert_eq!(target.user("b1")["active"], true);
}

#[test]
fn a_stray_404_of_the_id_removes_nothing_from_the_account() {
    for identifier in ["anna@example.com", "new.name@example.com"] {
        let target = InMemoryTarget::with(&[anna()]);
        target.respond_once("GET", "/v2/Users/a1", Ok(empty_response(404)));
        let leaver = record(Some("a1"), false, &[("userName", identifier)]);
        let session = session(&target, &[]);
        assert_report(session.remove_user(&leaver), Outcome::Disabled, Some("a1"));
        assert_eq!(target.user("a1")["active"], false, "{identifier}");
    }
}

#[test]
fn a_stray_404_of_the_id_creates_no_second_account() {
    for identifier in ["anna@example.com", "new.name@example.com"] {
        let target = InMemoryTarget::with(&[anna()]);
        target.respond_once("GET", "/v2/Users/a1", Ok(empty_response(404)));
        let renamed = record(Some("a1"), true, &[("userName", identifier), ("displayName", "Anna B.")]);
        assert_eq!(session(&target, &[]).update_user(&renamed).unwrap().id.as_deref(), Some("a1"));
        assert_eq!(target.users.lock().unwrap().len(), 1);
    }
}

#[test]
fn absence_of_a_linked_account_needs_two_witnesses() {
    let target = InMemoryTarget::with(&[]);
    let gone = session(&target, &[]);
    assert_report(gone.remove_user(&anna_record(Some("a1"), true)), Outcome::AlreadyGone, Some("a1"));
    assert_eq!(gone.find_user(Some("a1"), Some("anna@example.com")).unwrap(), None);
    // No identifier, a list that counts more than it shows, a list that is a page.
    assert_eq!(code(gone.remove_user(&record(Some("a1"), true, &[]))), "uncertain");
    assert_eq!(code(gone.find_user(Some("a1"), None)), "uncertain");
    for list in [
        json_response(200, &json!({"totalResults": 1, "itemsPerPage": 0})),
        json_response(200, &json!({"totalResults": 1, "Resources": []})),
        json_response(200, &json!({"totalResults": "1", "Resources": null})),
        page(200),
    ] {
        let target = InMemoryTarget::with(&[]);
        target.respond_always("GET", "/v2/Users?", list);
        let session = session(&target, &[]);
        assert_eq!(code(session.remove_user(&anna_record(Some("a1"), true))), "uncertain");
        assert_eq!(code(session.update_user(&anna_record(Some("a1"), true))), "uncertain");
        assert_eq!(code(session.create_user(&anna_record(None, true))), "uncertain");
        assert!(target.writes().is_empty());
    }
}

#[test]
fn an_account_with_a_new_id_is_disabled_if_it_carries_the_guid_of_the_entry() {
    let mut moved = anna();
    moved["externalId"] = json!("guid-1");
    for (external_guid, is_proved) in [(Some("guid-1"), true), (Some("guid-2"), false), (None, false)] {
        let leaver = Record { external_guid: external_guid.map(str::to_owned), ..anna_record(Some("old"), false) };
        for through_update in [true, false] {
            let target = InMemoryTarget::with(&[moved.clone()]);
            let session = session(&target, &[]);
            let result = if through_update { session.update_user(&leaver) } else { session.remove_user(&leaver) };
            if is_proved {
                let report = assert_report(result, Outcome::Disabled, Some("a1"));
                assert!(report.warnings[0].contains("a1 instead of old"), "{report:?}");
            } else {
                assert_eq!(code(result), "not_found");
            }
            assert_eq!(target.user("a1")["active"], !is_proved);
        }
    }
}

#[test]
fn an_enabled_user_whose_account_has_a_new_id_adopts_it() {
    let target = InMemoryTarget::with(&[anna()]);
    assert_report(session(&target, &[]).update_user(&anna_record(Some("old"), true)), Outcome::Adopted, Some("a1"));
}

#[test]
fn a_create_that_shows_another_account_is_a_failure_and_is_found_by_the_next_search() {
    let at = |location: &str, id: &str| RawResponse {
        headers: vec![("location".into(), location.into())],
        ..json_response(201, &json!({"id": id}))
    };
    for response in [
        json_response(201, &user("z9", "zoe@example.com")),
        json_response(201, &json!({"id": "z9"})),
        at("https://x.invalid/v2/Users/new-0", "z9"),
    ] {
        let target = InMemoryTarget::with(&[user("z9", "zoe@example.com")]);
        let inner = Arc::clone(&target);
        let mut response = Some(response);
        target.intercept(move |method, sent| {
            if method != "POST" {
                return None;
            }
            let answer = response.take().map(Ok);
            answer.inspect(|_| drop(inner.respond(sent)))
        });
        let session = session(&target, &[]);
        assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap(), None);
        assert_eq!(code(session.create_user(&anna_record(None, true))), "uncertain");
        assert_eq!(session.create_user(&anna_record(None, true)).unwrap().id.as_deref(), Some("new-0"));
        assert_eq!(target.users.lock().unwrap().len(), 2);
        assert_eq!(target.user("z9"), user("z9", "zoe@example.com"));
    }
}

#[test]
fn a_create_whose_location_names_no_account_is_read_by_its_id() {
    for location in ["/v2/Users", "/v2/Users/", "https://proxy.invalid/other/9"] {
        let target = InMemoryTarget::with(&[]);
        let inner = Arc::clone(&target);
        target.intercept(move |method, sent| {
            (method == "POST").then(|| {
                let headers = vec![("location".to_owned(), location.to_owned())];
                Ok(RawResponse { headers, ..inner.respond(sent) })
            })
        });
        assert_report(session(&target, &[]).create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
    }
}

#[test]
fn a_create_that_names_only_an_id_is_read() {
    for (body, location) in [(json!({"id": "new-0"}), None), (json!(null), Some("/v2/Users/new-0?x=1"))] {
        let target = InMemoryTarget::with(&[]);
        let inner = Arc::clone(&target);
        target.intercept(move |method, sent| {
            (method == "POST").then(|| {
                inner.respond(sent);
                let headers = location.iter().map(|to| ("location".to_owned(), (*to).to_owned())).collect();
                let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
                Ok(RawResponse { status: 201, headers, body })
            })
        });
        assert_report(session(&target, &[]).create_user(&anna_record(None, true)), Outcome::Created, Some("new-0"));
        assert_eq!(target.requests().last().unwrap().path, "/v2/Users/new-0");
    }
}

#[test]
fn a_write_whose_response_shows_another_account_is_a_failure() {
    let target = InMemoryTarget::with(&[anna()]);
    for method in ["PUT", "PATCH"] {
        target.respond_once(method, "/v2/Users/a1", Ok(json_response(200, &json!({"id": "z9", "active": false}))));
    }
    let session = session(&target, &[]);
    let changed = record(Some("a1"), true, &[("userName", "anna@example.com"), ("displayName", "B")]);
    assert_eq!(code(session.update_user(&changed)), "uncertain");
    assert_eq!(code(session.remove_user(&anna_record(Some("a1"), true))), "uncertain");
}

#[test]
fn a_404_to_a_removal_of_an_account_that_is_still_shown_is_not_already_gone() {
    for (settings, method) in [(&[][..], "PATCH"), (&[("REMOVE_ACTION", "Delete")][..], "DELETE")] {
        let target = InMemoryTarget::with(&[anna()]);
        target.respond_always(method, "/v2/Users/a1", empty_response(404));
        let failure = session(&target, settings).remove_user(&anna_record(Some("a1"), true)).unwrap_err();
        assert_eq!(failure.code(), "not_found");
        assert!(failure.message().text().contains("it shows this user"), "{failure}");
        // Deleted by another client between our read and our write.
        let target = InMemoryTarget::with(&[anna()]);
        let inner = Arc::clone(&target);
        target.intercept(move |sent, _| {
            (sent == method).then(|| {
                inner.users.lock().unwrap().clear();
                Ok(empty_response(404))
            })
        });
        let result = session(&target, settings).remove_user(&anna_record(Some("a1"), true));
        assert_report(result, Outcome::AlreadyGone, Some("a1"));
    }
}

#[test]
fn a_target_ignores_filters_only_if_it_does_so_twice() {
    for times in [1, 2] {
        let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
        let wrong = json_response(200, &json!({"totalResults": 1, "Resources": [user("b1", "bob@example.com")]}));
        let mut left = times;
        target.intercept(move |_, sent| {
            let is_wrong = sent.path.contains("filter=") && left > 0;
            left -= usize::from(is_wrong);
            is_wrong.then(|| Ok(wrong.clone()))
        });
        let session = session(&target, &[]);
        let found = session.find_user(None, Some("anna@example.com")).unwrap();
        assert_eq!(found.unwrap().id.as_deref(), Some("a1"));
        let is_learnt = session.connector().learnt().contains("ignored");
        assert_eq!(is_learnt, times == 2);
    }
}

#[test]
fn what_was_learnt_is_used_by_a_later_connector() {
    let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
    *target.ignores_filters.lock().unwrap() = true;
    let first = connector(&target, &[], false);
    first.session().find_user(None, Some("anna@example.com")).unwrap().unwrap();
    let later = connector(&target, &[], false);
    later.learn(&first.learnt());
    let before = target.requests().len();
    later.session().find_user(None, Some("anna@example.com")).unwrap().unwrap();
    assert!(target.requests()[before..].iter().all(|sent| !sent.path.contains("filter=")));
    let mut day_later = connector(&target, &[], false);
    day_later.exchange.environment.clock.sleep(Duration::from_secs(24 * 60 * 60));
    day_later.learn(&first.learnt());
    assert_eq!(day_later.learnt(), "{}");
    day_later = connector(&target, &[], false);
    day_later.learn("nonsense");
    assert!(day_later.session().find_user(None, Some("anna@example.com")).unwrap().is_some());
}

#[test]
fn what_was_learnt_about_one_filter_says_nothing_about_another() {
    // The target knows userName, and answers another filter with an empty list without a count.
    let mut anna = anna();
    anna["externalId"] = json!("anna@example.com");
    let target = InMemoryTarget::with(&[anna, user("b1", "bob@example.com")]);
    let by_name = connector(&target, &[], false);
    by_name.session().find_user(None, Some("bob@example.com")).unwrap();
    by_name.session().find_user(None, Some("anna@example.com")).unwrap();
    let inner = Arc::clone(&target);
    target.intercept(move |_, sent| {
        if sent.path.contains("filter=externalId") {
            return Some(Ok(json_response(200, &json!({"Resources": []}))));
        }
        sent.path.contains("startIndex=1&").then(|| Ok(inner.respond(sent)))
    });
    let by_id = connector(&target, &[("USER_FILTER", "externalId eq \"%s\"")], false);
    by_id.learn(&by_name.learnt());
    let found = by_id.session().find_user(None, Some("anna@example.com")).unwrap();
    assert_eq!(found.unwrap().id.as_deref(), Some("a1"));
}

#[test]
fn several_entries_of_one_account_and_numbers_as_ids_are_one_account() {
    let target = InMemoryTarget::with(&[]);
    let shown = json!({"id": 7, "userName": "Anna@example.com", "active": true});
    let list = json!({"totalResults": 3, "Resources": [shown, shown, shown]});
    target.respond_always("GET", "/v2/Users?", json_response(200, &list));
    target.respond_always("GET", "/v2/Users/7", json_response(200, &shown));
    let found = session(&target, &[]).find_user(None, Some("anna@example.com")).unwrap();
    assert_eq!(found.unwrap().id.as_deref(), Some("7"));
}

#[test]
fn an_account_that_a_list_shows_under_an_old_identifier_is_not_the_user() {
    let target = InMemoryTarget::with(&[user("a1", "renamed@example.com")]);
    let list = json!({"totalResults": 1, "Resources": [user("a1", "anna@example.com")]});
    target.respond_always("GET", "/v2/Users?", json_response(200, &list));
    assert_eq!(code(session(&target, &[]).create_user(&anna_record(None, true))), "uncertain");
    assert!(target.writes().is_empty());
}

#[test]
fn the_attribute_in_the_filter_decides_who_was_found() {
    let mut anna = anna();
    anna["externalId"] = json!("anna@example.com");
    anna["userName"] = json!("other");
    let target = InMemoryTarget::with(&[anna, user("b1", "bob@example.com")]);
    let session = session(&target, &[("USER_FILTER", "externalId eq \"%s\"")]);
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap().unwrap().id.as_deref(), Some("a1"));
    assert_eq!(session.find_user(None, Some("ANNA@example.com")).unwrap(), None, "externalId is case exact");
}

#[test]
fn an_empty_result_may_be_a_scim_404_but_a_stray_404_is_none() {
    let target = InMemoryTarget::with(&[anna()]);
    let inner = Arc::clone(&target);
    target.intercept(move |_, sent| {
        let response = sent.path.contains("filter=").then(|| inner.respond(sent))?;
        let is_empty = serde_json::from_slice::<Value>(&response.body).unwrap()["totalResults"] == 0;
        is_empty.then(|| Ok(scim_404()))
    });
    connector(&target, &[], false).check().unwrap();
    let empty_by_404 = session(&target, &[]);
    assert_report(empty_by_404.create_user(&bob_record(None, true)), Outcome::Created, Some("new-0"));
    assert_report(
        empty_by_404.remove_user(&record(Some("x"), false, &[("userName", "x")])),
        Outcome::AlreadyGone,
        Some("x"),
    );

    let target = InMemoryTarget::with(&[anna()]);
    let stray = session(&target, &[]);
    stray.find_user(None, Some("bob@example.com")).unwrap();
    target.respond_once("GET", "/v2/Users?", Ok(scim_404()));
    assert_eq!(stray.find_user(None, Some("anna@example.com")).unwrap().unwrap().id.as_deref(), Some("a1"));
    for other in [empty_response(404), page(404), json_response(404, &json!({"message": "no route"}))] {
        target.respond_once("GET", "/v2/Users?", Ok(other));
        assert_eq!(code(stray.find_user(None, Some("anna@example.com"))), "uncertain");
    }

    // Without a count, a page that is missing in the middle must not look like the end of the list.
    let target = InMemoryTarget::with(&[]);
    target.intercept(|method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        let first = json_response(200, &json!({"Resources": [user("b1", "bob@example.com")]}));
        Some(Ok(if query.contains("startIndex=2") { scim_404() } else { first }))
    });
    let failure = session(&target, &[]).create_user(&anna_record(None, true)).unwrap_err();
    assert!(failure.to_string().starts_with("uncertain: searching for a user: the target returned 404"), "{failure}");
}

/// Answers lists of users page by page, ignores filters, and takes a second for each page.
fn respond_in_pages(target: &Arc<InMemoryTarget>, clock: &Arc<ManualClock>, size: usize) {
    let (inner, clock) = (Arc::clone(target), Arc::clone(clock));
    target.intercept(move |method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        clock.sleep(Duration::from_secs(1));
        let start = query.split('&').find_map(|p| p.strip_prefix("startIndex=")).map_or(1, |n| n.parse().unwrap());
        let users = inner.users.lock().unwrap();
        let resources: Vec<Value> = users.values().skip(start - 1).take(size).cloned().collect();
        Some(Ok(json_response(200, &json!({"totalResults": users.len(), "itemsPerPage": 0, "Resources": resources}))))
    });
}

#[test]
fn a_long_list_that_ignores_filters_is_read_once_for_many_records_beyond_their_time_limit() {
    let names: Vec<String> = (0..2000).map(|n| format!("u{n:04}")).collect();
    let target = InMemoryTarget::with(&names.iter().map(|name| user(name, name)).collect::<Vec<_>>());
    let clock = Arc::new(ManualClock::default());
    respond_in_pages(&target, &clock, 10);
    let session = connector_with_clock(&target, &[], false, clock).session();
    for name in &names[..50] {
        assert_eq!(session.find_user(None, Some(name)).unwrap().unwrap().id.as_deref(), Some(name.as_str()));
    }
    for n in 0..50 {
        let new = format!("new{n}@example.com");
        let created = session.create_user(&record(None, true, &[("userName", &new)])).unwrap();
        assert_eq!(created.outcome, Outcome::Created);
        assert_eq!(session.find_user(None, Some(&new)).unwrap().unwrap().id, created.id, "it is remembered");
    }
    let first_pages = target.requests().iter().filter(|sent| sent.path.contains("startIndex=1&")).count();
    assert_eq!(first_pages, 1, "200 pages of a second each are read once");
}

#[test]
fn a_list_that_changes_while_it_is_read_is_read_again_and_a_list_that_is_never_whole_is_a_failure() {
    for is_lasting in [false, true] {
        let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com"), user("c1", "cat@example.com")]);
        let inner = Arc::clone(&target);
        let reads = StdMutex::new(0);
        target.intercept(move |method, sent| {
            let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
            let users = inner.users.lock().unwrap();
            let start: usize =
                query.split('&').find_map(|p| p.strip_prefix("startIndex=")).map_or(1, |n| n.parse().unwrap());
            let mut reads = reads.lock().unwrap();
            *reads += usize::from(start == 2);
            // A record moves to an earlier page, so the second page repeats nothing and lacks one.
            let skipped = usize::from(start == 2 && (is_lasting || *reads == 1));
            let resources: Vec<Value> = users.values().skip(start - 1 + skipped).take(1).cloned().collect();
            let total = users.len() - skipped;
            Some(Ok(json_response(200, &json!({"totalResults": total, "Resources": resources}))))
        });
        let result = session(&target, &[]).find_user(None, Some("nobody"));
        if is_lasting {
            let failure = result.unwrap_err();
            assert_eq!(failure.code(), "uncertain");
            assert!(failure.to_string().contains("changed while it was read"), "{failure}");
        } else {
            assert_eq!(result.unwrap(), None);
        }
    }
}

#[test]
fn a_list_with_cursors_is_followed_to_its_end() {
    let target = InMemoryTarget::with(&[anna()]);
    *target.ignores_filters.lock().unwrap() = true;
    target.intercept(|method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        let body = match query.split('&').find_map(|parameter| parameter.strip_prefix("cursor=")) {
            None => json!({"Resources": [user("b1", "bob")], "nextCursor": "second"}),
            Some("second") => json!({"Resources": [user("c1", "cat")], "nextCursor": "third"}),
            Some(_) => json!({"Resources": [anna()]}),
        };
        Some(Ok(json_response(200, &body)))
    });
    let session = session(&target, &[]);
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap().unwrap().id.as_deref(), Some("a1"));
    assert_eq!(session.find_user(None, Some("nobody")).unwrap(), None);
}

#[test]
fn an_endless_list_is_a_failure_of_the_record_in_bounded_time() {
    let target = InMemoryTarget::with(&[]);
    let clock = Arc::new(ManualClock::default());
    let slow = Arc::clone(&clock);
    let mut next = 0;
    target.intercept(move |method, sent| {
        sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        slow.sleep(Duration::from_secs(1));
        next += 1;
        let body = json!({"totalResults": next + 1, "Resources": [user(&format!("u{next}"), "x")]});
        Some(Ok(json_response(200, &body)))
    });
    let session = connector_with_clock(&target, &[], false, clock).session();
    let failure = session.find_user(None, Some("anna@example.com")).unwrap_err();
    assert_eq!(failure.code(), "transport", "{failure}");
    assert!(target.requests().len() < 700, "{}", target.requests().len());
}

#[test]
fn without_a_count_an_empty_result_counts_only_if_filters_are_honoured() {
    // The target shows everything to the list, and nothing to a filter that it does not know.
    let target = InMemoryTarget::with(&[anna()]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        let users = inner.users.lock().unwrap();
        let is_first = query.contains("startIndex=1&");
        let resources: Vec<Value> = if is_first { users.values().cloned().collect() } else { Vec::new() };
        Some(Ok(json_response(200, &json!({"Resources": resources}))))
    });
    let session = session(&target, &[]);
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap().unwrap().id.as_deref(), Some("a1"));
}

#[test]
fn a_configuration_that_could_not_be_read_is_asked_again_and_says_nothing_about_the_credentials() {
    for response in
        [empty_response(401), empty_response(403), page(200), page(404), json_response(200, &json!({"a": 1}))]
    {
        let target = InMemoryTarget::with(&[anna()]);
        let fails = Arc::new(StdMutex::new(true));
        let is_failing = Arc::clone(&fails);
        target.intercept(move |_, sent| {
            let is_configuration = sent.path.starts_with("/v2/ServiceProviderConfig");
            (is_configuration && *is_failing.lock().unwrap()).then(|| Ok(response.clone()))
        });
        let session = session(&target, &[("USER_UPDATE_METHOD", "Automatic")]);
        let facts = session.connector().check().unwrap().facts;
        assert!(facts.contains(&"service provider configuration: could not be read".to_owned()), "{facts:?}");
        let titled = |title: &str| record(Some("a1"), true, &[("userName", "anna@example.com"), ("title", title)]);
        assert_report(session.update_user(&titled("A")), Outcome::Updated, Some("a1"));
        assert_eq!(target.writes().last().unwrap().method, "PUT");
        *fails.lock().unwrap() = false;
        session.connector().exchange.environment.clock.sleep(Duration::from_secs(60));
        assert_report(session.update_user(&titled("B")), Outcome::Updated, Some("a1"));
        assert_eq!(target.writes().last().unwrap().method, "PATCH");
    }
}

#[test]
fn the_schemas_are_read_page_by_page_and_a_refusal_names_them() {
    let urn = "urn:ietf:params:scim:schemas:extension:acme:2.0:User";
    let core = json!({"id": "urn:ietf:params:scim:schemas:core:2.0:User", "attributes": []});
    let acme = json!({"id": urn, "attributes": [{"name": "floor", "type": "integer"}]});
    let target = InMemoryTarget::with(&[]);
    target.intercept(move |_, sent| {
        let query = sent.path.strip_prefix("/v2/Schemas")?;
        let schema = if query == "?startIndex=2" { &acme } else { &core };
        Some(Ok(json_response(200, &json!({"totalResults": 2, "Resources": [schema]}))))
    });
    let with_floor = record(None, true, &[("userName", "a"), ("floor", "3")]);
    session(&target, &[]).create_user(&with_floor).unwrap();
    assert_eq!(target.user("new-0")[urn]["floor"], 3);
    // The target ignores startIndex, so the second schema never comes.
    let repeating = InMemoryTarget::with(&[]);
    let first = json!({"totalResults": 2, "Resources": [{"id": "urn:a", "attributes": []}]});
    repeating.respond_always("GET", "/v2/Schemas", json_response(200, &first));
    assert_eq!(code(session(&repeating, &[]).create_user(&with_floor)), "uncertain");
    for status in [401, 403] {
        let target = InMemoryTarget::with(&[]);
        target.respond_always("GET", "/v2/Schemas", empty_response(status));
        let session = session(&target, &[]);
        for _ in 0..4 {
            assert_eq!(code(session.create_user(&with_floor)), "rejected");
        }
    }
}

#[test]
fn a_group_is_gone_only_if_its_id_and_its_name_say_so() {
    let target = with_group(staff_group(&["u1"]));
    target.respond_once("GET", "/v2/Groups/g1", Ok(empty_response(404)));
    let group_session = session(&target, &[]);
    assert_report(group_session.delete_group(&group(Some("g1"), None)), Outcome::Deleted, Some("g1"));
    for response in [page(404), json_response(200, &json!({"id": "g9", "displayName": "Other"}))] {
        let target = with_group(staff_group(&["u1"]));
        target.respond_always("GET", "/v2/Groups/g1", response);
        let session = session(&target, &[]);
        assert_eq!(code(session.delete_group(&group(Some("g1"), None))), "uncertain");
        assert_eq!(code(session.update_group(&group(Some("g1"), Some(&["u2"])))), "uncertain");
        assert_eq!(code(session.find_group(Some("g1"), "Staff")), "uncertain");
        assert!(target.writes().is_empty());
    }
    let target = with_group(staff_group(&["u1"]));
    let failure = session(&target, &[]).delete_group(&group(Some("old"), None)).unwrap_err();
    assert_eq!(failure.code(), "not_found");
    assert!(failure.message().text().contains("old, and group g1"), "{failure}");
    let unnamed = GroupRecord { name: String::new(), ..group(Some("old"), None) };
    assert_eq!(code(session(&target, &[]).delete_group(&unnamed)), "uncertain");
    assert!(target.writes().is_empty());
}

#[test]
fn a_group_whose_create_or_write_shows_another_group_is_a_failure() {
    let other = json_response(201, &json!({"id": "g9", "displayName": "Other"}));
    let target = with_group(staff_group(&["u1"]));
    target.respond_once("PUT", "/v2/Groups/g1", Ok(other.clone()));
    assert_eq!(code(session(&target, &[]).update_group(&group(Some("g1"), Some(&["u2"])))), "uncertain");
    let target = InMemoryTarget::with(&[]);
    target.respond_once("POST", "/v2/Groups", Ok(other));
    assert_eq!(code(session(&target, &[]).create_group(&group(None, Some(&["u2"])))), "uncertain");
}

fn names(target: &Arc<InMemoryTarget>) -> Vec<String> {
    target.users.lock().unwrap().values().map(|u| u["userName"].to_string()).collect()
}

/// Creates accounts without a check of uniqueness, in the form that `stored` makes.
fn without_uniqueness(target: &Arc<InMemoryTarget>, stored: impl Fn(Value) -> Value + Send + 'static) {
    let inner = Arc::clone(target);
    target.intercept(move |method, sent| {
        if method != "POST" {
            return None;
        }
        let mut resource = stored(sent.body.clone());
        let id = format!("made-{}", inner.next.fetch_add(1, Ordering::SeqCst));
        resource["id"] = json!(id);
        inner.users.lock().unwrap().insert(id, resource.clone());
        Some(Ok(json_response(201, &resource)))
    });
}

#[test]
fn entries_of_lists_without_the_identifier_do_not_prove_absence() {
    let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
    without_uniqueness(&target, |body| body);
    let inner = Arc::clone(&target);
    // Honours filters, and shows only the ids in lists.
    target.intercept(move |method, sent| {
        (method == "GET" && sent.path.starts_with("/v2/Users?")).then(|| {
            let mut body: Value = serde_json::from_slice(&inner.respond(sent).body).unwrap();
            for resource in body["Resources"].as_array_mut().unwrap() {
                *resource = json!({"id": resource["id"]});
            }
            Ok(json_response(200, &body))
        })
    });
    let session = session(&target, &[]);
    let result = session.create_user(&anna_record(None, true));
    assert_eq!(names(&target).len(), 2, "{result:?}");
}

#[test]
fn an_empty_result_without_a_count_does_not_prove_that_filters_are_honoured() {
    let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
    without_uniqueness(&target, |body| body);
    let inner = Arc::clone(&target);
    // The target of `without_a_count_an_empty_result_counts_only_if_filters_are_honoured`.
    target.intercept(move |method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        let is_first = query.contains("startIndex=1&");
        let users = inner.users.lock().unwrap();
        let resources: Vec<Value> = if is_first { users.values().cloned().collect() } else { Vec::new() };
        Some(Ok(json_response(200, &json!({"Resources": resources}))))
    });
    let session = session(&target, &[]);
    session.find_user(Some("b1"), Some("bob@example.com")).unwrap();
    let result = session.create_user(&anna_record(None, true));
    assert_eq!(target.users.lock().unwrap().len(), 2, "{result:?} {}", session.connector().learnt());
}

#[test]
fn an_account_found_instead_of_another_is_not_disabled_after_its_owner_was_written() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    // The leaver's stored account is gone, and the owner took over the identifier.
    let found = session.find_user(Some("old"), Some("anna@example.com")).unwrap().unwrap();
    let owner = record(Some("a1"), true, &[("userName", "anna@example.com"), ("title", "Owner")]);
    session.update_user(&owner).unwrap();
    let leaver = Record { id: found.id, ..anna_record(None, false) };
    let result = session.update_user(&leaver);
    assert_eq!(target.user("a1")["active"], true, "{result:?}");
}

#[test]
fn an_account_found_instead_of_another_is_not_deleted_after_its_owner_was_written() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[("REMOVE_ACTION", "Delete")]);
    let found = session.find_user(Some("old"), Some("anna@example.com")).unwrap().unwrap();
    let owner = record(Some("a1"), true, &[("userName", "anna@example.com"), ("title", "Owner")]);
    session.update_user(&owner).unwrap();
    let result = session.update_user(&Record { id: found.id, ..anna_record(None, false) });
    assert_ne!(target.user("a1"), Value::Null, "{result:?}");
}

#[test]
fn an_account_found_instead_of_another_by_one_session_is_not_disabled_by_another() {
    let target = InMemoryTarget::with(&[anna()]);
    let connector = connector(&target, &[], false);
    let found = connector.session().find_user(Some("old"), Some("anna@example.com")).unwrap().unwrap();
    let leaver = Record { id: found.id, ..anna_record(None, false) };
    let result = connector.session().update_user(&leaver);
    assert_eq!(target.user("a1")["active"], true, "{result:?}");
}

#[test]
fn a_target_without_count_and_without_paging_can_be_provisioned() {
    let target = InMemoryTarget::with(&[user("b1", "bob@example.com"), user("c1", "cat@example.com")]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, sent| {
        (method == "GET" && sent.path.starts_with("/v2/Users?")).then(|| {
            let mut body: Value = serde_json::from_slice(&inner.respond(sent).body).unwrap();
            body.as_object_mut().unwrap().remove("totalResults");
            Ok(json_response(200, &body))
        })
    });
    let session = session(&target, &[]);
    for _ in 0..2 {
        let result = session.create_user(&anna_record(None, true));
        if result.is_ok() {
            return;
        }
    }
    unreachable!("the user is created");
}

#[test]
fn a_target_that_trims_the_identifier_gets_one_account() {
    let target = InMemoryTarget::with(&[]);
    without_uniqueness(&target, |mut body| {
        body["userName"] = json!(body["userName"].as_str().unwrap().trim());
        body
    });
    let trailing = record(None, true, &[("userName", "anna@example.com ")]);
    let mut results = Vec::new();
    for _ in 0..3 {
        results.push(session(&target, &[]).create_user(&trailing).map_err(|e| e.to_string()));
    }
    assert_eq!(target.users.lock().unwrap().len(), 1, "{results:?}");
}

#[test]
fn a_uuid_in_another_letter_case_is_the_same_id() {
    let target = InMemoryTarget::with(&[]);
    let shown = json!({"id": "AB-1", "userName": "anna@example.com", "displayName": "Anna", "active": true});
    target.respond_always("GET", "/v2/Users/ab-1", json_response(200, &shown));
    let result = session(&target, &[]).update_user(&anna_record(Some("ab-1"), true));
    assert!(result.is_ok(), "{result:?}");
}

#[test]
fn a_list_that_is_never_whole_is_not_read_for_each_record() {
    let names: Vec<String> = (0..200).map(|n| format!("u{n:04}")).collect();
    let target = InMemoryTarget::with(&names.iter().map(|name| user(name, name)).collect::<Vec<_>>());
    let clock = Arc::new(ManualClock::default());
    let (inner, slow) = (Arc::clone(&target), Arc::clone(&clock));
    target.intercept(move |method, sent| {
        let query = sent.path.strip_prefix("/v2/Users?").filter(|_| method == "GET")?;
        slow.sleep(Duration::from_secs(1));
        let start = query.split('&').find_map(|p| p.strip_prefix("startIndex=")).map_or(1, |n| n.parse().unwrap());
        let users = inner.users.lock().unwrap();
        let resources: Vec<Value> = users.values().skip(start - 1).take(10).cloned().collect();
        // A deleted record counts, and is not shown.
        Some(Ok(json_response(200, &json!({"totalResults": users.len() + 1, "Resources": resources}))))
    });
    let connector = connector_with_clock(&target, &[], false, Arc::<ManualClock>::clone(&clock));
    let session = connector.session();
    for n in 0..50 {
        let new = record(None, true, &[("userName", &format!("new{n}@example.com"))]);
        let failure = session.create_user(&new).unwrap_err();
        assert_eq!(failure.code(), "uncertain");
        assert!(!failure.stops_session());
    }
    let pages = target.requests().len();
    assert!(pages < 200, "{pages} pages for 50 records of a target with 20 pages, {:?}", clock.monotonic());
}

#[test]
fn a_remembered_lookup_does_not_outlive_a_read_that_shows_another_identifier() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[]);
    session.find_user(None, Some("anna@example.com")).unwrap().unwrap();
    // Another client renames the account, and this session reads it again for its record.
    target.users.lock().unwrap().get_mut("a1").unwrap()["userName"] = json!("zoe@example.com");
    let zoe = session.find_user(Some("a1"), Some("zoe@example.com")).unwrap().unwrap();
    assert_eq!(zoe.first("userName"), Some("zoe@example.com"));
    let result = session.create_user(&anna_record(None, true));
    assert_eq!(target.user("a1")["userName"], "zoe@example.com", "{result:?}");
}

#[test]
fn two_sessions_of_one_connector_create_one_account() {
    let target = InMemoryTarget::with(&[]);
    without_uniqueness(&target, |body| body);
    let connector = connector(&target, &[], false);
    let (first, second) = (connector.session(), connector.session());
    assert_eq!(first.find_user(None, Some("anna@example.com")).unwrap(), None);
    assert_eq!(second.find_user(None, Some("anna@example.com")).unwrap(), None);
    first.create_user(&anna_record(None, true)).unwrap();
    let result = second.create_user(&anna_record(None, true));
    assert_eq!(target.users.lock().unwrap().len(), 1, "{result:?}");
}

#[test]
fn a_name_that_this_session_freed_can_be_taken_over_in_a_target_that_ignores_filters() {
    let target = InMemoryTarget::with(&[anna(), user("b1", "bob@example.com")]);
    *target.ignores_filters.lock().unwrap() = true;
    let session = session(&target, &[]);
    session.find_user(None, Some("bob@example.com")).unwrap().unwrap();
    let renamed = record(Some("a1"), true, &[("userName", "anna.b@example.com"), ("displayName", "Anna")]);
    session.update_user(&renamed).unwrap();
    let result = session.create_user(&anna_record(None, true));
    assert!(result.is_ok(), "{result:?}");
}

/// A target whose first list is slow, and whose first create is carried out and answered with a reset.
struct SlowList {
    inner: InMemoryTransport,
    is_list_read: StdMutex<bool>,
    is_created: StdMutex<bool>,
    posts: AtomicU64,
}

struct Shared(Arc<SlowList>);

fn wait_for(flag: &StdMutex<bool>) {
    for _ in 0..2000 {
        if *flag.lock().unwrap() {
            return;
        }
        SystemClock::default().sleep(Duration::from_millis(1));
    }
    unreachable!("the other thread sets it");
}

impl Transport for Shared {
    fn send(&self, request: &RawRequest<'_>) -> Result<RawResponse, TransportError> {
        let is_list = request.method == Method::Get && request.url.query().is_some_and(|q| q.contains("startIndex"));
        let response = self.0.inner.send(request);
        if is_list && !std::mem::replace(&mut *self.0.is_list_read.lock().unwrap(), true) {
            wait_for(&self.0.is_created);
            SystemClock::default().sleep(Duration::from_millis(200));
        }
        if request.method == Method::Post && self.0.posts.fetch_add(1, Ordering::SeqCst) == 0 {
            *self.0.is_created.lock().unwrap() = true;
            return connection_reset(true);
        }
        response
    }
}

#[test]
fn a_list_that_began_before_a_lost_create_does_not_prove_that_it_was_not_carried_out() {
    let target = InMemoryTarget::with(&[user("b1", "bob@example.com"), user("c1", "cat@example.com")]);
    *target.ignores_filters.lock().unwrap() = true;
    without_uniqueness(&target, |body| body);
    let slow = Arc::new(SlowList {
        inner: InMemoryTransport(Arc::clone(&target)),
        is_list_read: StdMutex::default(),
        is_created: StdMutex::default(),
        posts: AtomicU64::new(0),
    });
    let settings =
        Settings::parse([("SCIM_URL", "http://target.invalid/v2"), ("AUTHENTICATION_METHOD", "None")]).unwrap();
    let environment = environment(Arc::new(SystemClock::default()));
    let connector = Connector::over(settings, environment, Box::new(Shared(Arc::clone(&slow)))).unwrap();
    let session = connector.session();
    // An earlier search found no account, with a filter that the target honoured then.
    let no_match = json_response(200, &json!({"totalResults": 0, "Resources": []}));
    target.respond_once("GET", "/v2/Users?", Ok(no_match));
    assert_eq!(session.find_user(None, Some("anna@example.com")).unwrap(), None);
    let result = std::thread::scope(|scope| {
        let reader = scope.spawn(|| session.find_user(None, Some("bob@example.com")));
        wait_for(&slow.is_list_read);
        let result = session.create_user(&anna_record(None, true));
        reader.join().unwrap().unwrap();
        result
    });
    let annas = names(&target).iter().filter(|n| n.contains("anna")).count();
    assert_eq!(annas, 1, "{result:?}");
}

#[test]
fn a_group_found_instead_of_another_is_not_deleted_after_its_owner_was_written() {
    let target = with_group(staff_group(&["u1"]));
    let session = session(&target, &[]);
    let found = session.find_group(Some("old"), "Staff").unwrap().unwrap();
    session.update_group(&group(Some("g1"), Some(&["u2"]))).unwrap();
    let result = session.delete_group(&GroupRecord { id: Some(found), ..group(None, None) });
    assert!(target.groups.lock().unwrap().contains_key("g1"), "{result:?}");
}

#[test]
fn an_account_that_disappears_before_its_removal_is_gone_by_the_identifier_that_it_had() {
    let target = InMemoryTarget::with(&[anna()]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, _| {
        (method == "PATCH").then(|| {
            inner.users.lock().unwrap().clear();
            Ok(empty_response(404))
        })
    });
    let without_identifier = record(Some("a1"), false, &[]);
    let result = session(&target, &[]).remove_user(&without_identifier);
    assert_report(result, Outcome::AlreadyGone, Some("a1"));
}

#[test]
fn an_account_that_the_list_of_all_shows_under_an_old_identifier_is_not_the_user() {
    let target = InMemoryTarget::with(&[user("a1", "renamed@example.com"), user("b1", "bob@example.com")]);
    let listed = [user("a1", "anna@example.com"), user("b1", "bob@example.com")];
    let list = json!({"totalResults": 2, "Resources": listed});
    target.respond_always("GET", "/v2/Users?", json_response(200, &list));
    assert_eq!(code(session(&target, &[]).create_user(&anna_record(None, true))), "uncertain");
    assert!(target.writes().is_empty());
}

#[test]
fn a_group_of_a_create_that_names_only_an_id_is_read() {
    let target = with_group(json!({"id": "g1", "displayName": "Other"}));
    let inner = Arc::clone(&target);
    target.intercept(move |method, sent| {
        (method == "POST").then(|| {
            inner.respond(sent);
            Ok(json_response(201, &json!({"id": "g1"})))
        })
    });
    let session = session(&target, &[]);
    assert_eq!(code(session.create_group(&group(None, Some(&["u1"])))), "uncertain");
    assert_eq!(session.create_group(&group(None, Some(&["u1"]))).unwrap().id.as_deref(), Some("new-0"));
}

#[test]
fn a_list_of_all_that_does_not_show_the_identifier_proves_nothing() {
    for shown in [json!({"id": "a1"}), json!({"id": "a1", "displayName": "Anna"})] {
        let target = InMemoryTarget::with(&[anna()]);
        *target.ignores_filters.lock().unwrap() = true;
        let entries: Vec<Value> = (0..12).map(|n| json!({"id": format!("x{n}")})).chain([shown]).collect();
        let list = json!({"totalResults": 13, "Resources": entries});
        target.respond_always("GET", "/v2/Users?", json_response(200, &list));
        let session = session(&target, &[]);
        for _ in 0..2 {
            let failure = session.create_user(&anna_record(None, true)).unwrap_err();
            assert!(failure.to_string().contains("does not show the attribute"), "{failure}");
        }
        assert!(target.writes().is_empty());
    }
}

#[test]
fn a_disabled_user_whose_account_is_gone_does_not_take_over_an_account_that_was_made_meanwhile() {
    let target = InMemoryTarget::with(&[]);
    let inner = Arc::clone(&target);
    target.intercept(move |method, _| {
        if method == "POST" {
            inner.users.lock().unwrap().insert("a1".into(), anna());
        }
        None
    });
    let session = session(&target, &[("PROVISION_DISABLED_USERS_PROV_OPT", "true")]);
    assert_eq!(code(session.update_user(&anna_record(Some("old"), false))), "not_found");
    assert_eq!(target.user("a1"), anna());
}

#[test]
fn a_removal_that_finds_another_account_does_not_stop_the_removal_of_its_owner() {
    let target = InMemoryTarget::with(&[anna()]);
    let session = session(&target, &[("REMOVE_ACTION", "Delete")]);
    assert_eq!(code(session.remove_user(&anna_record(Some("old"), false))), "not_found");
    assert_report(session.remove_user(&anna_record(Some("a1"), false)), Outcome::Deleted, Some("a1"));
}
