use model::{Role, Scopes};

/// What a route asks of whoever calls it; each right includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    /// Nothing.
    Anyone,
    /// See what the organization has.
    Read,
    /// Change devices and groups.
    Write,
    /// Administer keys, sources and people.
    Manage,
    /// Look after the station itself.
    Operate,
}

impl Right {
    /// The most that a person may do.
    pub(crate) const fn of_person(role: Role, is_operator: bool) -> Self {
        match role {
            Role::Viewer => Self::Read,
            Role::Manager => Self::Write,
            Role::Owner if is_operator => Self::Operate,
            Role::Owner => Self::Manage,
        }
    }

    /// The most that an access key may do here: nothing without the scope `manage`.
    pub(crate) const fn of_key(scopes: Scopes) -> Self {
        if scopes.manage { Self::Manage } else { Self::Anyone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_grow_with_the_role_and_keys_need_manage() {
        let rights = Role::ALL.map(|role| Right::of_person(role, false));
        assert_eq!(rights, [Right::Read, Right::Write, Right::Manage]);
        assert_eq!(Right::of_person(Role::Owner, true), Right::Operate);
        assert_eq!(Right::of_person(Role::Viewer, true), Right::Read, "the role comes first");
        assert_eq!(Right::of_key(Scopes::READ_WRITE), Right::Anyone);
        assert_eq!(Right::of_key(Scopes { read: false, write: false, manage: true }), Right::Manage);
    }
}
