use crate::{PortalState, actor::Actor, fault::Fault};

/// Puts a simulated fleet into the organization; its devices appear while it goes on.
pub(crate) async fn start(portal: &PortalState, actor: &Actor) -> Result<(), Fault> {
    portal.station().start_simulated_fleet(actor.org);
    portal.fleets().forget(actor.org);
    actor.record(portal, "fleet.start", "", "").await?;
    Ok(())
}

/// Takes the simulated fleet out of the organization, with everything it ever sent.
pub(crate) async fn remove(portal: &PortalState, actor: &Actor) -> Result<(), Fault> {
    portal.station().remove_simulated_fleet(actor.org);
    portal.fleets().forget(actor.org);
    actor.record(portal, "fleet.remove", "", "").await?;
    Ok(())
}
