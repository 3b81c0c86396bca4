//! Carries out the writes of third parties at the target.
//! Does not know: requests, quirks.

use std::time::Duration;

use serde_json::{Value, json};

use super::json::{members, same_text, text};
use super::message::Kind;
use super::store::{Origin, Target, Writer};
use crate::plan::{Owner, ThirdParty};

impl Target {
    /// Carries out a write of a third party, if it applies. Returns whether something changed.
    ///
    /// `user_names`: the user name of each person at this time.
    pub fn third_party(&mut self, what: &ThirdParty, user_names: &[String], now: Duration) -> bool {
        let origin = Origin { at: now, writer: Writer::ThirdParty, had_tag: false };
        match what {
            ThirdParty::Delete(owner) => {
                let Some(id) = self.account(*owner, user_names) else { return false };
                self.delete(origin, Kind::User, &id);
                true
            }
            ThirdParty::Disable(owner) => self.set_at(origin, *owner, user_names, "active", false.into()),
            ThirdParty::Enable(owner) => self.set_at(origin, *owner, user_names, "active", true.into()),
            ThirdParty::ChangeUnmapped(owner) => self.set_numbered(origin, *owner, user_names, "nickName", "third"),
            ThirdParty::Rename(owner) => self.set_numbered(origin, *owner, user_names, "userName", "renamed"),
            ThirdParty::Create(person) => {
                let is_taken = self.account(Owner::Person(*person), user_names).is_some();
                let Some(name) = user_names.get(*person).filter(|_| !is_taken) else { return false };
                self.create_account(origin, json!({"userName": name}))
            }
            ThirdParty::MakeAgain(person) => {
                let Some(id) = self.account(Owner::Person(*person), user_names) else { return false };
                let Some(body) = self.users().get(&id).cloned() else { return false };
                self.delete(origin, Kind::User, &id);
                self.create_account(origin, body)
            }
            ThirdParty::AddMember => {
                let Some(stranger) = self.account(Owner::Stranger, user_names) else { return false };
                let Some((id, group)) = self.first_group() else { return false };
                let mut all = members(&group).to_vec();
                all.push(json!({"value": stranger}));
                self.set(origin, Kind::Group, &id, "members", all.into())
            }
            ThirdParty::RemoveMember => {
                let Some((id, group)) = self.first_group() else { return false };
                let rest: Vec<Value> = members(&group).iter().skip(1).cloned().collect();
                self.set(origin, Kind::Group, &id, "members", rest.into())
            }
        }
    }

    /// Returns the id of the first account of an owner.
    fn account(&self, owner: Owner, user_names: &[String]) -> Option<String> {
        let is_owned = |name: &str| match owner {
            Owner::Person(person) => user_names.get(person).is_some_and(|other| same_text(other, name)),
            Owner::Stranger => name.to_lowercase().starts_with("stranger"),
        };
        self.in_order(Kind::User)
            .find(|(_, user)| text(user, "userName").is_some_and(is_owned))
            .map(|(id, _)| id.to_owned())
    }

    fn first_group(&self) -> Option<(String, Value)> {
        self.in_order(Kind::Group).next().map(|(id, group)| (id.to_owned(), group.clone()))
    }

    fn create_account(&mut self, origin: Origin, body: Value) -> bool {
        let id = self.next_id(Kind::User);
        let body = self.complete(Kind::User, &id, body);
        self.store(origin, Kind::User, &id, Some(body))
    }

    fn set_at(&mut self, origin: Origin, owner: Owner, user_names: &[String], name: &str, value: Value) -> bool {
        let Some(id) = self.account(owner, user_names) else { return false };
        self.set(origin, Kind::User, &id, name, value)
    }

    /// Gives an attribute a value that no resource has: a word and a number.
    fn set_numbered(&mut self, origin: Origin, owner: Owner, user_names: &[String], name: &str, word: &str) -> bool {
        let value = format!("{word}-{}", self.numbered_writes + 1);
        let is_changed = self.set_at(origin, owner, user_names, name, value.into());
        self.numbered_writes += usize::from(is_changed);
        is_changed
    }
}
