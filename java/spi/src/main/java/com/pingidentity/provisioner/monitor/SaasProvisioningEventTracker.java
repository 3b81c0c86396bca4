package com.pingidentity.provisioner.monitor;

/** The audit trail of the engine. Declared because it is in signatures; connectors do not use it. */
public class SaasProvisioningEventTracker {
}
