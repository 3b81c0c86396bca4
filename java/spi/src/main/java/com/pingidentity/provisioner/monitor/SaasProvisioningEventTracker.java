package com.pingidentity.provisioner.monitor;

/** The engine's audit trail: declared because signatures name it; a connector has no use for it. */
public class SaasProvisioningEventTracker {
}
