package com.pingidentity.provisioner.store;

/** Updates the user store of the engine. Declared because it is in signatures; connectors do not use it. */
public class UserStoreUpdater {
}
