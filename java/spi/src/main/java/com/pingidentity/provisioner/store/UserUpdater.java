package com.pingidentity.provisioner.store;

/** Updates one user in the engine's store. Declared because it is in signatures; connectors do not use it. */
public class UserUpdater {
}
