use ipnet::IpNet;

/// What an operator may choose about the public contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Serve three months of history, and one month a list query, as Seeed's stations do. Windows
    /// that reach further are clipped, never refused.
    pub strict_windows: bool,
    /// Answer bad credentials with HTTP 200 instead of 401, for clients that raise on the status
    /// before they read the code.
    pub unauthorized_status_200: bool,
    /// The realm that the challenge names.
    pub realm: String,
    /// Whether apps may sign in with a password that was made for them, and from where.
    pub portal_login: Option<PortalLogin>,
}

/// Who may sign in with an app password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalLogin {
    /// From where, beside this machine.
    pub networks: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict_windows: false,
            unauthorized_status_200: false,
            realm: "Senstation".to_owned(),
            portal_login: None,
        }
    }
}
