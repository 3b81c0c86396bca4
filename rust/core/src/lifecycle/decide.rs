//! Decides rows 1 to 15 of the decision table, as a pure function.
//! Does not know: HTTP, resources, sessions.
//!
//! `docs/decisions.md` has the table and the reason of each row. Each row has a test below with its number.

use crate::record::{Outcome, ProvisioningOption};
use crate::settings::RemoveAction;

/// The operation that a host requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestedOperation {
    /// Create this user, or adopt the account that the target has.
    Create,
    /// Update this user. For a disabled record this may be a removal.
    Update,
    /// Remove this user: disable or delete.
    Remove,
}

/// What the target shows of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetStatus {
    /// The target does not have the user.
    Absent,
    /// The target has the user, with `active` true or without `active`.
    Active,
    /// The target has the user, with `active` false.
    Inactive,
}

/// The settings that the table reads, with the letters of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionOptions {
    /// C: *User Create*.
    pub create: bool,
    /// U: *User Update*.
    pub update: bool,
    /// R: *User Disable / Delete*.
    pub remove: bool,
    /// P: *Provision Disabled Users*.
    pub provision_disabled: bool,
    /// A: *Remove User Action*.
    pub remove_action: RemoveAction,
}

impl DecisionOptions {
    /// Returns true if P is selected and A is `Disable`: then disabled users may have accounts.
    fn keeps_disabled_users(self) -> bool {
        self.provision_disabled && self.remove_action == RemoveAction::Disable
    }
}

/// What the connector does with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Create the account with this `active`. False is verified afterwards.
    Create {
        /// The `active` of the request.
        active: bool,
    },
    /// Write the differences and this `active`.
    Write {
        /// The `active` after the write.
        active: bool,
        /// The outcome if something differs.
        changed: Outcome,
        /// The outcome if nothing differs.
        unchanged: Outcome,
    },
    /// Change `active` to false, keep everything else, verify.
    Disable,
    /// Delete the account.
    Delete,
    /// Send nothing.
    Nothing(Outcome),
    /// Send nothing, because of this option.
    Skip(ProvisioningOption),
}

/// The facts that the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionInput {
    /// The operation that the host requests.
    pub operation: RequestedOperation,
    /// The account status in the source.
    pub enabled: bool,
    /// The status at the target.
    pub target_status: TargetStatus,
    /// True if a stored id names the account. False if only a search by the identifier found it, so that this
    /// connection has never changed it.
    pub linked: bool,
}

/// Decides rows 1 to 15 of the decision table.
///
/// The session applies row 16, the limit of removals, because it depends on the other users of the cycle.
pub fn decide(input: DecisionInput, options: DecisionOptions) -> Effect {
    let DecisionInput { operation, enabled, target_status, linked } = input;
    match (operation, enabled, target_status) {
        (RequestedOperation::Remove, _, _) => remove(target_status, linked, options),
        // Rows 1, 2 and 9.
        (_, true, TargetStatus::Absent) => {
            if options.create {
                Effect::Create { active: true }
            } else {
                Effect::Skip(ProvisioningOption::UserCreate)
            }
        }
        // Rows 5, 6, 7 and 8.
        (_, true, present) => {
            if !options.update {
                Effect::Skip(ProvisioningOption::UserUpdate)
            } else if !linked {
                Effect::Write { active: true, changed: Outcome::Adopted, unchanged: Outcome::Adopted }
            } else if present == TargetStatus::Inactive {
                Effect::Write { active: true, changed: Outcome::ReEnabled, unchanged: Outcome::ReEnabled }
            } else {
                Effect::Write { active: true, changed: Outcome::Updated, unchanged: Outcome::Unchanged }
            }
        }
        // Rows 3 and 10a.
        (_, false, TargetStatus::Absent) if options.create && options.keeps_disabled_users() => {
            Effect::Create { active: false }
        }
        // Row 4.
        (RequestedOperation::Create, false, TargetStatus::Absent) => Effect::Skip(if !options.create {
            ProvisioningOption::UserCreate
        } else if !options.provision_disabled {
            ProvisioningOption::ProvisionDisabled
        } else {
            ProvisioningOption::RemoveAction
        }),
        // Row 10.
        (_, false, TargetStatus::Inactive) if options.update && options.keeps_disabled_users() => {
            Effect::Write { active: false, changed: Outcome::Updated, unchanged: Outcome::Unchanged }
        }
        // Rows 5a and 11 to 15.
        (_, false, _) => remove(target_status, linked, options),
    }
}

/// Decides rows 5a and 11 to 15.
fn remove(target_status: TargetStatus, linked: bool, options: DecisionOptions) -> Effect {
    match target_status {
        // Row 14.
        TargetStatus::Absent => Effect::Nothing(Outcome::AlreadyGone),
        // Row 11.
        _ if !options.remove => Effect::Skip(ProvisioningOption::UserRemove),
        // Row 5a.
        _ if options.remove_action == RemoveAction::Delete && !linked => Effect::Skip(ProvisioningOption::RemoveAction),
        // Row 15.
        _ if options.remove_action == RemoveAction::Delete => Effect::Delete,
        // Row 12.
        TargetStatus::Active => Effect::Disable,
        // Row 13.
        TargetStatus::Inactive => Effect::Nothing(Outcome::AlreadyDisabled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RemoveAction::{Delete, Disable};
    use RequestedOperation::{Create, Remove, Update};
    use TargetStatus::{Absent, Active, Inactive};

    /// The options with these letters of the table are selected.
    fn options(on: &str, action: RemoveAction) -> DecisionOptions {
        DecisionOptions {
            create: on.contains('C'),
            update: on.contains('U'),
            remove: on.contains('R'),
            provision_disabled: on.contains('P'),
            remove_action: action,
        }
    }

    fn decide_linked(
        operation: RequestedOperation,
        enabled: bool,
        target_status: TargetStatus,
        options: DecisionOptions,
    ) -> Effect {
        decide(DecisionInput { operation, enabled, target_status, linked: true }, options)
    }

    fn decide_unlinked(
        operation: RequestedOperation,
        enabled: bool,
        target_status: TargetStatus,
        options: DecisionOptions,
    ) -> Effect {
        decide(DecisionInput { operation, enabled, target_status, linked: false }, options)
    }

    #[test]
    fn row_1_an_enabled_user_who_is_absent_is_created_active() {
        assert_eq!(decide_unlinked(Create, true, Absent, options("C", Disable)), Effect::Create { active: true });
    }

    #[test]
    fn row_2_without_user_create_an_absent_user_is_skipped() {
        let off = options("URP", Disable);
        assert_eq!(decide_unlinked(Create, true, Absent, off), Effect::Skip(ProvisioningOption::UserCreate));
    }

    #[test]
    fn row_3_a_disabled_user_is_created_inactive_if_all_three_options_allow_it() {
        assert_eq!(decide_unlinked(Create, false, Absent, options("CP", Disable)), Effect::Create { active: false });
    }

    #[test]
    fn row_4_an_option_that_prevents_the_create_of_a_disabled_user_is_named() {
        for (on, action, option) in [
            ("URP", Disable, ProvisioningOption::UserCreate),
            ("CUR", Disable, ProvisioningOption::ProvisionDisabled),
            ("CURP", Delete, ProvisioningOption::RemoveAction),
        ] {
            assert_eq!(decide_unlinked(Create, false, Absent, options(on, action)), Effect::Skip(option));
        }
    }

    #[test]
    fn row_5_an_existing_account_is_adopted_and_enabled() {
        for target_status in [Active, Inactive] {
            assert_eq!(
                decide_unlinked(Create, true, target_status, options("U", Disable)),
                Effect::Write { active: true, changed: Outcome::Adopted, unchanged: Outcome::Adopted }
            );
            let off = options("CRP", Disable);
            assert_eq!(decide_unlinked(Create, true, target_status, off), Effect::Skip(ProvisioningOption::UserUpdate));
        }
    }

    #[test]
    fn row_5a_an_unlinked_account_is_disabled_but_never_deleted() {
        for operation in [Create, Update, Remove] {
            assert_eq!(decide_unlinked(operation, false, Active, options("CUR", Disable)), Effect::Disable);
            for target_status in [Active, Inactive] {
                let deletes = options("CURP", Delete);
                assert_eq!(
                    decide_unlinked(operation, false, target_status, deletes),
                    Effect::Skip(ProvisioningOption::RemoveAction)
                );
            }
        }
    }

    #[test]
    fn row_6_an_active_user_is_updated() {
        assert_eq!(
            decide_linked(Update, true, Active, options("U", Delete)),
            Effect::Write { active: true, changed: Outcome::Updated, unchanged: Outcome::Unchanged }
        );
    }

    #[test]
    fn row_7_an_inactive_user_is_re_enabled() {
        assert_eq!(
            decide_linked(Update, true, Inactive, options("U", Disable)),
            Effect::Write { active: true, changed: Outcome::ReEnabled, unchanged: Outcome::ReEnabled }
        );
    }

    #[test]
    fn row_8_without_user_update_an_existing_account_is_skipped() {
        for target_status in [Active, Inactive] {
            let off = options("CRP", Disable);
            assert_eq!(decide_linked(Update, true, target_status, off), Effect::Skip(ProvisioningOption::UserUpdate));
        }
    }

    #[test]
    fn row_9_an_enabled_user_who_is_absent_is_created_again() {
        assert_eq!(decide_linked(Update, true, Absent, options("C", Delete)), Effect::Create { active: true });
        assert_eq!(
            decide_linked(Update, true, Absent, options("URP", Delete)),
            Effect::Skip(ProvisioningOption::UserCreate)
        );
    }

    #[test]
    fn row_10_an_inactive_disabled_user_is_updated_and_stays_inactive() {
        assert_eq!(
            decide_linked(Update, false, Inactive, options("UP", Disable)),
            Effect::Write { active: false, changed: Outcome::Updated, unchanged: Outcome::Unchanged }
        );
    }

    #[test]
    fn row_10a_a_disabled_user_who_is_absent_is_created_inactive() {
        assert_eq!(decide_linked(Update, false, Absent, options("CP", Disable)), Effect::Create { active: false });
    }

    #[test]
    fn row_11_without_user_disable_delete_a_removal_is_skipped() {
        for action in [Disable, Delete] {
            for target_status in [Active, Inactive] {
                let off = options("CU", action);
                assert_eq!(
                    decide_linked(Remove, true, target_status, off),
                    Effect::Skip(ProvisioningOption::UserRemove)
                );
                assert_eq!(
                    decide_linked(Update, false, target_status, off),
                    Effect::Skip(ProvisioningOption::UserRemove)
                );
            }
        }
    }

    #[test]
    fn row_12_an_active_user_is_disabled() {
        for operation in [Remove, Update] {
            assert_eq!(decide_linked(operation, false, Active, options("CURP", Disable)), Effect::Disable);
        }
        assert_eq!(decide_linked(Remove, true, Active, options("R", Disable)), Effect::Disable);
    }

    #[test]
    fn row_13_removing_an_inactive_user_sends_nothing() {
        let on = options("CUR", Disable);
        assert_eq!(decide_linked(Remove, false, Inactive, on), Effect::Nothing(Outcome::AlreadyDisabled));
        assert_eq!(decide_linked(Update, false, Inactive, on), Effect::Nothing(Outcome::AlreadyDisabled));
        // A remove stays a removal, also with the options of row 10.
        let row_10 = options("CURP", Disable);
        assert_eq!(decide_linked(Remove, false, Inactive, row_10), Effect::Nothing(Outcome::AlreadyDisabled));
    }

    #[test]
    fn row_14_removing_an_absent_user_sends_nothing() {
        for action in [Disable, Delete] {
            assert_eq!(decide_linked(Remove, false, Absent, options("CURP", action)), already_gone());
        }
        assert_eq!(decide_linked(Update, false, Absent, options("UR", Disable)), already_gone());
    }

    #[test]
    fn row_15_a_linked_user_is_deleted_if_the_action_is_delete() {
        for target_status in [Active, Inactive] {
            for operation in [Remove, Update] {
                assert_eq!(decide_linked(operation, false, target_status, options("CURP", Delete)), Effect::Delete);
            }
        }
    }

    #[test]
    fn every_input_has_an_effect_that_its_options_allow() {
        for bits in 0..16_u8 {
            let letters: String = "CURP".chars().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|p| p.1).collect();
            for action in [Disable, Delete] {
                let options = options(&letters, action);
                for operation in [Create, Update, Remove] {
                    for enabled in [true, false] {
                        for target_status in [Absent, Active, Inactive] {
                            for linked in [true, false] {
                                let input = DecisionInput { operation, enabled, target_status, linked };
                                assert_allowed(input, options, decide(input, options));
                            }
                        }
                    }
                }
            }
        }
    }

    fn assert_allowed(input: DecisionInput, options: DecisionOptions, effect: Effect) {
        let needs_account = input.enabled && input.operation != Remove;
        match effect {
            Effect::Create { active } => {
                assert!(
                    options.create
                        && input.target_status == Absent
                        && input.operation != Remove
                        && active == input.enabled,
                    "{input:?}"
                );
                assert!(active || options.provision_disabled && options.remove_action == Disable, "{input:?}");
            }
            Effect::Write { active, .. } => {
                assert!(
                    options.update
                        && input.target_status != Absent
                        && input.operation != Remove
                        && active == input.enabled,
                    "{input:?}"
                );
                assert!(active || input.target_status == Inactive, "{input:?}");
            }
            Effect::Disable => {
                assert!(
                    options.remove
                        && options.remove_action == Disable
                        && input.target_status == Active
                        && !needs_account,
                    "{input:?}"
                );
            }
            Effect::Delete => {
                assert!(
                    options.remove
                        && options.remove_action == Delete
                        && input.linked
                        && input.target_status != Absent
                        && !needs_account,
                    "{input:?}"
                );
            }
            Effect::Nothing(_) => assert!(!needs_account, "{input:?}"),
            Effect::Skip(ProvisioningOption::UserCreate) => assert!(!options.create, "{input:?}"),
            Effect::Skip(ProvisioningOption::UserUpdate) => assert!(!options.update, "{input:?}"),
            Effect::Skip(ProvisioningOption::UserRemove) => assert!(!options.remove, "{input:?}"),
            Effect::Skip(ProvisioningOption::ProvisionDisabled) => assert!(!options.provision_disabled, "{input:?}"),
            Effect::Skip(ProvisioningOption::RemoveAction) => assert_eq!(options.remove_action, Delete, "{input:?}"),
        }
    }

    fn already_gone() -> Effect {
        Effect::Nothing(Outcome::AlreadyGone)
    }
}
